"""Turns patches into a picture: a z-buffer filled with dense samples, light, soft shadows, a studio around it.

Every patch is sampled finer than the pixels it covers, so no pixel of a surface is missed; the nearest
sample wins. Light is worked out once per pixel afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .surfaces import Patch, linear

SUPERSAMPLING = 2
# Sample distance in supersampled pixels; under 1/sqrt(2) so that a sheared grid leaves no holes either.
SAMPLE_PX = 0.70


@dataclass(frozen=True)
class Camera:
    """Looks along -z at `aim`; a point one metre to the side of it is `px_per_metre` away in the picture."""

    width: int = 1280
    height: int = 720
    px_per_metre: float = 337.0
    distance: float = 6.0
    aim: tuple[float, float, float] = (0.0, 1.0, 0.0)
    aim_px: tuple[float, float] = (640.0, 357.0)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels [...,2] (centres at integers) and distance from the camera [...]."""
        p = points - np.array(self.aim)
        depth = self.distance - p[..., 2]
        scale = self.px_per_metre * self.distance / depth
        xy = np.stack([self.aim_px[0] + scale * p[..., 0], self.aim_px[1] - scale * p[..., 1]], -1)
        return xy, depth

    def scaled(self, factor: int) -> Camera:
        """The same view on a grid `factor` times finer."""
        shift = (factor - 1) / 2
        aim = (self.aim_px[0] * factor + shift, self.aim_px[1] * factor + shift)
        return Camera(
            self.width * factor, self.height * factor, self.px_per_metre * factor, self.distance, self.aim, aim
        )


KEY = np.array([-0.52, 0.66, 0.72]) / np.linalg.norm([-0.52, 0.66, 0.72])
RIM = np.array([0.75, 0.35, -0.55]) / np.linalg.norm([0.75, 0.35, -0.55])
KEY_COLOUR = np.array([1.06, 1.0, 0.92]) * 0.86
FILL_SKY = np.array([0.40, 0.43, 0.48])
FILL_FLOOR = np.array([0.30, 0.26, 0.23])
RIM_COLOUR = np.array([0.55, 0.66, 0.80]) * 0.55


@lru_cache(maxsize=4096)
def _weights(n: int, count: int) -> np.ndarray:
    """float32 [count,n]: linear interpolation of n values at `count` even places."""
    at = np.linspace(0, n - 1, count)
    low = np.minimum(at.astype(int), n - 2)
    w = np.zeros((count, n), np.float32)
    w[np.arange(count), low] = 1 - (at - low)
    w[np.arange(count), low + 1] = at - low
    return w


def _dense(channels: np.ndarray, xy: np.ndarray, finest: float) -> np.ndarray:
    """`channels` [n,m,c] resampled so that neighbours lie less than `finest` px apart in `xy`."""
    along = np.linalg.norm(np.diff(xy, axis=0), axis=-1).max()
    across = np.linalg.norm(np.diff(xy, axis=1), axis=-1).max()
    n, m = channels.shape[:2]
    rows = max(n, int(np.ceil((n - 1) * along / finest)) + 1)
    columns = max(m, int(np.ceil((m - 1) * across / finest)) + 1)
    out = (_weights(n, rows) @ channels.reshape(n, -1)).reshape(rows, m, -1)
    return (_weights(m, columns) @ out).reshape(-1, channels.shape[2])


@dataclass
class Buffers:
    """What the fine grid sees. All but the depth only for the n pixels that are hit, in reading order."""

    depth: np.ndarray
    """float [H,W] from the camera, infinite where there is nothing."""
    world: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    skin: np.ndarray


def rasterise(patches: list[Patch], camera: Camera) -> Buffers:
    samples = []
    eye = np.array(camera.aim) + np.array([0, 0, camera.distance])
    for patch in patches:
        xy, depth = camera.project(patch.points)
        look = np.empty((*depth.shape, 2))
        look[..., 0], look[..., 1] = patch.gloss, patch.skin
        channels = np.concatenate([xy, depth[..., None], patch.points, patch.normals, patch.albedo, look], -1)
        channels = channels.astype(np.float32)
        facing = ((eye - patch.points) * patch.normals).sum(-1) > 0
        # Small blocks: what faces away is left out early, and one near ring does not set the sampling of a long tube.
        for top in range(0, facing.shape[0] - 1, 12):
            for left in range(0, facing.shape[1] - 1, 16):
                block = np.s_[top : top + 13, left : left + 17]
                if not facing[block].any():
                    continue
                part = channels[block]
                fine = _dense(part, part[..., :2], SAMPLE_PX)
                if not facing[block].all():
                    fine = fine[((eye.astype(np.float32) - fine[:, 3:6]) * fine[:, 6:9]).sum(-1) > 0]
                samples.append(fine)
    s = np.concatenate(samples)
    W, H = camera.width, camera.height
    ix, iy = np.rint(s[:, 0]).astype(np.int64), np.rint(s[:, 1]).astype(np.int64)
    inside = (ix >= 0) & (ix < W) & (iy >= 0) & (iy < H)
    s, pixel = s[inside], (iy * W + ix)[inside]
    order = np.argsort(-s[:, 2], kind="stable")
    # Far to near: of several values for one pixel the last assigned stays, which numpy promises.
    nearest = np.full(H * W, -1, np.int64)
    nearest[pixel[order]] = order
    nearest = nearest.reshape(H, W)
    hit = nearest >= 0
    s = s[nearest[hit]]
    depth = np.full((H, W), np.inf, np.float32)
    depth[hit] = s[:, 2]
    return Buffers(depth, s[..., 3:6], s[..., 6:9], s[..., 9:12], s[..., 12], s[..., 13])


