"""What the dancer looks like below the chin: skin, T-shirt, trousers, trainers, and two hands with fingers."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from .choreography import pose_at
from .figure import ANKLE_UP, SIDES, DancerPose, Figure, make_figure, unit
from .head import SKIN, Face, face_points, head_patches
from .surfaces import Patch, linear, loft, make_patch, tube

SHIRT = linear("#e8604c")
SHIRT_BAND = linear("#f6e7d0")
TROUSERS = linear("#2f4770")
SHOE = linear("#f3f0ea")
SOLE = linear("#d9d2c6")
SHOE_ACCENT = linear("#2aa198")

# Rings of the T-shirt: height above the waist joint (below it along the pelvis), half width, half depth, squareness.
SHIRT_RINGS = np.array([
    [-0.225, 0.178, 0.126, 2.4], [-0.215, 0.180, 0.128, 2.4], [-0.16, 0.171, 0.121, 2.35], [-0.08, 0.150, 0.110, 2.3],
    [0.00, 0.138, 0.103, 2.3], [0.08, 0.146, 0.108, 2.3], [0.15, 0.157, 0.114, 2.3], [0.205, 0.165, 0.112, 2.35],
    [0.240, 0.162, 0.100, 2.3], [0.264, 0.142, 0.086, 2.2], [0.284, 0.110, 0.073, 2.1], [0.300, 0.083, 0.064, 2.0],
    [0.311, 0.065, 0.058, 2.0], [0.315, 0.060, 0.055, 2.0],
])  # fmt: skip
HIP_RINGS = np.array([[-0.088, 0.02, 0.02], [-0.081, 0.085, 0.070], [-0.066, 0.128, 0.098], [-0.05, 0.158, 0.112],
                      [0.0, 0.164, 0.114], [0.06, 0.154, 0.108], [0.11, 0.140, 0.10]])  # fmt: skip


def _torso(fig: Figure) -> list[Patch]:
    pelvis, chest = fig.frames["pelvis"], fig.frames["chest"]
    hip, waist = fig.joints["pelvis"], fig.joints["waist"]
    fine = np.linspace(SHIRT_RINGS[0, 0], SHIRT_RINGS[-1, 0], 64)
    up = np.sort(np.concatenate([fine, SHIRT_RINGS[-5:, 0] - 1e-4]))
    rings = PchipInterpolator(SHIRT_RINGS[:, 0], SHIRT_RINGS[:, 1:])(up)
    mix = np.clip((up + 0.20) / 0.28, 0, 1)[:, None]
    mix = mix * mix * (3 - 2 * mix)
    side = unit((1 - mix) * pelvis[:, 0] + mix * chest[:, 0])
    front = unit((1 - mix) * pelvis[:, 2] + mix * chest[:, 2])
    along = np.where(up[:, None] > 0, up[:, None] * chest[:, 1], up[:, None] * pelvis[:, 1])
    back = np.interp(up, [-0.25, 0.0, 0.2, 0.32], [0.0, 0.012, -0.005, -0.018])
    centres = waist + along + back[:, None] * front
    shirt = loft(centres, side, front, rings[:, 0], rings[:, 1], SHIRT, squareness=rings[:, 2], around=72, gloss=0.05)
    # Cloth: a few drawn-in folds at the waist, a light band across the chest, a darker hem and collar.
    a = np.linspace(0, 2 * np.pi, 73)
    a[-1] = 0
    loose = np.exp(-(((up + 0.08) / 0.10) ** 2))[:, None]
    twist = np.sin(5 * a + 22 * up[:, None]) * 0.5 + np.sin(9 * a - 35 * up[:, None] + 1) * 0.5
    points = shirt.points + shirt.normals * (0.0042 * loose * twist)[..., None]
    shirt = make_patch(points, SHIRT, gloss=0.05)
    band = ((up > 0.095) & (up < 0.150))[:, None, None]
    shirt.albedo = np.where(band, SHIRT_BAND, shirt.albedo)
    trim = ((up < -0.213) | (up > 0.307))[:, None, None]
    shirt.albedo = np.where(trim, SHIRT * 0.72, shirt.albedo)
    up = HIP_RINGS[:, 0]
    seat = loft(
        hip + up[:, None] * pelvis[:, 1], np.tile(pelvis[:, 0], (len(up), 1)), np.tile(pelvis[:, 2], (len(up), 1)),
        HIP_RINGS[:, 1], HIP_RINGS[:, 2], TROUSERS, squareness=2.2, gloss=0.05,
    )  # fmt: skip
    neck, skull = fig.joints["neck"], fig.joints["skull"]
    low = neck - 0.05 * chest[:, 1] - 0.01 * chest[:, 2]
    throat, _ = tube(
        np.array([low, neck, skull + 0.05 * fig.frames["head"][:, 1]]),
        {0: (0.075, 0.060), 1: (0.056, 0.055), 2: (0.052, 0.056)}, chest[:, 0], SKIN * 0.94, skin=1.0, gloss=0.1,
    )  # fmt: skip
    return [shirt, seat, throat]


def _arm(fig: Figure, side: str, s: float) -> list[Patch]:
    J, chest = fig.joints, fig.frames["chest"]
    shoulder, elbow, wrist = (J[f"{side}_{n}"] for n in ("shoulder", "elbow", "wrist"))
    across = np.cross(elbow - shoulder, chest[:, 2] + 0.2 * chest[:, 1])
    hand = fig.frames[side + "_hand"]
    arm, at = tube(
        np.array([shoulder, elbow, wrist]),
        {0: (0.047, 0.047), 0.35: (0.043, 0.045), 0.85: (0.036, 0.038), 1.0: (0.035, 0.036), 1.25: (0.037, 0.037),
         1.6: (0.031, 0.030), 1.9: (0.0245, 0.0225), 2.0: (0.024, 0.021)},
        across, SKIN, round_corner=0.035, skin=1.0, gloss=0.14,
    )  # fmt: skip
    inside = shoulder - s * 0.055 * chest[:, 0] - 0.012 * chest[:, 1]
    cuff = shoulder + 0.60 * (elbow - shoulder)
    sleeve, at = tube(
        np.array([inside, shoulder, cuff]),
        {0: (0.050, 0.056), 0.7: (0.057, 0.061), 1: (0.056, 0.060), 1.4: (0.055, 0.057), 2: (0.059, 0.060)},
        across, SHIRT, round_corner=0.06, end_cap=0.0, folds=np.array([0.0020, 2.6, s]), gloss=0.05,
    )  # fmt: skip
    sleeve.albedo = np.where((at > 1.90)[:, None, None], SHIRT_BAND, sleeve.albedo)
    return [arm, sleeve, *_hand(fig.hands[side], hand)]


def _hand(points: np.ndarray, frame: np.ndarray) -> list[Patch]:
    """Palm and five fingers through the 21 points; the joints lie in the middle of the flesh."""
    wrist, knuckles = points[0], points[[5, 9, 13, 17]]
    normal = frame[:, 2]
    across = unit(knuckles[0] - knuckles[3])
    middle = knuckles.mean(0)
    width = np.linalg.norm(knuckles[0] - knuckles[3]) / 2
    u = np.array([-0.10, 0.0, 0.14, 0.35, 0.6, 0.85, 1.0, 1.08, 1.12])
    half = np.array(
        [0.0235, 0.024, 0.029, width + 0.003, width + 0.008, width + 0.0085, width + 0.0075, width + 0.003, 0.012]
    )
    thick = np.array([0.020, 0.020, 0.0185, 0.018, 0.016, 0.0135, 0.0115, 0.008, 0.002])
    fine = np.linspace(u[0], u[-1], 36)
    palm = loft(
        wrist + fine[:, None] * (middle - wrist), np.tile(across, (36, 1)), np.tile(normal, (36, 1)),
        PchipInterpolator(u, half)(fine), PchipInterpolator(u, thick)(fine), SKIN, squareness=2.4, around=40,
        skin=1.0, gloss=0.12,
    )  # fmt: skip
    patches = [palm]
    for f in range(5):
        chain = points[1 + 4 * f : 5 + 4 * f]
        r = (0.0112, 0.0098, 0.0088, 0.0072) if f == 0 else (0.0096, 0.0086, 0.0078, 0.0064)
        r = tuple(v * (0.86 if f == 4 else 1.0) for v in r)
        start = wrist + 0.45 * (chain[0] - wrist) if f == 0 else chain[0] + 0.10 * (wrist - chain[0])
        line = np.vstack([start, chain])
        radii = {0: (r[0] * 1.15, r[0] * 1.05), 1: (r[0],) * 2, 2: (r[1],) * 2, 3: (r[2],) * 2, 4: (r[3],) * 2}
        finger, at = tube(line, radii, normal, SKIN, round_corner=0.006, around=16, per_bone=7, skin=1.0, gloss=0.14)
        warm = 1 - 0.10 * np.clip(at - 2.8, 0, 1)[:, None, None] * np.array([0.2, 1.0, 1.0])
        crease = 1 - 0.16 * sum(np.exp(-(((at - k) / 0.07) ** 2)) for k in (2, 3))[:, None, None] * np.array(
            [0.5, 1, 1]
        )  # type: ignore[index]
        finger.albedo = finger.albedo * warm * crease
        patches.append(finger)
    return patches


def _leg(fig: Figure, side: str, s: float) -> list[Patch]:
    J, pelvis = fig.joints, fig.frames["pelvis"]
    hip, knee, ankle = (J[f"{side}_{n}"] for n in ("hip", "knee", "ankle"))
    foot = fig.frames[side + "_foot"]
    end = knee + 0.86 * (ankle - knee)
    legs, at = tube(
        np.array([hip, knee, end]),
        {0: (0.080, 0.094), 0.2: (0.081, 0.090), 0.6: (0.070, 0.074), 0.95: (0.057, 0.060), 1.05: (0.056, 0.058),
         1.3: (0.057, 0.061), 1.7: (0.047, 0.050), 2.0: (0.0445, 0.048)},
        pelvis[:, 0], TROUSERS, round_corner=0.07, end_cap=0.0, around=44, per_bone=26,
        folds=np.array([0.0011, 3.4, 1.3]), gloss=0.05,
    )  # fmt: skip
    seam = np.exp(-((np.abs(np.arange(45) - (0 if s > 0 else 22)) / 0.8) ** 2))[None, :, None]
    legs.albedo = legs.albedo * (1 + 0.5 * seam)
    legs.albedo = np.where((at > 1.965)[:, None, None], TROUSERS * 0.7, legs.albedo)
    sock, _ = tube(np.array([knee + 0.75 * (ankle - knee), ankle - 0.02 * foot[:, 1]]),
                   {0: (0.037, 0.040), 0.8: (0.031, 0.035), 1: (0.034, 0.042)}, foot[:, 0], SKIN, gloss=0.1, skin=1.0)  # fmt: skip
    return [legs, sock, *_shoe(ankle, foot, s)]


def _shoe(ankle: np.ndarray, foot: np.ndarray, s: float) -> list[Patch]:
    """Rings from heel to toe; the flat of the sole lies ANKLE_UP under the ankle."""
    z = np.array([-0.078, -0.074, -0.055, -0.02, 0.02, 0.06, 0.10, 0.14, 0.17, 0.186, 0.192])
    half = np.array([0.006, 0.024, 0.034, 0.036, 0.036, 0.040, 0.046, 0.046, 0.038, 0.022, 0.006])
    top = np.array([-0.054, -0.027, -0.018, -0.020, -0.018, -0.027, -0.036, -0.046, -0.054, -0.064, -0.074])
    bottom = -ANKLE_UP
    lean = np.array([0, 0, 0, 0.0, 0.002, 0.005, 0.007, 0.004, -0.002, -0.006, -0.007]) * s
    fine = np.linspace(z[0], z[-1], 60)
    get = lambda v: PchipInterpolator(z, v)(fine)  # noqa: E731
    half, top, lean = get(half), get(top), get(lean)
    edge = half + 0.004
    half[[0, -1]] = edge[[0, -1]] = 1e-4  # closed at heel and toe
    sole_top = bottom + 0.026 + 0.010 * np.clip((fine - 0.10) / 0.09, 0, 1)
    n = len(fine)
    side, up = np.tile(foot[:, 0], (n, 1)), np.tile(foot[:, 1], (n, 1))
    axis = fine[:, None] * foot[:, 2] + lean[:, None] * foot[:, 0] + ankle
    mid = (top + bottom + 0.008) / 2
    upper = loft(axis + mid[:, None] * foot[:, 1], side, up, half, np.maximum(top - bottom - 0.008, 0.004) / 2, SHOE,
                 squareness=2.5, around=48, gloss=0.2)  # fmt: skip
    stripe = ((np.abs(fine - 0.035) < 0.007) | (np.abs(fine - 0.062) < 0.007))[:, None, None]
    upper.albedo = np.where(stripe, SHOE_ACCENT, upper.albedo)
    heel_tab = (fine < -0.055)[:, None, None]
    upper.albedo = np.where(heel_tab, SHOE_ACCENT, upper.albedo)
    middle = (sole_top + bottom) / 2
    sole = loft(axis + middle[:, None] * foot[:, 1], side, up, edge, (sole_top - bottom) / 2, SOLE,
                squareness=5.0, around=48, gloss=0.1)  # fmt: skip
    return [upper, sole]


def dancer_patches(pose: DancerPose, fig: Figure) -> list[Patch]:
    """Every surface of the dancer in one pose."""
    face = Face(pose.mouth, pose.smile, pose.blink, pose.brow)
    patches = [*_torso(fig), *head_patches(fig.joints["head"], fig.frames["head"], face)]
    for side, s in SIDES:
        patches += _arm(fig, side, s) + _leg(fig, side, s)
    return patches


def whole_body_joints(pose: DancerPose, fig: Figure) -> dict[str, np.ndarray]:
    """World positions by COCO-WholeBody joint name, metres."""
    face = face_points(fig.joints["head"], fig.frames["head"], Face(pose.mouth, pose.smile, pose.blink, pose.brow))
    joints = {n: p for n, p in face.items() if n != "face"}
    joints |= {f"face_{k}": p for k, p in enumerate(face["face"])}
    for side, _ in SIDES:
        for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "big_toe", "small_toe", "heel"):
            joints[f"{side}_{name}"] = fig.joints[f"{side}_{name}"]
        names = ["wrist", *(f"{n}_{k}" for n in ("thumb", "index", "middle", "ring", "little") for k in range(1, 5))]
        for name, point in zip(names, fig.hands[side], strict=True):
            joints[f"{side}_hand_{name}"] = point
    return joints


def dancer_at(beat: float) -> tuple[DancerPose, Figure]:
    pose = pose_at(beat)
    return pose, make_figure(pose)
