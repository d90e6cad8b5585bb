"""How a retargeting will look, as one picture and a table of words, before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from .draw import draw_pose
from .placing import on_canvas
from .retargeted import Retargeted

TILE_HEIGHT_PX = 360
WIDEST_PX = 2560
NARROWEST_TILE_PX = 96
DIM = 0.45  # the picture steps back so that the skeleton is read first
GREY = 24
INK = (235, 235, 235)


def preview_moments(num_frames: int, pictures: int) -> list[int]:
    """Frames spread over the clip, first and last among them; fewer where the clip has fewer."""
    return sorted({int(t) for t in np.linspace(0, num_frames - 1, max(pictures, 1)).round()})


def retarget_strip(
    character_pixels: np.ndarray,
    plans: Mapping[str, Retargeted],
    pictures: int = 8,
    driver_pixels: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """uint8 `[h,w,3]`: character, driver and what each plan makes of it, at moments spread over the clip.

    A column per moment. The first row is the driver, over its own frames where `driver_pixels` (uint8 `[h,w,3]`, one
    for each of `preview_moments`) are given; then a row per plan, named by its key. On the left stands the character.
    """
    first = next(iter(plans.values()))
    moments = preview_moments(first.num_frames, pictures)
    size = _tile_size(first.size, len(moments) + 1, len(plans) + 1)
    driving = [_titled(_driver(first, t, size, pixels), f"driver {t}") for t, pixels in _with_pixels(moments, driver_pixels)]  # fmt: skip
    standing = _laid(character_pixels, size)
    rows = [np.hstack([_titled(standing, "character"), *driving])]
    for name, plan in plans.items():
        tiles = [_posed(standing, plan, None, size, None)]
        tiles += [_posed(standing, plan, t, size, p) for t, p in _with_pixels(moments, driver_pixels)]
        rows.append(np.hstack([_titled(tiles[0], name), *tiles[1:]]))
    return np.vstack(rows)


def ratio_table(plan: Retargeted) -> str:
    """One line per bone group: the character's length over the driver's; then the report."""
    lines = ["character / driver"] if plan.ratios else ["bones as the driver's"]
    lines += [f"  {name:<10} {ratio:5.2f}" for name, ratio in plan.ratios.items()]
    lines += [
        f"  {name}: {value:.3g}" if isinstance(value, float) else f"  {name}: {value}"
        for name, value in plan.report.items()
    ]
    return "\n".join(lines)


def _tile_size(canvas: tuple[int, int], across: int, down: int) -> tuple[int, int]:
    height = min(TILE_HEIGHT_PX, 4 * TILE_HEIGHT_PX // down)
    width = round(height * canvas[0] / canvas[1])
    narrow = max(NARROWEST_TILE_PX, WIDEST_PX // across)
    if width > narrow:
        width, height = narrow, max(2, round(narrow * canvas[1] / canvas[0]))
    return max(2, width), height


def _with_pixels(
    moments: list[int], pixels: Sequence[np.ndarray] | None
) -> list[tuple[int, np.ndarray | None]]:  # fmt: skip
    return [(t, None if pixels is None else pixels[k]) for k, t in enumerate(moments)]


def _driver(plan: Retargeted, frame: int, size: tuple[int, int], pixels: np.ndarray | None) -> np.ndarray:
    track = on_canvas(plan.driver(frame, frame + 1), size)
    under = np.full((size[1], size[0], 3), GREY, np.uint8) if pixels is None else _dimmed(_laid(pixels, size))
    return _drawn_over(under, track.points[0], track.scores[0])


def _posed(
    standing: np.ndarray, plan: Retargeted, frame: int | None, size: tuple[int, int], driver: np.ndarray | None
) -> np.ndarray:
    """The plan's figure in one frame, or the character's own pose, over the picture that it stands on.

    `standing` is the character's tile; `driver` the driver's frame where it is known.
    """
    pose = plan.character if frame is None else plan.track(frame, frame + 1)
    under = standing
    if frame is not None and plan.reference is None:  # in the driver's place
        under = np.full_like(standing, GREY) if driver is None else _laid(driver, size)
    track = on_canvas(pose, size)
    return _drawn_over(_dimmed(under), track.points[0], track.scores[0])


def _laid(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture whole and centred on a tile of `size`."""
    height, width = pixels.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile = np.full((size[1], size[0], 3), GREY, np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    tile[top : top + inner[1], left : left + inner[0]] = small
    return tile


def _dimmed(tile: np.ndarray) -> np.ndarray:
    return (tile * DIM).astype(np.uint8)


def _drawn_over(under: np.ndarray, points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    skeleton = draw_pose(points, scores, (under.shape[1], under.shape[0]), "openpose")
    return np.where(skeleton.any(axis=2, keepdims=True), skeleton, under)


def _titled(tile: np.ndarray, title: str) -> np.ndarray:
    scale = max(0.35, tile.shape[0] / 700)
    at = (int(14 * scale), int(34 * scale))
    out = cv2.putText(tile.copy(), title, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 3, cv2.LINE_AA)
    return cv2.putText(out, title, at, cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)
