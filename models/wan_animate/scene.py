"""The driving video as a scene to be filled: its frames on the canvas, and where the driver stands in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...core import Host, InputError, Motion, VideoSource
from ...pose.clean import clean
from ...pose.driver_mask import MaskRules, driver_masks
from .fit import Placing, place
from .spec import WanAnimateSettings
from .windows import WanWindow

READ_FRAMES = 8  # at once, before they are scaled: a 4K film must not fill the memory
CLEANED = 2.0  # of the joints that the driver is looked for around
_AS_FOUND = MaskRules(iterations=0, blocks_wide=0)
_MOSTLY_WHITE = 0.9
_OTHER_SHAPE = 0.02


class Scene:
    """Frames and masks of any window, read again from their files."""

    def __init__(
        self,
        driving: VideoSource,
        masks: VideoSource | None,
        motion: Motion,
        placing: Placing,
        settings: WanAnimateSettings,
        host: Host,
    ) -> None:
        """`masks`: white is the driver; None: the driver is looked for around the joints of `motion`."""
        if masks is not None:
            info, (width, height) = masks.info, placing.picture
            if abs(info.width * height - info.height * width) > _OTHER_SHAPE * width * info.height:
                raise InputError(
                    f"The driver's mask is {info.width}x{info.height} and the driving video {width}x{height}; "
                    f"a mask of the same shape is needed."
                )
        self._driving, self._masks, self._placing, self._host = driving, masks, placing, host
        self._cuts = motion.cuts
        self._track = clean(motion.main, motion.timeline.rate, strength=CLEANED, cuts=motion.cuts)
        blocks, grow = settings.mask_blocks, settings.mask_grow
        # On the canvas, as the original, not on the film: the model was trained at that scale.
        self._rules = MaskRules(2 * grow + 1, 1 if grow else 0, blocks, blocks)

    def window(self, window: WanWindow) -> tuple[np.ndarray, np.ndarray]:
        """uint8 `[n,H,W,3]` and bool `[n,H,W]`: what is to be seen, and True where no driver is."""
        first, stop = int(window.driving.min()), int(window.driving.max()) + 1
        width, height = self._placing.canvas
        frames = np.empty((stop - first, height, width, 3), np.uint8)
        inside = np.empty((stop - first, height, width), np.uint8)
        for k, mask in enumerate(self._found(first, stop)):
            inside[k] = self._rules.apply((self._placing.lay(mask) > 127).astype(np.uint8) * 255)
        for k, pixels in enumerate(_frames(self._driving, first, stop)):
            frames[k] = self._placing.lay(pixels)
        share = np.count_nonzero(inside) / inside.size
        if share == 0 and window.index == 0:
            raise InputError(
                f"The driver's mask is black in all of frames 0 to {stop - 1}; white is to mark the driver."
            )
        if share == 0:
            last = window.first_new + window.num_new - 1
            self._host.note(f"No driver in frames {window.first_new} to {last}: they stay as they are.")
        elif share > _MOSTLY_WHITE:
            self._host.note(f"The driver's mask covers {share:.0%} of the picture; white is to mark the driver.")
        outside = inside == 0
        if np.array_equal(window.driving, np.arange(first, stop)):
            return frames, outside
        return frames[window.driving - first], outside[window.driving - first]

    def _found(self, first: int, stop: int) -> Iterator[np.ndarray]:
        for masks in driver_masks(
            self._driving,
            self._track,
            given=self._masks,
            rules=_AS_FOUND,
            cuts=self._cuts,
            start=first,
            stop=stop,
            chunk_frames=READ_FRAMES,
        ):
            yield from masks


def _frames(source: VideoSource, first: int, stop: int) -> Iterator[np.ndarray]:
    done = first
    for chunk in source.chunks(READ_FRAMES, start=first):
        for pixels in chunk.pixels[: stop - done]:
            yield pixels if pixels.dtype == np.uint8 else np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
            done += 1
        if done == stop:
            return
    raise InputError(f"The driving video ends after {done} frames, but the motion has at least {stop}.")


def scene_placing(size: tuple[int, int], canvas: tuple[int, int]) -> Placing:
    """The canvas has the film's shape but for a few pixels, which are cut off evenly."""
    return place(size, canvas, "crop")
