"""What the finishing nodes make, for their help pages: the dancer's face, her light, her colours, a region put back."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import Character, FrameChunk, Timeline
from motion_transfer.finishing.finisher import Clip, Finisher
from motion_transfer.finishing.match_colour import MatchColour, MatchColourSettings
from motion_transfer.finishing.region_paste import box_of_pixels, box_weight, paste_region
from motion_transfer.finishing.restore_faces import RESTORER, RestoreFaces, RestoreFacesSettings
from motion_transfer.finishing.settle_flicker import SettleFlicker, SettleFlickerSettings
from motion_transfer.run.host import LocalHost
from motion_transfer.video import open_video

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"
_GAP_PX = 4


class Sharpener:
    """Stands for GFPGAN, whose file does not come with this pack."""

    def restore(self, crop: np.ndarray, host: object) -> np.ndarray:
        coarse = cv2.GaussianBlur(crop, (0, 0), 6).astype(np.float32)
        return np.clip(crop + 1.6 * (crop - coarse), 0, 255)


class LendingHost(LocalHost):
    def lend(self, what: str) -> object:
        return Sharpener() if what == RESTORER else None


def film(first: int, count: int) -> np.ndarray:
    chunk = next(iter(open_video(MEDIA / "dancer.mp4").chunks(count, first)))
    return chunk.pixels[:, :, 280:1000]


def through(finisher: Finisher, pixels: np.ndarray, character: np.ndarray | None = None) -> np.ndarray:
    whom = None if character is None else Character(character, "0" * 64)
    clip = Clip((pixels.shape[2], pixels.shape[1]), Timeline.constant(len(pixels), Fraction(24)), (), whom)
    finisher.begin(clip, finisher.survey(clip, iter([FrameChunk(pixels, 0)])))
    return finisher.finish(FrameChunk(pixels, 0), 0, len(pixels)).pixels


def row(tiles: list[np.ndarray]) -> np.ndarray:
    wide = (640 - _GAP_PX * (len(tiles) - 1)) // len(tiles)
    high = round(tiles[0].shape[0] * wide / tiles[0].shape[1])
    small = [cv2.resize(np.ascontiguousarray(t), (wide, high), interpolation=cv2.INTER_AREA) for t in tiles]
    gap = np.full((high, _GAP_PX, 3), 255, np.uint8)
    return np.hstack([part for tile in small for part in (gap, tile)][1:])


def restored_face() -> np.ndarray:
    pixels = film(0, 8)
    out = through(RestoreFaces(RestoreFacesSettings(strength=1.0), LendingHost(device="cpu")), pixels)
    touched = np.any(out[0] != pixels[0], axis=2)
    where = pixels[0].copy()
    where[touched] = where[touched] // 2 + np.array([40, 110, 40], np.uint8)
    y, x = np.argwhere(touched).mean(axis=0).round().astype(int)
    view = np.s_[max(0, y - 75) : y + 75, max(0, x - 75) : x + 75]
    large = [cv2.resize(p[view], (420, 420), interpolation=cv2.INTER_CUBIC) for p in (pixels[0], out[0], where)]
    return row(large)


def settled_light() -> np.ndarray:
    clean = film(20, 25)
    gains = 1 + 0.11 * np.array([(-1) ** k * (0.6 + 0.4 * np.cos(k)) for k in range(len(clean))])
    bad = np.clip(clean * gains[:, None, None, None], 0, 255).astype(np.uint8)
    out = through(SettleFlicker(SettleFlickerSettings(), LocalHost(device="cpu")), bad)
    rows = [row([p[k][:, 150:570] for k in range(9, 15)]) for p in (bad, out)]
    return np.vstack([rows[0], np.full((_GAP_PX, rows[0].shape[1], 3), 255, np.uint8), rows[1]])


def matched_colours() -> np.ndarray:
    pixels = film(30, 2)
    wanted = np.clip(pixels[0] * np.array([1.08, 0.98, 0.8]), 0, 255).astype(np.uint8)
    bad = np.clip(pixels * np.array([0.85, 1.0, 1.15]), 0, 255).astype(np.uint8)
    settings = MatchColourSettings(to="character", over="clip", strength=1.0)
    out = through(MatchColour(settings, LocalHost(device="cpu")), bad, wanted)
    return row([wanted, bad[0], out[0]])


def pasted_region() -> np.ndarray:
    frame = film(30, 1)[0]
    x, y, side = 230, 60, 260
    region = frame[y : y + side, x : x + side]
    made = cv2.cvtColor(255 - cv2.Canny(cv2.GaussianBlur(region, (0, 0), 1.2), 30, 80), cv2.COLOR_GRAY2RGB)
    made = np.minimum(made, cv2.bilateralFilter(region, 9, 60, 9))
    box = box_of_pixels(x, y, side, side)
    out = paste_region(frame, made, box, box_weight(box, (frame.shape[1], frame.shape[0]), 40), match=0.5)
    return row([frame, cv2.resize(made, (720, 720), interpolation=cv2.INTER_CUBIC), out])


FINISHING: dict[str, Callable[[], np.ndarray]] = {
    "MT_RestoreFaces": restored_face,
    "MT_SettleFlicker": settled_light,
    "MT_MatchColour": matched_colours,
    "MT_PasteBack": pasted_region,
}
"""Node id to a function that gives uint8 `[h,640,3]`."""
