"""The dancer's skeleton: proportions, and a pose turned into joints in space.

Knows bones and rotations, not when they move (`choreography.py`) nor what they look like (`body.py`).
World: metres, x to the viewer's right, y up from the floor, z towards the camera. The dancer faces +z,
so the person's left is +x.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

HIP_HALF = 0.096
SHOULDER_HALF = 0.168
WAIST_UP = 0.222
SHOULDER_UP = 0.262
NECK_UP = 0.305
SKULL_UP = 0.066
HEAD_UP = 0.092
UPPER_ARM = 0.275
FOREARM = 0.245
HAND = 0.178
THIGH = 0.41
SHANK = 0.40
ANKLE_UP = 0.104
"""Ankle joint above the floor when the sole is flat, sneaker included."""

SIDES = (("left", 1.0), ("right", -1.0))

# Where each foot landmark lies from the ankle, in the foot's own axes (outwards, up, forwards).
FOOT = {"big_toe": (-0.012, -0.080, 0.165), "small_toe": (0.045, -0.082, 0.125), "heel": (0.0, -0.074, -0.060)}

# Knuckles of thumb..little from the wrist, and the three phalanges after each, in hand lengths:
# across towards the thumb, along the middle finger.
KNUCKLES = np.array([[0.17, 0.13], [0.165, 0.50], [0.05, 0.525], [-0.055, 0.50], [-0.15, 0.445]])
PHALANGES = np.array([[0.21, 0.17, 0.13], [0.23, 0.135, 0.105], [0.25, 0.155, 0.11], [0.235, 0.145, 0.105],
                      [0.185, 0.11, 0.09]])  # fmt: skip
SPREAD = np.array([0.62, 0.17, 0.02, -0.14, -0.32])
"""Radians away from the middle finger's line, positive towards the thumb."""


def rotation(axis: str, radians: float) -> np.ndarray:
    """Right-handed rotation about one axis, 3x3."""
    c, s = np.cos(radians), np.sin(radians)
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def frame_along(y: np.ndarray, z_hint: np.ndarray) -> np.ndarray:
    """Columns x, y, z of a right-handed frame whose y runs along `y` and whose z leans to `z_hint`."""
    y = unit(y)
    x = unit(np.cross(y, z_hint))
    return np.stack([x, y, np.cross(x, y)], 1)


@dataclass(frozen=True)
class ArmPose:
    upper: np.ndarray
    """Direction of the upper arm in the chest's axes."""
    fore: np.ndarray
    hand: np.ndarray
    palm: np.ndarray
    """Normal out of the palm, in the chest's axes; made square to the hand."""
    curl: float
    """0 = stretched fingers, 1 = fist."""
    spread: float


@dataclass(frozen=True)
class FootPose:
    position: np.ndarray
    """Of the ankle joint in the world."""
    yaw: float
    """Radians, positive turns the toes to +x."""
    pitch: float
    """Radians, positive lowers the toes."""
    contact: bool


@dataclass(frozen=True)
class DancerPose:
    """One frame of the choreography; all angles in radians."""

    pelvis: np.ndarray
    pelvis_turn: np.ndarray
    """3x3, pelvis axes in the world."""
    chest_turn: np.ndarray
    head_turn: np.ndarray
    arms: dict[str, ArmPose]
    feet: dict[str, FootPose]
    mouth: float
    """0 closed .. 1 wide open."""
    smile: float
    blink: float
    """0 open .. 1 shut."""
    brow: float


@dataclass
class Figure:
    """Joints in the world, by name, and the frames that surfaces hang on."""

    joints: dict[str, np.ndarray] = field(default_factory=dict)
    frames: dict[str, np.ndarray] = field(default_factory=dict)
    hands: dict[str, np.ndarray] = field(default_factory=dict)
    """21 points per hand, wrist first."""


