"""ViTPose for whole bodies: heat maps `[n,133,64,48]` for crops of 256 x 192, from ONNX or from torch.

Frames go in as RGB, as the weights were trained; Wan's own preprocessing feeds blue first. Not UDP (see `heat_maps`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from ..core import InputError
from .crops import crop_into, regions, usable_boxes, wan_crop_into
from .heat_maps import decode_heat_maps
from .network_files import file_id
from .onnx_network import OnnxNetwork, shape_words, wrong_network

JOINTS = 133
SHAPE = (3, 256, 192)
Crop = Literal["exact", "wan"]
Fill = Callable[[np.ndarray, int], None]


def estimate_with(
    maps_of: Callable[[int, Fill], np.ndarray],
    frames: np.ndarray,
    boxes: np.ndarray,
    frame_of: np.ndarray,
    crop: Crop = "exact",
) -> tuple[np.ndarray, np.ndarray]:
    """What `PoseNetwork.estimate` promises; `maps_of(count, fill)` gives the heat maps of `count` crops."""
    if not len(boxes):
        return np.zeros((0, JOINTS, 2), np.float32), np.zeros((0, JOINTS), np.float32)
    _, height, width = SHAPE
    boxes = usable_boxes(boxes, frames.shape[2], frames.shape[1])
    centres, sizes = regions(boxes, width, height)

    def fill(planes: np.ndarray, i: int) -> None:
        if crop == "wan":
            wan_crop_into(planes, frames[frame_of[i]], boxes[i])
        else:
            crop_into(planes, frames[frame_of[i]], centres[i], sizes[i])

    points, scores = decode_heat_maps(maps_of(len(boxes), fill), centres, sizes)
    if not np.isfinite(scores).all():
        raise InputError(
            "ViTPose gave heat maps that are not finite; take bf16 or fp32 instead of fp16, or the file is damaged."
        )
    return points.astype(np.float32), np.clip(scores, 0, 1).astype(np.float32)


class VitPoseOnnx:
    """A `PoseNetwork` from an ONNX file. `crop` 'wan' rounds crops as Wan2.2 does, for comparison."""

    module = None

    def __init__(self, network: OnnxNetwork, name: str, *, crop: Crop = "exact") -> None:
        self._network = network
        self._crop: Crop = crop
        sizes = network.input_shape[-2:]
        found = network.output_shapes[0][1:]
        right = (
            len(network.input_shape) == 4
            and len(found) == 3
            and all(a in (None, b) for a, b in zip((*sizes, *found), (256, 192, JOINTS, 64, 48), strict=True))
        )
        if not right:
            body = " (17: bodies without hands and face)" if found[:1] == (17,) else ""
            raise wrong_network(
                "ViTPose for whole bodies", network.path, "input [n,3,256,192] and output [n,133,64,48]",
                f"{shape_words([network.input_shape])} and {shape_words(network.output_shapes)}{body}",
            )  # fmt: skip
        self.id = file_id(name, network.path) + ("" if crop == "exact" else f"/{crop}")
        self.provider = network.provider

    def estimate(self, frames: np.ndarray, boxes: np.ndarray, frame_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        def maps_of(count: int, fill: Fill) -> np.ndarray:
            return self._network.run(count, fill, SHAPE)[0]

        return estimate_with(maps_of, frames, boxes, frame_of, self._crop)

    def close(self) -> None:
        self.__dict__.pop("_network", None)  # freed now, unless it is kept for the next clip
