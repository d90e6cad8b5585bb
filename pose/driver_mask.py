"""Where the driver is in every frame, for engines that put a character into the driver's place.

From segmentation of the film around the person that a motion follows, from the joints alone, or given by the
user; steadied over time, grown, and filled in blocks as Wan-Animate was trained. Masks are uint8, 255 = the
driver. Grown and filled masks equal Wan-Video/Wan2.2 `preprocess/utils.py` (get_mask_body_img, get_aug_mask)
wherever that gives an answer; empty masks and grids finer than the mask give one here too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from ..core import InputError, PoseTrack, UsageError, VideoSource
from .figure_shape import SEEN, figure_shape

SIZE = 7
ITERATIONS = 3
ROOM = 1.2
"""Side of the window that the network sees, in sides of the box around all joints: hair and soles are in it."""
METHODS = ("segmentation", "joints")


class MatteNet(Protocol):
    """Finds the person in a square crop."""

    def __call__(self, crop: np.ndarray) -> np.ndarray | None:
        """float32 `[s,s]` 0..1 of uint8 RGB `[s,s,3]`, or None where nobody is seen."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class MaskRules:
    """What is done to a mask before an engine gets it; the defaults are Wan-Animate's."""

    size: int = SIZE
    """Width of the square that the mask is grown with, px of the driving video."""
    iterations: int = ITERATIONS
    """How often; 0 leaves the outline."""
    blocks_wide: int = 1
    """Columns of the grid over the mask's box; 0 leaves the outline."""
    blocks_high: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or self.iterations < 0 or self.blocks_wide < 0 or self.blocks_high < 0:
            raise UsageError(
                f"A mask is grown by 1 px or more, 0 times or more, and filled in 0 or more blocks, "
                f"not {self.size}, {self.iterations} and {self.blocks_wide}x{self.blocks_high}."
            )

    def apply(self, mask: np.ndarray) -> np.ndarray:
        """The mask uint8 `[H,W]`, grown and filled."""
        return fill_blocks(grow(mask, self.size, self.iterations), self.blocks_wide, self.blocks_high)


def grow(mask: np.ndarray, size: int = SIZE, iterations: int = ITERATIONS) -> np.ndarray:
    """The mask uint8 `[H,W]` dilated `iterations` times by a square of `size` px."""
    if iterations == 0 or size <= 1:
        return mask
    return cv2.dilate(mask, np.ones((size, size), np.uint8), iterations=iterations)


def fill_blocks(mask: np.ndarray, blocks_wide: int = 1, blocks_high: int = 1) -> np.ndarray:
    """The mask uint8 `[H,W]`, 255 in every cell of a grid over its box in which it has a pixel.

    1x1 fills the box. As Wan-Animate's: cells are of whole pixels, so there may be one column more than asked for,
    and the box's last row and column are not filled (they keep what they had). Fewer pixels than cells: every cell
    is one pixel. An empty mask stays empty; 0 blocks leave the mask alone.
    """
    if blocks_wide == 0 or blocks_high == 0:
        return mask
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(columns):
        return mask
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])
    wide, high = max(1, int((x1 - x0) / blocks_wide)), max(1, int((y1 - y0) / blocks_high))
    filled = mask.copy()
    for x in range(x0, x1, wide):
        for y in range(y0, y1, high):
            cell = filled[y : min(y + high, y1), x : min(x + wide, x1)]
            if cell.any():
                cell[:] = 255
    return filled