def _knee(hip: np.ndarray, ankle: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Where the knee bends so that both bones keep their length; ValueError when the foot is out of reach."""
    line = ankle - hip
    reach = float(np.linalg.norm(line))
    if reach > THIGH + SHANK:
        raise ValueError(f"a leg of {THIGH + SHANK:.3f} m cannot reach {reach:.3f} m")
    along = (THIGH**2 - SHANK**2 + reach**2) / (2 * reach)
    out = np.sqrt(max(THIGH**2 - along**2, 0.0))
    axis = line / reach
    bend = unit(forward - axis * (forward @ axis))
    return hip + along * axis + out * bend


def _hand(wrist: np.ndarray, frame: np.ndarray, thumb_side: float, arm: ArmPose) -> np.ndarray:
    """21 points. `frame` columns: across, along the hand, out of the palm."""
    local = np.zeros((21, 3))
    for f in range(5):
        at = np.array([KNUCKLES[f, 0], KNUCKLES[f, 1], 0.02 if f == 0 else 0.0])
        local[1 + 4 * f] = at
        bend = 0.10 if f == 0 else 0.06
        fan = SPREAD[f] * (arm.spread if f else 0.6 + 0.4 * arm.spread)
        for k in range(3):
            bend += arm.curl * (0.45 if f == 0 else (1.25, 1.45, 0.9)[k])
            across = np.sin(fan) * np.cos(bend) - (0.5 * arm.curl if f == 0 else 0.0)
            step = unit(np.array([across, np.cos(fan) * np.cos(bend), np.sin(bend)]))
            at = at + PHALANGES[f, k] * step
            local[2 + 4 * f + k] = at
    local[:, 0] *= thumb_side
    return wrist + HAND * local @ frame.T


def make_figure(pose: DancerPose) -> Figure:
    """Every joint of one pose in metres of the world."""
    fig = Figure()
    J, F = fig.joints, fig.frames
    pelvis, chest, head = pose.pelvis_turn, pose.chest_turn, pose.head_turn
    F["pelvis"], F["chest"], F["head"] = pelvis, chest, head
    J["pelvis"] = pose.pelvis
    J["waist"] = pose.pelvis + pelvis @ np.array([0, WAIST_UP, 0])
    J["neck"] = J["waist"] + chest @ np.array([0, NECK_UP, -0.012])
    J["skull"] = J["neck"] + unit(chest[:, 1] + head[:, 1]) * SKULL_UP + 0.012 * chest[:, 2]
    J["head"] = J["skull"] + head @ np.array([0, HEAD_UP, 0.012])
    for side, s in SIDES:
        arm, foot = pose.arms[side], pose.feet[side]
        mirror = np.array([s, 1, 1])
        J[side + "_hip"] = pose.pelvis + pelvis @ np.array([s * HIP_HALF, 0, 0])
        ground = rotation("y", foot.yaw) @ rotation("x", foot.pitch)
        F[side + "_foot"] = ground
        J[side + "_ankle"] = foot.position
        forward = unit(0.6 * ground[:, 2] + 0.4 * pelvis[:, 2] + 0.10 * s * pelvis[:, 0])
        J[side + "_knee"] = _knee(J[side + "_hip"], foot.position, forward)
        for name, offset in FOOT.items():
            J[f"{side}_{name}"] = foot.position + ground @ (np.array(offset) * mirror)
        upper = unit(arm.upper) * mirror
        # A raised arm takes the shoulder blade along: up and a little inwards.
        lift = np.clip(upper[1] + 0.25, 0, 1.2)
        shoulder = np.array([s * (SHOULDER_HALF - 0.022 * lift), SHOULDER_UP + 0.045 * lift, -0.008])
        J[side + "_shoulder"] = J["waist"] + chest @ shoulder
        J[side + "_elbow"] = J[side + "_shoulder"] + UPPER_ARM * (chest @ upper)
        fore = chest @ (unit(arm.fore) * mirror)
        J[side + "_wrist"] = J[side + "_elbow"] + FOREARM * fore
        along = chest @ (unit(arm.hand) * mirror)
        hand = frame_along(along, chest @ (arm.palm * mirror))
        F[side + "_hand"] = hand
        # Palm to the camera, fingers up: the left thumb points to the person's right, -x of the frame.
        fig.hands[side] = _hand(J[side + "_wrist"], hand, -s, arm)
    return fig
