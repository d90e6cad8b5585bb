"""The joints that a pose is made of: COCO-WholeBody 133, the home order of this package.

Other orders (OpenPose 18/25, MediaPipe 33, Wan 20) are translated where they enter or leave.
Left and right are the person's own. Source of the order: COCO-WholeBody annotation format.
"""

from __future__ import annotations

from dataclasses import dataclass

_BODY = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
_FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")
_FINGERS = ("thumb", "index", "middle", "ring", "little")

BODY = slice(0, 17)
FEET = slice(17, 23)
FACE = slice(23, 91)
"""iBUG 68: jaw 0-16, right brow 17-21 (viewer's left), left brow 22-26, nose 27-35, right eye 36-41, left eye
42-47, outer lips 48-59, inner lips 60-67."""
LEFT_HAND = slice(91, 112)
RIGHT_HAND = slice(112, 133)


@dataclass(frozen=True)
class Skeleton:
    """Names of the joints, which are connected, and which is whose mirror image."""

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    """Parent, child."""
    mirror: tuple[int, ...]
    """`mirror[j]` is the joint on the other side; middle joints are their own mirror."""

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        return self.joints.index(joint)


def _whole_body() -> Skeleton:
    hand = ["wrist", *(f"{finger}_{k}" for finger in _FINGERS for k in range(1, 5))]
    joints = (
        *_BODY,
        *_FEET,
        *(f"face_{k}" for k in range(68)),
        *(f"left_hand_{n}" for n in hand),
        *(f"right_hand_{n}" for n in hand),
    )
    body_bones = [(5, 7), (7, 9), (6, 8), (8, 10), (5, 6), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14),
                  (14, 16), (0, 1), (0, 2), (1, 3), (2, 4), (15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22)]  # fmt: skip
    hand_bones = [(0 if k == 0 else 4 * f + k, 4 * f + k + 1) for f in range(5) for k in range(4)]
    bones = body_bones + [(91 + a, 91 + b) for a, b in hand_bones] + [(112 + a, 112 + b) for a, b in hand_bones]
    mirror = list(range(133))
    for a, b in [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16), (17, 20), (18, 21), (19, 22)]:
        mirror[a], mirror[b] = b, a
    face_pairs = [(k, 16 - k) for k in range(8)] + [(17 + k, 26 - k) for k in range(5)] + [(31, 35), (32, 34)]
    face_pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    face_pairs += [(48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)]
    for a, b in face_pairs:
        mirror[23 + a], mirror[23 + b] = 23 + b, 23 + a
    for k in range(21):
        mirror[91 + k], mirror[112 + k] = 112 + k, 91 + k
    return Skeleton("coco-wholebody-133", joints, tuple(bones), tuple(mirror))


WHOLE_BODY = _whole_body()
