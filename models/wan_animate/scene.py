"""The driving video as a scene to be filled: its frames on the canvas, and where the driver stands in them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ...core import Host, InputError, VideoSource
from .fit import Placing, place
from .spec import WanAnimateSettings
from .windows import WanWindow

READ_FRAMES = 8  # at once, before they are scaled: a 4K film must not fill the memory
_WHITE = 127
_MOSTLY_WHITE = 0.9
_OTHER_SHAPE = 0.02


class Scene:
    """Frames and masks of any window, read again from their files."""

    def __init__(
        self, driving: VideoSource, masks: VideoSource, placing: Placing, settings: WanAnimateSettings, host: Host
    ) -> None:
        info = masks.info
        width, height = placing.picture
        if abs(info.width * height - info.height * width) > _OTHER_SHAPE * width * info.height:
            raise InputError(
                f"The driver's mask is {info.width}x{info.height} and the driving video {width}x{height}; "
                f"a mask of the same shape is needed."
            )
        self._driving, self._masks, self._placing, self._host = driving, masks, placing, host
        scaled = (placing.scaled, (placing.left, placing.top))
        self._mask_placing = Placing((info.width, info.height), placing.canvas, scaled[0], *scaled[1])
        self._grow, self._blocks = settings.mask_grow, settings.mask_blocks

    def window(self, window: WanWindow) -> tuple[np.ndarray, np.ndarray]:
        """uint8 `[n,H,W,3]` and bool `[n,H,W]`: what is to be seen, and True where no driver is."""
        frames = self._read(self._driving, self._placing, window, "driving video")
        inside = self._read(self._masks, self._mask_placing, window, "driver's mask")[..., 0] > _WHITE
        share = float(inside.mean())
        if share == 0 and window.index == 0:
            raise InputError(
                f"The driver's mask is black in all of frames 0 to {window.num_new - 1}; white is to mark the driver."
            )
        if share == 0:
            self._host.note(
                f"Frames {window.first_new} to {window.first_new + window.num_new - 1}: the driver's mask is black, "
                f"so these frames stay as they are."
            )
        elif share > _MOSTLY_WHITE:
            self._host.note(f"The driver's mask covers {share:.0%} of the picture; white is to mark the driver.")
        for k, one in enumerate(inside):
            inside[k] = blocks_filled(grown(one, self._grow), self._blocks)
        return frames, ~inside

    def _read(self, source: VideoSource, placing: Placing, window: WanWindow, what: str) -> np.ndarray:
        first, last = int(window.driving.min()), int(window.driving.max())
        width, height = placing.canvas
        by_frame = np.empty((last - first + 1, height, width, 3), np.uint8)
        done = 0
        for chunk in source.chunks(READ_FRAMES, start=first):
            for pixels in chunk.pixels[: len(by_frame) - done]:
                by_frame[done] = placing.lay(_as_bytes(pixels))
                done += 1
            if done == len(by_frame):
                break
        if done < len(by_frame):
            raise InputError(f"The {what} ends at frame {first + done}, but the motion has at least {last + 1}.")
        if np.array_equal(window.driving, np.arange(first, last + 1)):
            return by_frame
        return by_frame[window.driving - first]


def scene_placing(size: tuple[int, int], canvas: tuple[int, int]) -> Placing:
    """The canvas has the film's shape but for a few pixels, which are cut off evenly."""
    return place(size, canvas, "crop")


def _as_bytes(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def grown(mask: np.ndarray, by_px: int) -> np.ndarray:
    """Widened by so many pixels all around."""
    if by_px == 0:
        return mask
    brush = np.ones((2 * by_px + 1, 2 * by_px + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), brush) > 0


def blocks_filled(mask: np.ndarray, per_side: int) -> np.ndarray:
    """The mask's box cut into `per_side` x `per_side` cells, each filled that has any of the mask; 0: as it is."""
    if per_side == 0 or not mask.any():
        return mask
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    filled = np.zeros_like(mask)
    ys = np.linspace(rows[0], rows[-1] + 1, per_side + 1).round().astype(int)
    xs = np.linspace(columns[0], columns[-1] + 1, per_side + 1).round().astype(int)
    for y0, y1 in pairwise(ys):
        for x0, x1 in pairwise(xs):
            filled[y0:y1, x0:x1] = mask[y0:y1, x0:x1].any()
    return filled
