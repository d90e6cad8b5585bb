"""People in single frames: YOLOX, or Wan's YOLOv10 (and YOLOv8 answers of the same kind)."""

from __future__ import annotations

import numpy as np

from .boxes import letter_box_into, stretch_into, yolo_boxes, yolox_boxes
from .network_files import file_id
from .onnx_network import OnnxNetwork, shape_words, wrong_network

_CLASSES = 80


class YoloxFinder:
    """YOLOX with raw rows `[n,8400,85]`, as DWPose uses it."""

    module = None

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._side = _square_side(network, "YOLOX")
        rows = sum((self._side // stride) ** 2 for stride in (8, 16, 32))
        if network.output_shapes[0][1:] not in ((rows, 5 + _CLASSES), (None, 5 + _CLASSES), (None, None)):
            raise _wrong("YOLOX", network, f"[n,{rows},85]")
        self.id = file_id("yolox", network.path)
        self.provider = network.provider

    def find(self, frames: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        scales: dict[int, float] = {}

        def fill(planes: np.ndarray, i: int) -> None:
            scales[i] = letter_box_into(planes, frames[i])

        if not len(frames):
            return []
        rows = self._network.run(len(frames), fill, (3, self._side, self._side))[0]
        if rows.shape[-1] != 5 + _CLASSES:
            raise _wrong("YOLOX", self._network, "[n,8400,85]", rows.shape)
        return [yolox_boxes(rows[i], self._side, scales[i]) for i in range(len(frames))]

    def close(self) -> None:
        self.__dict__.pop("_network", None)  # freed now, unless it is kept for the next clip


class YoloFinder:
    """YOLOv10 with `[n,300,6]`, or YOLOv8 with `[n,84,8400]`."""

    module = None

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._side = _square_side(network, "YOLOv10")
        shape = network.output_shapes[0]
        if len(shape) != 3 or not (shape[2] in (6, None) or shape[1] == 4 + _CLASSES):
            raise _wrong("YOLOv10", network, "[n,300,6]")
        self.id = file_id("yolov10", network.path)
        self.provider = network.provider

    def find(self, frames: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        if not len(frames):
            return []
        side = (self._side, self._side)
        rows = self._network.run(len(frames), lambda planes, i: stretch_into(planes, frames[i]), (3, *side))[0]
        if rows.shape[-1] != 6 and rows.shape[1] != 4 + _CLASSES:
            raise _wrong("YOLOv10", self._network, "[n,300,6]", rows.shape)
        size = (frames.shape[2], frames.shape[1])
        return [yolo_boxes(rows[i], side, size) for i in range(len(frames))]

    def close(self) -> None:
        self.__dict__.pop("_network", None)  # freed now, unless it is kept for the next clip


def _square_side(network: OnnxNetwork, title: str) -> int:
    """The input's side px; 640 where the file leaves it open."""
    shape = network.input_shape
    if len(shape) == 4 and shape[1] in (3, None):
        height, width = shape[2] or 640, shape[3] or 640
        if height == width and height % 32 == 0:
            return height
    raise wrong_network(title, network.path, "input [n,3,640,640]", shape_words([shape]))


def _wrong(title: str, network: OnnxNetwork, wanted: str, found: tuple[int, ...] | None = None) -> Exception:
    shapes = network.output_shapes if found is None else [found]
    return wrong_network(title, network.path, f"output {wanted}", shape_words(shapes))
