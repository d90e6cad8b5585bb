"""The dancer's head: one sculpted surface with a painted face, and the 68 face points on it.

Head axes: x to the person's left, y up, z out of the face; origin between the ears at eye height.
"""

# ruff: noqa: RUF005  (adding an offset to points is arithmetic here, not concatenation)

from __future__ import annotations

import numpy as np

from .surfaces import Patch, ellipsoid, linear, make_patch, tube

SKIN = linear("#e6ab86")
LIPS = linear("#c25a55")
HAIR = linear("#2b1a14")
HALF = np.array([0.0715, 0.113, 0.096])
SCALE = 1.08
"""A little more head than life, as drawn people have."""
EYE_X, EYE_Y, BROW_Y, MOUTH_Y = 0.0310, 0.006, 0.0300, -0.0605
EYE_HALF = (0.0165, 0.0078)
NOSE_TIP_Y = -0.0275


def _bump(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-(((x - centre) / width) ** 2))


def _step(x: np.ndarray, lo: float, hi: float) -> np.ndarray:
    u = np.clip((x - lo) / (hi - lo), 0, 1)
    return u * u * (3 - 2 * u)


def _skull(theta: np.ndarray, phi: np.ndarray, mouth: float) -> np.ndarray:
    """Bare head; phi = 0 looks forward."""
    d = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi, np.sin(theta) * np.cos(phi)], -1)
    p = d * HALF
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    low = _step(-y, 0.0, 0.113)
    x = x * (1 - 0.13 * low) * (1 + 0.05 * _bump(y, -0.055, 0.035)) * (1 - 0.05 * _step(y, 0.03, 0.113))
    front = _step(d[..., 2], 0.0, 0.5)
    z = np.where(z < 0, z * (1 - 0.30 * low), z * (1 - 0.03 * low))
    ax = np.abs(x)
    # A flatter face than an egg's, then what stands out of it.
    z = z - 0.012 * front * _bump(x, 0, 0.030) * _bump(y, -0.01, 0.08)
    ridge = _step(-y, -0.021, 0.0275) * (1 - _step(-y, 0.0315, 0.0445))
    z = z + front * ridge * 0.024 * _bump(x, 0, 0.0095 + 0.0035 * ridge)
    z = z + front * 0.007 * _bump(ax, 0.013, 0.006) * _bump(y, -0.0325, 0.007)
    z = z - front * 0.008 * _bump(ax, EYE_X, 0.017) * _bump(y, EYE_Y, 0.012)
    z = z + front * 0.004 * _bump(y, BROW_Y, 0.009) * _bump(ax, 0.030, 0.025)
    z = z + front * 0.005 * _bump(ax, 0.045, 0.016) * _bump(y, -0.034, 0.018)
    z = z + front * 0.005 * _bump(x, 0, 0.021) * _bump(y, MOUTH_Y, 0.010)
    z = z + front * 0.006 * _bump(x, 0, 0.018) * _bump(y, -0.100, 0.013)
    jaw = front * _step(-y, 0.066, 0.105) * mouth * 0.018
    return np.stack([x, y - jaw, z], -1)


