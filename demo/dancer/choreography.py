"""When the dancer does what: six seconds on twelve beats, planted feet, arms, head, face.

Keys lie on beats; in between runs a monotone cubic, so nothing overshoots a planted foot. The last
beat equals the first: the clip loops.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .figure import ANKLE_UP, HIP_HALF, SHANK, SIDES, THIGH, ArmPose, DancerPose, FootPose, rotation, unit

FRAMES_PER_SECOND = 24
BEATS = 12
SECONDS_PER_BEAT = 0.5
NUM_FRAMES = int(FRAMES_PER_SECOND * BEATS * SECONDS_PER_BEAT)

# Arm keys: upper arm, forearm, hand, palm normal; axes outwards, up, forwards (mirrored for the right arm).
LOW = ((0.42, -0.90, 0.05), (0.50, -0.80, 0.30), (0.42, -0.88, 0.20), (-0.45, -0.20, -0.85))
WIDE = ((0.98, -0.16, 0.06), (0.97, 0.18, 0.16), (0.98, 0.16, 0.10), (0.0, -0.1, 1.0))
HIGH = ((0.77, 0.62, 0.10), (0.44, 0.89, 0.10), (0.32, 0.94, 0.05), (-0.15, 0.0, 1.0))
BENT = ((0.86, -0.46, 0.14), (0.34, 0.90, 0.26), (0.24, 0.96, 0.10), (-0.1, -0.1, 1.0))
OUT = ((0.62, -0.76, 0.12), (0.90, -0.10, 0.42), (0.92, 0.30, 0.24), (-0.2, 0.5, 0.85))

LEFT_ARM = {0: LOW, 1: OUT, 2: BENT, 3: OUT, 4: HIGH, 4.6: HIGH, 5.4: WIDE, 7.2: WIDE, 8: HIGH, 8.7: HIGH, 9.6: BENT,
            10.4: OUT, 11.2: LOW, 12: LOW}  # fmt: skip
RIGHT_ARM = {0: LOW, 1: LOW, 2: OUT, 3: BENT, 4: OUT, 5.4: WIDE, 7.2: WIDE, 8: HIGH, 8.7: HIGH, 9.6: OUT, 10.4: BENT,
             11.3: OUT, 12: LOW}  # fmt: skip
LEFT_CURL = {0: 0.16, 2: 0.05, 3: 0.30, 4: 0.04, 5.4: 0.10, 7: 0.08, 8: 0.03, 9: 0.15, 9.7: 0.62, 10.4: 0.20, 12: 0.16}
RIGHT_CURL = {
    0: 0.16,
    2: 0.22,
    3: 0.06,
    4: 0.26,
    5.4: 0.10,
    7: 0.08,
    8: 0.03,
    9: 0.20,
    10.4: 0.06,
    11.2: 0.30,
    12: 0.16,
}

# Steps: beat of lift-off, beat of landing, x and z of the ankle there, toes' yaw in degrees.
LEFT_STEPS = ((1.0, 1.75, 0.40, 0.0, 16), (4.1, 4.8, 0.17, 0.02, 14), (7.05, 7.75, 0.03, -0.03, 4),
              (8.2, 8.95, 0.17, 0.10, 34), (11.0, 11.7, 0.15, 0.0, 14))  # fmt: skip
RIGHT_STEPS = ((2.0, 2.7, 0.05, -0.02, -4), (3.1, 3.85, -0.16, 0.0, -14), (6.0, 6.75, -0.40, 0.0, -16),
               (9.1, 9.8, -0.15, -0.06, 12), (10.0, 10.8, -0.15, 0.0, -14))  # fmt: skip
LEFT_START, RIGHT_START = (0.15, 0.0, 14), (-0.15, 0.0, -14)

PELVIS_X = {0: 0.0, 1: -0.05, 2: 0.27, 3: 0.20, 4: -0.02, 5: 0.05, 6: 0.02, 7: -0.27, 8: -0.17, 9: 0.04, 10: 0.03,
            11: -0.05, 12: 0.0}  # fmt: skip
TURN_DEGREES = {0: 0, 1: -8, 2: 10, 3: -6, 4: 12, 5: 0, 6: 4, 7: -12, 8: -4, 8.6: 18, 9.5: 40, 10.2: 38, 11.2: 4, 12: 0}
HEAD_YAW = {0: 0, 1: 12, 2: 20, 3: -14, 4: 8, 5: 18, 6: -18, 7: -22, 8: 0, 9.5: 16, 10.4: 34, 11.3: 8, 12: 0}
HEAD_PITCH = {0: 0, 1: 5, 2: -2, 3: 4, 4: -8, 5: 2, 6: 2, 7: 2, 8: -10, 9: 4, 10: 0, 11: 6, 12: 0}
"""Positive looks down."""
MOUTH = {0: 0.0, 2.4: 0.0, 3.0: 0.35, 3.5: 0.0, 4.0: 0.8, 4.8: 0.1, 5.6: 0.5, 6.2: 0.0, 7.3: 0.0, 8.0: 1.0, 8.8: 0.5,
         9.6: 0.0, 10.4: 0.4, 11: 0.0, 12: 0.0}  # fmt: skip
BLINKS_AT_BEAT = (1.6, 5.2, 7.0, 9.9)


def _curve(keys: dict[float, float] | dict[float, tuple[float, ...]], beat: float) -> np.ndarray:
    at = sorted(keys)
    return PchipInterpolator(at, np.array([keys[k] for k in at], float), axis=0)(beat)  # type: ignore[no-any-return]


def _smooth(u: float) -> float:
    u = min(max(u, 0.0), 1.0)
    return u * u * u * (u * (6 * u - 15) + 10)


def _foot(steps: tuple[tuple[float, ...], ...], start: tuple[float, ...], beat: float) -> FootPose:
    """In stance the ankle does not move at all; in the air it follows one arc."""
    x, z, yaw = start
    for lift, land, to_x, to_z, to_yaw in steps:
        if beat <= lift:
            break
        if beat < land:
            u = (beat - lift) / (land - lift)
            s = _smooth(u)
            up = 0.085 * np.sin(np.pi * u) ** 2
            position = np.array([x + s * (to_x - x), ANKLE_UP + up, z + s * (to_z - z) + 0.05 * np.sin(np.pi * u) ** 2])
            return FootPose(position, np.radians(yaw + s * (to_yaw - yaw)), 0.38 * np.sin(np.pi * u) ** 2, False)
        x, z, yaw = to_x, to_z, to_yaw
    return FootPose(np.array([x, ANKLE_UP, z]), np.radians(yaw), 0.0, True)


def _arm(keys: dict[float, tuple], curl: dict[float, float], beat: float, side: str) -> ArmPose:
    upper, fore, hand, palm = _curve({b: np.ravel(k) for b, k in keys.items()}, beat).reshape(4, 3)  # type: ignore[misc]
    # A wave runs from the shoulders to the finger tips while the arms are wide.
    wave = _smooth((beat - 5.0) / 0.6) * (1 - _smooth((beat - 7.0) / 0.6))
    phase = 2 * np.pi * (beat - 5.2) / 1.0 + (0.0 if side == "left" else np.pi)
    upper, fore, hand = unit(upper), unit(fore), unit(hand)
    upper = unit(upper + wave * np.array([0, 0.20 * np.sin(phase), 0]))
    fore = unit(fore + wave * np.array([0, 0.34 * np.sin(phase - 1.0), 0]))
    hand = unit(hand + wave * np.array([0, 0.46 * np.sin(phase - 1.9), 0]))
    # Some life on every beat.
    beat_swing = 0.05 * np.sin(2 * np.pi * beat + (0.5 if side == "left" else 1.1))
    fore = unit(fore + np.array([0, beat_swing, 0]))
    return ArmPose(upper, fore, hand, palm, float(_curve(curl, beat)), 1.0 + 0.25 * np.sin(0.9 * beat))


def pose_at(beat: float) -> DancerPose:
    """The whole dancer at a time given in beats, 0..12."""
    feet = {"left": _foot(LEFT_STEPS, LEFT_START, beat), "right": _foot(RIGHT_STEPS, RIGHT_START, beat)}
    turn = float(_curve(TURN_DEGREES, beat))
    sway = np.sin(np.pi * beat)
    roll = np.radians(4.5) * sway
    pelvis_turn = rotation("y", np.radians(0.6 * turn)) @ rotation("z", roll) @ rotation("x", np.radians(3))
    chest_turn = (
        rotation("y", np.radians(1.0 * turn) + np.radians(5) * np.sin(np.pi * beat + 0.6))
        @ rotation("z", -1.1 * roll + np.radians(2) * np.sin(0.5 * np.pi * beat))
        @ rotation("x", np.radians(2 + 2 * np.cos(2 * np.pi * beat)))
    )
    yaw, pitch = float(_curve(HEAD_YAW, beat)), float(_curve(HEAD_PITCH, beat))
    head_turn = (
        rotation("y", np.radians(yaw))
        @ rotation("z", np.radians(5) * np.sin(np.pi * beat + 0.4))
        @ rotation("x", np.radians(pitch - 4 + 2.0 * np.cos(2 * np.pi * beat)))
    )
    pelvis = np.array([float(_curve(PELVIS_X, beat)) + 0.025 * sway, 0.0, 0.02])
    # The knees give on every beat; never so high that a planted foot would be out of reach.
    height = 0.896 - 0.030 * (0.5 + 0.5 * np.cos(2 * np.pi * beat))
    for side, s in SIDES:
        hip = pelvis + pelvis_turn @ np.array([s * HIP_HALF, 0, 0])
        away = np.hypot(*(feet[side].position - hip)[[0, 2]])
        height = _soft_min(height, feet[side].position[1] + np.sqrt((0.992 * (THIGH + SHANK)) ** 2 - away**2) - hip[1])
    pelvis[1] = height
    blink = max(float(np.exp(-(((beat - b) / 0.13) ** 2))) for b in BLINKS_AT_BEAT)
    mouth = float(_curve(MOUTH, beat))
    arms = {
        "left": _arm(LEFT_ARM, LEFT_CURL, beat, "left"),
        "right": _arm(RIGHT_ARM, RIGHT_CURL, beat, "right"),
    }
    smile = 0.5 + 0.4 * np.sin(0.5 * np.pi * beat)
    return DancerPose(pelvis, pelvis_turn, chest_turn, head_turn, arms, feet, mouth, float(smile), blink, mouth)


def _soft_min(a: float, b: float, softness: float = 0.008) -> float:
    """Never above either value; without a corner where they cross."""
    return float(-softness * np.logaddexp(-a / softness, -b / softness))


def beat_of_frame(frame: int) -> float:
    return frame / FRAMES_PER_SECOND / SECONDS_PER_BEAT
