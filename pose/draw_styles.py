"""The drawing styles as data: which joints, how thick, how bright, from which score on.

Styles are not interchangeable: a generator that was trained on one of them misreads another. Colours
and limb order are OpenPose's. Read off Wan-Video/Wan2.2 `human_visualization.py` (v1, v2), controlnet_aux
`dwpose` (openpose), Tencent/MimicMotion `dwpose/util.py`, ComfyUI `nodes_sdpose.py` and
ssj9596/One-to-All-Animation `opensora/dataset/utils.py`, and checked pixel by pixel against frames that
those drew.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

NECK, LEFT_TOES, RIGHT_TOES = -1, -2, -3
"""Joints that COCO does not have: middle of the shoulders, middle of big and small toe."""

OPENPOSE_JOINTS = (0, NECK, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, LEFT_TOES, RIGHT_TOES)
"""Home joint of each of OpenPose's 18, then Wan's two toes."""

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17), (13, 18), (10, 19),
)  # fmt: skip
"""In drawing order, in OpenPose numbers; the last two are Wan's feet."""

COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85), (200, 200, 0), (100, 100, 0),
)  # fmt: skip
"""RGB of limb k and of joint k."""

DIM = 0.6
"""Limbs are this bright in all styles but SDPose's; joints are as bright as in `COLOURS`."""
LIMB_COLOURS = tuple((int(r * DIM), int(g * DIM), int(b * DIM)) for r, g, b in COLOURS)

HAND_BONES = tuple((0 if k == 0 else 4 * f + k, 4 * f + k + 1) for f in range(5) for k in range(4))
HAND_HUES = tuple(colorsys.hsv_to_rgb(k / 20.0, 1.0, 1.0) for k in range(20))
"""RGB 0..1 of each bone of a hand."""
HAND_COLOURS = tuple((r * 255.0, g * 255.0, b * 255.0) for r, g, b in HAND_HUES)
WHOLE_HAND_COLOURS = tuple((int(r), int(g), int(b)) for r, g, b in HAND_COLOURS)
"""Truncated where the others leave the rounding to OpenCV: one level less in two of them."""
HAND_DOT = (0, 0, 255)
FACE_DOT = (255, 255, 255)

WHOLE_FACE = tuple(range(68))
FACE_WITHOUT_JAW_AND_NOSE = (*range(17, 27), *range(36, 68))


class Strokes(NamedTuple):
    """Sizes in pixels of the canvas that is drawn on."""

    limb: int
    """Half width of a limb."""
    joint: int
    """Radius."""
    hand_line: int
    """Whole width."""
    hand_dot: int
    """Radius."""
    face_dot: int
    """Radius; 0: no face."""


def _fixed(width: int, height: int) -> Strokes:
    return Strokes(4, 4, 2, 4, 3)


def _wan(width: int, height: int) -> Strokes:
    limb = max(int(min(width, height) / 200) - 1, 1)
    return Strokes(limb, limb, max(limb // 2, 1), max(limb // 2, 1), 0)


def _wan_v1(width: int, height: int) -> Strokes:
    limb = max(int(min(width, height) / 200), 1)
    return Strokes(limb, limb, limb, limb, 0)


def _xinsir(width: int, height: int) -> Strokes:
    # xinsir's SDXL ControlNet was trained with limbs that grow with the picture; everything else does not
    side = max(width, height)
    return _fixed(width, height)._replace(limb=4 * (1 if side < 500 else min(2 + side // 1000, 7)))


def _one_to_all(width: int, height: int) -> Strokes:
    side = max(width, height)
    # 4.0 after 4.5 is what the published code says
    steps = ((512, 1.0), (1080, 1.5), (2160, 2.0), (3240, 2.5), (4320, 3.5), (5400, 4.5))
    ratio = next((r for limit, r in steps if side < limit), 4.0)
    body, small = int(3 * ratio), int(2 * ratio)
    return Strokes(body, body, small, small, small)


@dataclass(frozen=True)
class DrawStyle:
    """One way of drawing people."""

    name: str
    title: str
    """As users choose it."""
    num_joints: int
    """18: OpenPose. 20: with Wan's toes."""
    num_limbs: int
    threshold: float
    """A joint of the body below this score is not drawn, nor its limbs."""
    neck: Literal["mean", "both", "least"]
    """Score of the neck from the shoulders': their mean; 1 where both pass 0.3, else 0; the lesser where both pass."""
    strokes: Callable[[int, int], Strokes] = _fixed
    """Of width and height of the canvas."""
    small_threshold: float | None = None
    """For hands and face where it differs."""
    dim: float = DIM
    """Brightness of limbs."""
    is_weighted: bool = False
    """Colours are multiplied with the scores, and all people are drawn layer by layer, not one after the other."""
    short_side: int = 0
    """Drawn on a canvas with this short side (px), then resized bilinearly; 0: drawn at the size that is asked for."""
    swaps_red_and_blue: bool = False
    skips_outside: bool = False
    """Points outside the picture are left out, and limbs shorter than a pixel (SDPose)."""
    face_points: tuple[int, ...] = WHOLE_FACE
    has_eye_dots: bool = False
    """The eyes of the body are face dots too."""
    has_foot_dots: bool = False
    hand_colours: tuple[tuple[float, float, float], ...] = HAND_COLOURS
    right_hand_first: bool = False


STYLES = {
    s.name: s
    for s in (
        DrawStyle("wan", "Wan-Animate", 20, 19, 0.5, "mean", _wan),
        DrawStyle("wan-v1", "Wan-Animate, thicker (v1)", 20, 19, 0.5, "mean", _wan_v1),
        DrawStyle("openpose", "OpenPose (DWPose)", 18, 17, 0.3, "both", has_eye_dots=True),
        DrawStyle("openpose-xinsir", "OpenPose, thick limbs (xinsir)", 18, 17, 0.3, "both", _xinsir, has_eye_dots=True),
        DrawStyle("mimicmotion", "MimicMotion", 18, 17, 0.3, "both", small_threshold=0.0, is_weighted=True,
                  short_side=2160, swaps_red_and_blue=True),
        DrawStyle("sdpose", "SDPose", 18, 17, 0.3, "least", dim=1.0, skips_outside=True,
                  hand_colours=WHOLE_HAND_COLOURS),
        DrawStyle("sdpose-feet", "SDPose with feet", 18, 17, 0.3, "least", dim=1.0, skips_outside=True,
                  has_foot_dots=True, hand_colours=WHOLE_HAND_COLOURS),
        DrawStyle("one-to-all", "One-to-All", 18, 17, 0.0, "mean", _one_to_all, small_threshold=0.3, is_weighted=True,
                  short_side=2160, face_points=FACE_WITHOUT_JAW_AND_NOSE, right_hand_first=True),
    )
}  # fmt: skip