class Face:
    """The face of one frame: how far mouth, eyes and brows are from rest."""

    def __init__(self, mouth: float, smile: float, blink: float, brow: float) -> None:
        self.gap = 0.019 * mouth
        self.mouth = mouth
        self.smile = smile
        self.open = 1 - blink
        self.brow = 0.004 * brow
        self.mouth_half = 0.0225 + 0.003 * smile - 0.002 * mouth
        self.corner = 0.004 * smile

    def lip_lines(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """y of the upper lip's top and bottom and the lower lip's top and bottom at x."""
        u = np.clip(np.abs(x) / self.mouth_half, 0, 1)
        base = MOUTH_Y + self.corner * u**2
        arc = 1 - u**2
        top = base + 0.0062 * arc * (1 - 0.22 * np.exp(-((u / 0.16) ** 2)))
        inner_top = base + 0.0008 * arc
        inner_low = base - (0.0008 + self.gap) * arc
        low = base - (0.0078 + self.gap) * arc
        return top, inner_top, inner_low, low

    def paint(self, p: np.ndarray) -> np.ndarray:
        """Linear colours for points in head axes."""
        x, y, z = p[..., 0], p[..., 1], p[..., 2]
        ax = np.abs(x)
        soft = 0.0008
        front = (z > 0.02).astype(float)
        colour = np.broadcast_to(SKIN, p.shape).copy()

        def lay(mask: np.ndarray, tint: np.ndarray, strength: float = 1.0) -> None:
            m = (np.clip(mask, 0, 1) * front * strength)[..., None]
            colour[:] = colour * (1 - m) + tint * m

        lay(_bump(ax, 0.043, 0.016) * _bump(y, -0.036, 0.014), linear("#e08a76"), 0.55)
        lay(_bump(ax, EYE_X, 0.022) * _bump(y, EYE_Y + 0.006, 0.012), linear("#c98d6c"), 0.45)
        lay(_bump(ax, 0.0075, 0.0035) * _bump(y, -0.039, 0.0028), linear("#6d3626"), 0.9)
        lay(_bump(ax, 0.0155, 0.0022) * _bump(y, -0.0325, 0.006), linear("#a9664a"), 0.6)
        # Lips, and what is between them.
        top, inner_top, inner_low, low = self.lip_lines(x)
        inside = (ax < self.mouth_half).astype(float)
        lips = _step(top - y, -soft, soft) * _step(y - low, -soft, soft) * inside
        lay(lips, LIPS)
        hole = _step(inner_top - y, -soft, soft) * _step(y - inner_low, -soft, soft) * inside
        lay(hole, linear("#3c0f12"))
        teeth = hole * _step(y - (inner_top - 0.0055), -soft, soft)
        lay(teeth, linear("#efe7dc"), float(np.clip(self.mouth * 2.5, 0, 1)))
        lay(_bump(y, low - 0.004, 0.003) * _bump(x, 0, 0.012), linear("#a9664a"), 0.4)
        # Eyes: white, iris, pupil, light, lids.
        dx = ax - EYE_X
        u = dx / EYE_HALF[0]
        almond = np.clip(1 - np.abs(u) ** 2.2, 0, 1)
        slant = 0.0012 * u
        upper = EYE_Y + slant + EYE_HALF[1] * almond * self.open - 0.0030 * (1 - self.open) * almond
        lower = EYE_Y + slant - 0.72 * EYE_HALF[1] * almond * (0.35 + 0.65 * self.open) - 0.0014 * (1 - self.open)
        within = (np.abs(u) < 1).astype(float)
        eye = _step(upper - y, -soft, soft) * _step(y - lower, -soft, soft) * within
        lay(eye, linear("#f4f0ea"))
        radius = np.hypot(dx, y - EYE_Y - 0.0008)
        lay(eye * _step(0.0078 - radius, -soft, soft), linear("#3f2a1a"))
        lay(eye * _step(0.0038 - radius, -soft, soft), linear("#0a0605"))
        glint = np.hypot(x - np.sign(x) * EYE_X + 0.0025, y - EYE_Y - 0.0035)
        lay(eye * _step(0.0020 - glint, -soft, soft), np.ones(3))
        lay(eye * _step(y - (upper - 0.0022), -soft, soft), linear("#6b5a50"), 0.5)
        wide = (np.abs(u) < 1.10).astype(float)
        lash = _bump(y, upper + 0.0006, 0.0015) * wide
        lay(lash, linear("#160c08"), 0.95)
        lay(_bump(y, lower - 0.0003, 0.0009) * within, linear("#7a4a38"), 0.6)
        lay(_bump(y, EYE_Y + EYE_HALF[1] * (0.9 + almond * 0.5), 0.0010) * wide, linear("#8c573f"), 0.5)
        brow_y = BROW_Y + self.brow + 0.004 * (1 - (dx / 0.02) ** 2) - 0.004
        thick = 0.0031 - 0.07 * np.clip(dx, 0, None)
        brow = _step(thick - np.abs(y - brow_y), -0.0009, 0.0009) * (np.abs(dx) < 0.0215)
        lay(brow, HAIR, 0.92)
        return colour


def _hairline(phi: np.ndarray) -> np.ndarray:
    """y above which there is hair: a fringe in front, down past the temples, low in the neck."""
    f = np.abs(np.where(phi > np.pi, phi - 2 * np.pi, phi))
    keys = np.array([0.0, 0.35, 0.75, 1.05, 1.25, 1.45, 1.65, 1.9, np.pi])
    line = np.array([0.066, 0.064, 0.046, 0.020, -0.012, -0.020, 0.022, -0.060, -0.085])
    return np.interp(f, keys, line)


def head_patches(centre: np.ndarray, axes: np.ndarray, face: Face) -> list[Patch]:
    """Head with hair, ears and a pony tail."""
    theta = np.linspace(0.015, np.pi - 0.015, 230)[:, None]
    # Twice as dense in front, where the face is.
    even = np.linspace(0, 2 * np.pi, 301)
    phi = even - 0.5 * np.sin(even)
    phi[-1] = 0
    p = _skull(theta, phi, face.mouth)
    colour = face.paint(p)
    strands = np.sin(61 * phi + 9 * p[..., 1] / 0.1) * 0.5 + np.sin(23 * phi - 5 * p[..., 1] / 0.1) * 0.5
    edge = p[..., 1] - _hairline(phi) + 0.002 * strands
    hair = _step(edge, -0.002, 0.003)
    out = p / np.linalg.norm(p, axis=-1, keepdims=True)
    p = p + out * (0.013 * _step(edge, -0.003, 0.020) + 0.0007 * strands * hair)[..., None]
    tint = HAIR * (1 + 0.35 * strands)[..., None]
    colour = colour * (1 - hair[..., None]) + tint * hair[..., None]
    head = make_patch(centre + SCALE * p @ axes.T, SKIN, gloss=0.18, skin=1.0)
    head.albedo = colour
    patches = [head]
    for s in (1.0, -1.0):
        at = centre + SCALE * axes @ np.array([s * 0.0695, -0.003, -0.004])
        tilt = axes @ np.array([[0.94, 0.1 * s, 0.33 * s], [0, 0.97, -0.2], [-0.33 * s, 0.2, 0.92]])
        patches.append(
            ellipsoid(at, tilt, (0.009, 0.030, 0.018), SKIN * np.array([1.0, 0.90, 0.86]), gloss=0.12, skin=1.0)
        )
    # A pony tail hangs straight down whatever the head does.
    root = centre + SCALE * axes @ np.array([0, 0.035, -0.100])
    tie = centre + SCALE * axes @ np.array([0, 0.030, -0.135])
    tail = tie + np.array([0, -0.10, 0]) - 0.03 * axes[:, 2]
    end = tie + np.array([0, -0.23, 0]) - 0.01 * axes[:, 2]
    radii = {0: (0.030, 0.026), 0.9: (0.020, 0.020), 1.4: (0.036, 0.030), 2: (0.040, 0.030), 3: (0.008, 0.008)}
    hair_tail, _ = tube(np.array([root, tie, tail, end]), radii, axes[:, 0], HAIR, round_corner=0.04, gloss=0.25)
    swirl = np.sin(np.linspace(0, 16 * np.pi, hair_tail.albedo.shape[1]))[None, :, None]
    hair_tail.albedo = hair_tail.albedo * (1 + 0.3 * swirl)
    patches.append(hair_tail)
    return patches


def _on_surface(xy: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Points of the face's front that have these x, y."""
    flat = grid.reshape(-1, 3)
    flat = flat[flat[:, 2] > 0.0]
    nearest = np.argmin(((xy[:, None] - flat[None, :, :2]) ** 2).sum(-1), 1)
    return np.concatenate([xy, flat[nearest, 2:]], 1)


def face_points(centre: np.ndarray, axes: np.ndarray, face: Face) -> dict[str, np.ndarray]:
    """'face' [68,3] in iBUG order, 'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear' in the world."""
    p = np.zeros((68, 2))
    # Jaw from the person's right ear to the left one.
    a = np.linspace(-1, 1, 17)
    drop = 0.018 * face.mouth
    p[:17, 0] = 0.066 * np.sign(a) * np.abs(np.sin(a * np.pi / 2)) ** 0.85
    p[:17, 1] = -0.012 - (0.096 + drop) * np.cos(a * np.pi / 2) ** 0.9
    for first, s in ((17, -1), (22, 1)):
        t = np.linspace(-0.020, 0.020, 5) * (1 if s > 0 else -1)  # inner end last on the right, first on the left
        brow = BROW_Y + face.brow - 0.004 * (t / 0.02) ** 2
        p[first : first + 5] = np.stack([s * (EYE_X + t), brow], 1)
    p[27:31] = np.stack([np.zeros(4), np.linspace(0.006, NOSE_TIP_Y, 4)], 1)
    p[31:36] = np.stack([np.linspace(-0.014, 0.014, 5), -0.039 - 0.002 * np.array([0, 0.6, 1, 0.6, 0])], 1)
    top, low = EYE_HALF[1] * face.open * 0.85, -0.72 * EYE_HALF[1] * 0.85 * (0.35 + 0.65 * face.open)
    w, c = EYE_HALF[0], 0.35 * EYE_HALF[0]
    right = np.array([[-w, 0], [-c, top], [c, top], [w, 0], [c, low], [-c, low]])
    p[36:42] = right + [-EYE_X, EYE_Y]
    p[42:48] = right + [EYE_X, EYE_Y]
    h = face.mouth_half
    for first, xs, outer in ((48, (-1, -0.62, -0.25, 0, 0.25, 0.62, 1, 0.62, 0.25, 0, -0.25, -0.62), True),
                             (60, (-0.85, -0.3, 0, 0.3, 0.85, 0.3, 0, -0.3), False)):  # fmt: skip
        x = np.array(xs) * h
        lines = face.lip_lines(x)
        upper, lower = (lines[0], lines[3]) if outer else (lines[1], lines[2])
        half = len(xs) // 2
        y = np.where(np.arange(len(xs)) <= half, upper, lower)
        p[first : first + len(xs)] = np.stack([x, y], 1)
    theta = np.linspace(0.3, np.pi - 0.05, 150)[:, None]
    grid = _skull(theta, np.linspace(-1.5, 1.5, 181), face.mouth)
    single = np.array([[0, NOSE_TIP_Y], [EYE_X, EYE_Y], [-EYE_X, EYE_Y]])
    local = _on_surface(np.concatenate([p, single]), grid)
    # The eyelids' grid holds no eyeball; ears at the tragus, in front of the ear's opening.
    world = lambda q: centre + SCALE * q @ axes.T  # noqa: E731
    return {
        "face": world(local[:68]),
        "nose": world(local[68]),
        "left_eye": world(local[69]),
        "right_eye": world(local[70]),
        "left_ear": world(np.array([0.0670, -0.004, 0.012])),
        "right_ear": world(np.array([-0.0670, -0.004, 0.012])),
    }