def black_under(frames: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Frames uint8 `[n,H,W,3]`, black where masks uint8 `[n,H,W]` are not."""
    return np.where(mask[..., None] > 0, np.uint8(0), frames)


def driver_masks(
    source: VideoSource,
    track: PoseTrack,
    *,
    given: VideoSource | np.ndarray | None = None,
    rules: MaskRules = MaskRules(),
    method: str = "segmentation",
    cuts: Sequence[int] = (),
    start: int = 0,
    stop: int | None = None,
    chunk_frames: int = 16,
    net: MatteNet | None = None,
) -> Iterator[np.ndarray]:
    """Masks uint8 `[n,H,W]` of frames start..stop (half open), `chunk_frames` at a time, of the source's size.

    `track` is the followed person, cleaned, frame for frame with `source`; frames without a seen joint have an
    empty mask. `method` is one of `METHODS`. `given` replaces the search: a video frame for frame with the source, or masks uint8 `[n,H,W]`
    (one holds for all frames); white = the driver, other sizes are scaled. Without it the film is segmented
    around the person ('joints': a body is drawn around the joints, no network), steadied over three frames but
    never across `cuts`. Memory: a few chunks.

    Raises InputError where there are fewer frames than asked for, UsageError for an unknown method, MissingPackage
    where segmentation needs MediaPipe and it is not there.
    """
    stop = track.num_frames if stop is None else stop
    if method not in METHODS:
        raise UsageError(f"There is no way {method!r} to find the driver; there are {', '.join(METHODS)}.")
    if not 0 <= start < stop <= track.num_frames:
        raise UsageError(f"Frames {start} to {stop} were asked for; the motion has {track.num_frames}.")
    size = (source.info.width, source.info.height)
    if given is not None:
        plain = _given(given, size, start, stop)
    elif method == "joints":
        plain = _figures(track, size, start, stop)
    else:
        plain = _segmented(source, track, tuple(cuts), start, stop, net)
    batch: list[np.ndarray] = []
    for mask in plain:
        batch.append(rules.apply(mask))
        if len(batch) == chunk_frames:
            yield np.stack(batch)
            batch.clear()
    if batch:
        yield np.stack(batch)


def _given(given: VideoSource | np.ndarray, size: tuple[int, int], start: int, stop: int) -> Iterator[np.ndarray]:
    if isinstance(given, np.ndarray):
        if len(given) not in (1,) and len(given) < stop:
            raise InputError(f"{len(given)} masks were given for frames {start} to {stop}; give one for each, or one for all.")  # fmt: skip
        for t in range(start, stop):
            yield _white(given[t if len(given) > 1 else 0], size)
        return
    done, levels = start, np.zeros((1, 1, 3), np.uint8)
    for chunk in given.chunks(16, start):
        for pixels in chunk.pixels[: stop - done]:
            levels = pixels if pixels.dtype == np.uint8 else np.rint(pixels * 255).astype(np.uint8)
            yield _white(levels.max(-1), size)
            done += 1
        if done == stop:
            return
    if done == start + 1 and start == 0:  # a still picture is a video of one frame
        for _ in range(done, stop):
            yield _white(levels.max(-1), size)
        return
    raise InputError(f"The mask video ends after {done} frames; {stop} are needed, one for each frame of the motion.")


def _white(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """255 where the mask is brighter than half, at `size`."""
    if (mask.shape[1], mask.shape[0]) != size:
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)
    return np.where(mask > 127, np.uint8(255), np.uint8(0))


def _figures(track: PoseTrack, size: tuple[int, int], start: int, stop: int) -> Iterator[np.ndarray]:
    scale = np.array(size) / track.size
    for t in range(start, stop):
        yield figure_shape(track.points[t] * scale, track.scores[t], size)


def _segmented(
    source: VideoSource, track: PoseTrack, cuts: tuple[int, ...], start: int, stop: int, net: MatteNet | None
) -> Iterator[np.ndarray]:
    """What the network sees in a frame or in both its neighbours, without what does not touch the person.

    So a frame that it misreads is bridged, and a hand that is somewhere for one frame only is kept.
    """
    size = (source.info.width, source.info.height)
    scale = np.array(size) / track.size
    first, last = max(start - 1, 0), min(stop + 1, track.num_frames)
    own = None
    if net is None:
        from .mediapipe_graphs import BodyMatteNet

        net = own = BodyMatteNet()
    frames = _frames(source, first, last)
    try:
        mattes: dict[int, np.ndarray] = {}
        read = first
        for t in range(start, stop):
            while read < min(t + 2, last):
                mattes[read] = _matte(next(frames), track.points[read] * scale, track.scores[read], net)
                read += 1
            mattes.pop(t - 2, None)
            sides = [mattes[n] for n, edge in ((t - 1, t), (t + 1, t + 1)) if n in mattes and edge not in cuts]
            total = sum((m.astype(np.uint16) for m in sides), 2 * mattes[t].astype(np.uint16))
            shape = np.where(total > 127 * (2 + len(sides)), np.uint8(255), np.uint8(0))
            yield _of_the_person(shape, track.points[t] * scale, track.scores[t], size)
    finally:
        frames.close()
        if own is not None:
            own.close()


def _frames(source: VideoSource, first: int, last: int) -> Generator[np.ndarray, None, None]:
    done = first
    for chunk in source.chunks(8, first):
        for frame in chunk.pixels[: last - done]:
            yield frame if frame.dtype == np.uint8 else np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
            done += 1
        if done == last:
            return
    raise InputError(
        f"The video ends after {done} frames and the motion has at least {last}: they do not belong together."
    )


def _matte(frame: np.ndarray, points: np.ndarray, scores: np.ndarray, net: MatteNet) -> np.ndarray:
    """uint8 `[H,W]` 0..255: what the network sees around the joints; the joints' own shape where it sees nobody."""
    from .regions import Region, Shrunk

    height, width = frame.shape[:2]
    seen = points[scores >= SEEN]
    if not len(seen):
        return np.zeros((height, width), np.uint8)
    low, high = seen.min(0), seen.max(0)
    side = max(float((high - low).max()) * ROOM, 32.0)
    x, y = (low + high) / 2
    crop = Shrunk(np.ascontiguousarray(frame)).crop(Region(float(x), float(y), side, 0.0), 256)
    found = net(crop)
    if found is None:
        return figure_shape(points, scores, (width, height))
    scale = side / found.shape[0]
    matrix = np.array([[scale, 0, x - side / 2 + 0.5 * scale - 0.5], [0, scale, y - side / 2 + 0.5 * scale - 0.5]])
    levels = np.rint(np.clip(found, 0, 1) * 255).astype(np.uint8)
    return cv2.warpAffine(levels, matrix, (width, height), flags=cv2.INTER_LINEAR)


def _of_the_person(shape: np.ndarray, points: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask without parts that do not touch the followed body."""
    labels: Any
    count, labels = cv2.connectedComponents(shape, connectivity=4)
    if count <= 2:
        return shape
    body = figure_shape(points, scores, size, thickness=0.3)
    touched = np.bincount(labels[body > 0], minlength=count) > 0
    touched[0] = False
    return np.where(touched[labels], np.uint8(255), np.uint8(0)) if touched.any() else shape
