"""Which size a picture gets when only an area is given, and which frames a clip keeps at another rate.

As Wan-Animate's preprocessing does both; other engines may.
"""

from __future__ import annotations

import math
from fractions import Fraction


def area_size(width: int, height: int, area: int, multiple: int = 16) -> tuple[int, int]:
    """Width and height of about `area` pixels in the picture's shape, both rounded down to a `multiple`.

    What Wan-Video/Wan2.2 `resize_by_area` really returns: 1920x1080 at 832*480 gives 832x464, not 832x480.
    """
    if min(width, height, multiple) < 1 or area < multiple * multiple:
        raise ValueError(f"no size of {area} px in multiples of {multiple} for {width}x{height}")
    high = math.sqrt(area / (width / height))
    wide = area / high
    return (max(multiple, int(wide // multiple * multiple)), max(multiple, int(high // multiple * multiple)))


def frames_at_rate(num_frames: int, rate: float | Fraction, new_rate: float | Fraction) -> list[int]:
    """Index of the source's frame for every frame of the same clip at `new_rate` (frames per second).

    As Wan-Animate picks them: as many as fit into the clip, each the nearest (halves go to the even one).
    """
    count = int(num_frames / rate * new_rate)
    return [min(round(k / new_rate * rate), num_frames - 1) for k in range(count)]
