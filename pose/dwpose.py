"""DWPose: RTMPose-L, distilled on whole bodies, with SimCC answers; 384 x 288 or 256 x 192, as its file says."""

from __future__ import annotations

import numpy as np

from .crops import crop_into, regions, usable_boxes
from .network_files import file_id
from .onnx_network import OnnxNetwork, shape_words, wrong_network
from .simcc import BINS_PER_PX, decode_simcc

_JOINTS = 133
_SIZE = (384, 288)


class DwPose:
    """A `PoseNetwork` from an ONNX file with outputs simcc_x `[n,133,2w]` and simcc_y `[n,133,2h]`."""

    module = None

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        height, width = (d or size for d, size in zip(network.input_shape[-2:], _SIZE, strict=True))
        wanted = ((_JOINTS, BINS_PER_PX * width), (_JOINTS, BINS_PER_PX * height))
        found = [shape[1:] for shape in network.output_shapes]
        right = len(found) == 2 and all(
            len(f) == 2 and all(a is None or a == b for a, b in zip(f, w, strict=True))
            for f, w in zip(found, wanted, strict=True)
        )
        if len(network.input_shape) != 4 or not right:
            raise wrong_network(
                "DWPose", network.path, f"outputs [n,133,{2 * width}] and [n,133,{2 * height}]",
                f"input {shape_words([network.input_shape])}, output {shape_words(network.output_shapes)}",
            )  # fmt: skip
        self._shape = (3, height, width)
        self.id = file_id("dwpose", network.path)
        self.provider = network.provider

    def estimate(self, frames: np.ndarray, boxes: np.ndarray, frame_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not len(boxes):
            return np.zeros((0, _JOINTS, 2), np.float32), np.zeros((0, _JOINTS), np.float32)
        _, height, width = self._shape
        centres, sizes = regions(usable_boxes(boxes, frames.shape[2], frames.shape[1]), width, height)
        across, down = self._network.run(
            len(boxes), lambda planes, i: crop_into(planes, frames[frame_of[i]], centres[i], sizes[i]), self._shape
        )
        points, scores = decode_simcc(across, down, centres, sizes)
        return points.astype(np.float32), np.clip(scores, 0, 1).astype(np.float32)

    def close(self) -> None:
        self.__dict__.pop("_network", None)  # freed now, unless it is kept for the next clip