def _shadow_of(points: np.ndarray, light: np.ndarray, world: np.ndarray, softness_px: float) -> np.ndarray:
    """1 where `world` sees the light, 0 in the shade of `points`, soft between."""
    x = np.cross([0.0, 1.0, 0.0], light)
    x /= np.linalg.norm(x)
    y = np.cross(light, x)
    size, per_metre = 640, 210.0
    centre = np.array([0, 1.0, 0])

    def onto(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        q = p - centre
        u = np.clip(q @ x * per_metre + size / 2, 0, size - 1)
        v = np.clip(q @ y * per_metre + size / 2, 0, size - 1)
        return u.astype(np.float32), v.astype(np.float32), (q @ light).astype(np.float32)

    u, v, near = onto(points)
    shadow_map = np.full(size * size, -9.0, np.float32)
    np.maximum.at(shadow_map, np.rint(v).astype(int) * size + np.rint(u).astype(int), near)
    shadow_map = cv2.dilate(shadow_map.reshape(size, size), np.ones((3, 3), np.uint8))
    u, v, height = onto(world)
    lit = np.zeros(world.shape[:-1], np.float32)
    offsets = [(a, b) for a in (-1.5, -0.5, 0.5, 1.5) for b in (-1.5, -0.5, 0.5, 1.5)]
    for a, b in offsets:
        at_u = np.clip(np.rint(u + a * softness_px), 0, size - 1).astype(np.int32)
        at_v = np.clip(np.rint(v + b * softness_px), 0, size - 1).astype(np.int32)
        blocker = shadow_map.ravel()[at_v * size + at_u]
        gap = blocker - height
        lit += 1 - np.clip((gap - 0.020) / 0.02, 0, 1)
    return lit / len(offsets)


def _occlusion(depth: np.ndarray, scale: float) -> np.ndarray:
    """Darker where the neighbourhood stands nearer to the camera: creases, under the chin, between arm and body."""
    far = np.where(np.isfinite(depth), depth, 7.5).astype(np.float32)
    out = np.ones_like(far)
    for radius_m, strength in ((0.02, 0.55), (0.06, 0.55)):
        # A wide blur needs no fine grid.
        step = 4 if radius_m < 0.03 else 8
        small = cv2.resize(np.minimum(far, 6.9), None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
        around = cv2.GaussianBlur(small, (0, 0), radius_m * scale / step, borderType=cv2.BORDER_REPLICATE)
        around = cv2.resize(around, far.shape[::-1], interpolation=cv2.INTER_LINEAR)
        reach = np.maximum(far - around, 0)
        out -= strength * np.clip(reach / (2.2 * radius_m), 0, 1) * np.exp(-np.clip(reach - 0.15, 0, 9) * 8)
    return np.clip(out, 0.25, 1)


def light_figure(b: Buffers, patches: list[Patch], camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Linear colour [H,W,3] and coverage [H,W] of the figure alone."""
    hit = np.isfinite(b.depth)
    rows, columns = np.flatnonzero(hit.any(1)), np.flatnonzero(hit.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    ao = _occlusion(b.depth[box], camera.px_per_metre)[hit[box]]
    n, world, albedo = b.normal, b.world, b.albedo
    n = n / np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-6)
    eye = np.array(camera.aim) + np.array([0, 0, camera.distance])
    view = eye - world
    view = view / np.linalg.norm(view, axis=-1, keepdims=True)
    points = np.concatenate([p.points.reshape(-1, 3) for p in patches])
    lit = _shadow_of(points, KEY, world + 0.012 * n, 1.6)
    skin = b.skin[:, None]
    facing = n @ KEY
    hard = np.clip(facing, 0, 1)[:, None]
    # In skin, light creeps past the edge of the shade, red furthest.
    wrap = np.array([0.38, 0.20, 0.14])
    soft = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, 1) ** 1.15
    diffuse = (1 - skin) * hard + skin * soft
    shade = lit[:, None] * (1 - skin) + skin * (lit[:, None] ** np.array([0.75, 0.95, 1.0]))
    sky = (0.5 + 0.5 * n[:, 1:2]) * FILL_SKY + (0.5 - 0.5 * n[:, 1:2]) * FILL_FLOOR
    sky = sky * (0.75 + 0.35 * n[:, 2:3])
    rim = np.clip(n @ RIM, 0, 1)[:, None] * (1 - np.clip((n * view).sum(-1), 0, 1)[:, None]) ** 1.5
    colour = (
        albedo * (KEY_COLOUR * diffuse * shade + sky * ao[:, None]) + rim * RIM_COLOUR * (0.3 + albedo) * ao[:, None]
    )
    half = KEY + view
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    gleam = np.clip((n * half).sum(-1), 0, 1)
    gloss = b.gloss
    colour += (gloss * lit * (0.55 * gleam**34 + 0.25 * gleam**9))[:, None] * KEY_COLOUR
    out = np.zeros((*b.depth.shape, 3), np.float32)
    out[hit] = colour
    return out, hit.astype(np.float32)


@lru_cache(maxsize=1)
def studio(camera: Camera) -> np.ndarray:
    """Linear colour of the empty studio [H,W,3], a wall that curves into the floor; to be read only."""
    H, W = camera.height, camera.width
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    top, mid, floor = linear("#8fb1b8"), linear("#d6e2df"), linear("#d8cdbd")
    glow = np.exp(-(((x - 0.46 * W) / (0.42 * W)) ** 2) - ((y - 0.42 * H) / (0.55 * H)) ** 2)[..., None]
    wall = top * (1 - glow) + mid * glow
    horizon = 0.80 * H
    blend = np.clip((y - horizon) / (0.085 * H) + 0.5, 0, 1)[..., None]
    blend = blend * blend * (3 - 2 * blend)
    pool = np.exp(-(((x - 0.5 * W) / (0.36 * W)) ** 2) - ((y - 0.95 * H) / (0.16 * H)) ** 2)[..., None]
    ground = floor * (0.70 + 0.34 * pool)
    return (wall * (1 - blend) + ground * blend).astype(np.float32)


@lru_cache(maxsize=1)
def floor_points(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """World points on y = 0 behind each pixel [H,W,3], and where there are any [H,W]."""
    H, W = camera.height, camera.width
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    # Ray through the pixel: aim plane point minus eye.
    eye = np.array(camera.aim) + np.array([0, 0, camera.distance])
    dy = -(y - camera.aim_px[1]) / camera.px_per_metre
    dx = (x - camera.aim_px[0]) / camera.px_per_metre
    down = dy < -1e-6
    k = np.where(down, -eye[1] / np.where(down, dy, -1.0), 0.0)
    world = np.stack([k * dx, np.zeros_like(k), eye[2] - k * camera.distance], -1)
    return world, down & (world[..., 2] > -2.0)


def finish(linear_colour: np.ndarray) -> np.ndarray:
    """Linear light to uint8 RGB with a soft shoulder for the highlights."""
    c = np.maximum(linear_colour, 0)
    c = np.where(c > 0.75, 0.75 + 0.25 * np.tanh((c - 0.75) / 0.25 * 0.9), c)
    return np.rint(np.clip(c, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def render(patches: list[Patch], camera: Camera) -> tuple[np.ndarray, Buffers]:
    """RGB uint8 [H,W,3] of the dancer in the studio, and the fine buffers it was made from."""
    fine = camera.scaled(SUPERSAMPLING)
    buffers = rasterise(patches, fine)
    figure, cover = light_figure(buffers, patches, fine)
    size = (camera.width, camera.height)
    figure = cv2.resize(figure, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None]
    ground = studio(camera)
    world, is_floor = floor_points(camera)
    points = np.concatenate([p.points.reshape(-1, 3) for p in patches])
    shade = np.ones(is_floor.shape, np.float32)
    shade[is_floor] = _shadow_of(points, KEY, world[is_floor], 3.5)
    shade = cv2.GaussianBlur(shade, (0, 0), 2.2)
    # Where shoes touch the floor it is darkest.
    low = points[points[:, 1] < 0.10]
    xy, _ = camera.project(low * [1, 0, 1])
    contact = np.zeros(is_floor.shape, np.float32)
    ij = np.rint(xy).astype(int)
    weight = np.exp(-low[:, 1] / 0.03).astype(np.float32)
    ok = (ij >= 0).all(1) & (ij[:, 0] < camera.width) & (ij[:, 1] < camera.height)
    np.maximum.at(contact, (ij[ok, 1], ij[ok, 0]), weight[ok])
    contact = cv2.GaussianBlur(cv2.dilate(contact, np.ones((5, 9), np.uint8)), (0, 0), 5.0)
    ground = ground * (1 - (0.36 * (1 - shade))[..., None]) * (1 - 0.55 * np.clip(contact, 0, 1)[..., None])
    return finish(ground * (1 - cover) + figure), buffers
