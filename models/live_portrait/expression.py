"""Sliders of a face to what they do with its 21 key points: a turn, a size, and an expression added to its own.

Which point moves along which axis, and how far at the end of a slider, are the values of the authors' own editing page
(KwaiVGI/LivePortrait, MIT). It has a wink of the person's right eye only, which mirrored is that of the left, and one
slider for brows that tilts or knits them; raising both and the vowels are put together here out of its moves.

Axes are those of the picture: x to its right, y down. Right and left are the person's own. The points that take part:
11 and 13 upper and lower lid of the right eye, 15 and 16 of the left; 1 and 2 the brows; 3 and 7 the cheeks; 14, 17, 19
and 20 the mouth; 5 the head's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Settings, number
from ...face_motion.portrait_motion import POINTS, PortraitMotion, rotation_from_degrees
from ...face_motion.portrait_transfer import NEUTRAL_EXPRESSION

_X, _Y, _Z = 0, 1, 2
Move = tuple[int, int, float]
"""Point, axis, and by how much it moves where the slider is at 1."""

_WINK, _GAZE_X, _GAZE_Y, _BROW = 39.0, 30.0, 63.0, 30.0  # ends of the authors' sliders, here 1
_OPEN, _PRESS, _PURSE, _GRIN = 120.0, 90.0, 15.0, 15.0

SMILE: tuple[Move, ...] = (
    (20, _Y, -0.01), (14, _Y, -0.02), (17, _Y, 0.0065), (17, _Z, 0.003), (13, _Y, -0.00275), (16, _Y, -0.00275),
    (3, _Y, -0.0035), (7, _Y, -0.0035),
)  # fmt: skip
WINK_RIGHT: tuple[Move, ...] = (
    (11, _Y, 0.001 * _WINK), (13, _Y, -0.0003 * _WINK), (17, _X, 0.0003 * _WINK), (17, _Y, 0.0003 * _WINK),
    (3, _Y, -0.0003 * _WINK),
)  # fmt: skip
WINK_LEFT: tuple[Move, ...] = (
    (15, _Y, 0.001 * _WINK), (16, _Y, -0.0003 * _WINK), (17, _X, -0.0003 * _WINK), (17, _Y, 0.0003 * _WINK),
    (7, _Y, -0.0003 * _WINK),
)  # fmt: skip
LIDS: tuple[Move, ...] = tuple(move for move in (*WINK_RIGHT, *WINK_LEFT) if move[0] in (11, 13, 15, 16))
"""Both eyes shut, without what a wink does to cheek and mouth."""
BROWS_UP: tuple[Move, ...] = ((1, _Y, -0.001 * _BROW), (2, _Y, -0.001 * _BROW))
BROWS_TILTED: tuple[Move, ...] = ((1, _Y, 0.001 * _BROW), (2, _Y, -0.001 * _BROW))
BROWS_KNIT: tuple[Move, ...] = (
    (1, _X, 0.001 * _BROW), (2, _X, -0.001 * _BROW), (1, _Y, -0.0003 * _BROW), (2, _Y, 0.0003 * _BROW),
)  # fmt: skip
GAZE_UP: tuple[Move, ...] = (
    (11, _Y, -0.0005 * _GAZE_Y), (15, _Y, -0.0005 * _GAZE_Y), (13, _Y, -0.00015 * _GAZE_Y), (16, _Y, -0.00015 * _GAZE_Y),
)  # fmt: skip
LIPS_OPEN: tuple[Move, ...] = ((19, _Y, 0.001 * _OPEN), (19, _Z, 0.0001 * _OPEN), (17, _Y, -0.0001 * _OPEN))
GRIN: tuple[Move, ...] = ((20, _Z, -0.001 * _GRIN), (20, _Y, -0.001 * _GRIN), (14, _Y, -0.001 * _GRIN))
PURSED: tuple[Move, ...] = (
    (14, _Y, 0.001 * _PURSE), (3, _Y, -0.0005 * _PURSE), (7, _Y, -0.0005 * _PURSE), (17, _Z, -0.0005 * _PURSE),
)  # fmt: skip
POUT: tuple[Move, ...] = ((19, _X, 0.09),)
MOVE_X: tuple[Move, ...] = ((5, _X, -0.19),)
MOVE_Y: tuple[Move, ...] = ((5, _Y, 0.19),)

# The vowels in lip moves: open, grin, pursed.
_VOWELS = {"vowel_a": (0.7, 0.0, 0.0), "vowel_e": (0.15, 1.0, 0.0), "vowel_o": (0.3, 0.0, 1.0)}


def _part(help: str, *, low: float = -1.0, high: float = 1.0, advanced: bool = False) -> Any:
    return number(0.0, low, high, step=0.01, help=help, advanced=advanced)


def _angle(help: str) -> Any:
    return number(0.0, -30.0, 30.0, step=0.5, unit="degrees", help=help)


@dataclass(frozen=True)
class Expression(Settings):
    """A face away from rest; all at 0 is the portrait as it is. Names and ranges are a promise."""

    yaw: float = _angle("Turn of the head towards the right of the picture; beyond 25 the picture begins to blur.")
    pitch: float = _angle("Nod of the head, up above 0; beyond 15 the picture begins to blur.")
    roll: float = _angle("Tilt of the head, clockwise above 0; beyond 15 the picture begins to blur.")
    smile: float = _part("Smile with mouth, cheeks and lids; below 0 the corners go down.", low=-0.3, high=1.3)
    blink: float = _part("Both lids: 1 shuts them, below 0 opens them wide.", low=-0.5)
    wink_left: float = _part("Shuts the person's left eye, which is on the right of the picture.", low=0.0)
    wink_right: float = _part("Shuts the person's right eye, which is on the left of the picture.", low=0.0)
    brows: float = _part("Both brows up, below 0 down.")
    gaze_x: float = _part("Eyes look to the right of the picture, below 0 to its left.")
    gaze_y: float = _part("Eyes look up, below 0 down.")
    lips_open: float = _part("Opens the mouth; below 0 presses the lips together.")
    lips_wide: float = _part("Bares the teeth as in a grin; below 0 purses the lips.")
    vowel_a: float = _part("The mouth of an ah.", low=0.0)
    vowel_e: float = _part("The mouth of an ee.", low=0.0)
    vowel_o: float = _part("The mouth of an oh.", low=0.0)
    strength: float = number(1.0, 0.0, 2.0, help="How much of all the others: 0 leaves the portrait as it is.")
    brows_tilt: float = _part("The person's left brow up and the right one down; below 0 the other way.", advanced=True)
    frown: float = _part("Draws the brows together.", low=0.0, advanced=True)
    pout: float = _part("Pushes the lips to one side or, below 0, to the other.", advanced=True)
    move_x: float = _part("Moves the head to the side in its frame.", advanced=True)
    move_y: float = _part("Moves the head down in its frame, below 0 up.", advanced=True)
    zoom: float = number(1.0, 0.9, 1.2, step=0.01, help="Size of the head over its own.", advanced=True)


def expression_change(asked: Expression) -> np.ndarray:
    """float32 `[21,3]`: what the sliders add to the expression of a face, in units of half a 256 px crop over its
    scale. `strength` multiplies it."""
    change = np.zeros((POINTS, 3))

    def add(moves: tuple[Move, ...], amount: float) -> None:
        for point, axis, most in moves:
            change[point, axis] += amount * most

    add(SMILE, asked.smile)
    add(LIDS, asked.blink)
    add(WINK_RIGHT, asked.wink_right)
    add(WINK_LEFT, asked.wink_left)
    add(BROWS_UP, asked.brows)
    add(BROWS_TILTED, asked.brows_tilt)
    add(BROWS_KNIT, asked.frown)
    add(_gaze_x(asked.gaze_x), asked.gaze_x)
    add(GAZE_UP, asked.gaze_y)
    add(LIPS_OPEN, asked.lips_open if asked.lips_open > 0 else asked.lips_open * _PRESS / _OPEN)
    add(GRIN, max(asked.lips_wide, 0.0))
    add(PURSED, max(-asked.lips_wide, 0.0))
    for vowel, amounts in _VOWELS.items():
        for moves, amount in zip((LIPS_OPEN, GRIN, PURSED), amounts, strict=True):
            add(moves, amount * getattr(asked, vowel))
    add(POUT, asked.pout)
    add(MOVE_X, asked.move_x)
    add(MOVE_Y, asked.move_y)
    return (asked.strength * change).astype(np.float32)


def _gaze_x(amount: float) -> tuple[Move, ...]:
    """The eye on the side that one looks to goes further than the other."""
    right, left = (0.0007, 0.001) if amount > 0 else (0.001, 0.0007)
    return (11, _X, right * _GAZE_X), (15, _X, left * _GAZE_X)


def expression_frames(asked: Sequence[Expression]) -> PortraitMotion:
    """A driver who does all that, one frame each, for `portrait_transfer.transfer`: at rest it looks straight ahead
    with its mouth shut, so that what is given to another face is the sliders and nothing else."""
    turns = np.array([[e.strength * v for v in (-e.pitch, -e.yaw, e.roll)] for e in asked])
    return PortraitMotion(
        scale=np.array([[e.zoom**e.strength] for e in asked], np.float32),
        rotation=rotation_from_degrees(*turns.T),
        expression=np.stack([NEUTRAL_EXPRESSION + expression_change(e) for e in asked]),
        translation=np.zeros((len(asked), 3), np.float32),
    )
