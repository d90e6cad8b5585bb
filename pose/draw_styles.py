"""The drawing styles as data: which joints, how thick, how bright, from which score on.

Styles are not interchangeable: a generator that was trained on one of them misreads another. Colours
and limb order are OpenPose's. Read off Wan-Video/Wan2.2 `human_visualization.py` (v1, v2) and
controlnet_aux `dwpose` (openpose), and checked pixel by pixel against frames that those drew.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

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

LIMB_COLOURS = tuple((int(r * 0.6), int(g * 0.6), int(b * 0.6)) for r, g, b in COLOURS)

HAND_BONES = tuple((0 if k == 0 else 4 * f + k, 4 * f + k + 1) for f in range(5) for k in range(4))
HAND_COLOURS = tuple(
    (r * 255.0, g * 255.0, b * 255.0) for r, g, b in (colorsys.hsv_to_rgb(k / 20.0, 1.0, 1.0) for k in range(20))
)
HAND_DOT = (0, 0, 255)
FACE_DOT = (255, 255, 255)


@dataclass(frozen=True)
class DrawStyle:
    """One way of drawing a person. Sizes are pixels of the picture that is drawn."""

    name: str
    num_joints: int
    """18: OpenPose. 20: with Wan's toes."""
    num_limbs: int
    threshold: float
    """A joint below this score is not drawn."""
    neck: str
    """Score of the neck: 'mean' of the shoulders', or 'both': 1 where both pass 0.3, else 0."""
    limb_px: int
    """Half width of a limb and radius of a joint; 0: one for every `pixels_per_width` of the short side."""
    hand_line_px: int
    """0: half of `limb_px` if `thin_hands`, else `limb_px`."""
    hand_dot_px: int
    face_dot_px: int
    """0: no face."""
    pixels_per_width: int = 200
    narrower: int = 0
    thin_hands: bool = False

    def limb_width(self, width: int, height: int) -> int:
        """Half width of a limb on a picture of this size."""
        return self.limb_px or max(int(min(width, height) / self.pixels_per_width) - self.narrower, 1)

    def hand_widths(self, width: int, height: int) -> tuple[int, int]:
        """Line width and dot radius of a hand on a picture of this size."""
        if self.hand_line_px:
            return self.hand_line_px, self.hand_dot_px
        limb = self.limb_width(width, height)
        hand = max(limb // 2, 1) if self.thin_hands else limb
        return hand, hand


STYLES = {
    s.name: s
    for s in (
        DrawStyle("wan", 20, 19, 0.5, "mean", 0, 0, 0, 0, narrower=1, thin_hands=True),
        DrawStyle("wan-v1", 20, 19, 0.5, "mean", 0, 0, 0, 0),
        DrawStyle("openpose", 18, 17, 0.3, "both", 4, 2, 4, 3),
    )
}
