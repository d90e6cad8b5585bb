"""A region goes back where it came from: to the pixel, softly, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from motion_transfer.core import FrameChunk, InputError, Timeline, UsageError, VideoInfo
from motion_transfer.finishing.finisher import Clip
from motion_transfer.finishing.paste_back import PasteBack, PasteBackSettings
from motion_transfer.finishing.region_paste import box_mask, box_of_pixels, box_of_white, box_weight, paste_region
from motion_transfer.pose.face_boxes import cut_face
from motion_transfer.run.host import LocalHost

SIZE = (160, 120)
FRAMES = 6


class Frames:
    """Frames in memory as a source; counts how often it is opened."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.opened = pixels, 0
        self.info = VideoInfo(pixels.shape[2], pixels.shape[1], Fraction(25), len(pixels), Fraction(1, 25))

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        self.opened += 1
        for k in range(start, len(self.pixels), length):
            yield FrameChunk(self.pixels[k : k + length], k)


def film(frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rough = rng.integers(30, 220, (frames, 15, 20, 3), dtype=np.uint8)
    return np.stack([cv2.resize(f, SIZE, interpolation=cv2.INTER_CUBIC) for f in rough])


def pasted(made: np.ndarray, original: np.ndarray | Frames, mask: np.ndarray | None = None, found=None, **settings: object) -> np.ndarray:  # fmt: skip
    source = original if isinstance(original, Frames) else Frames(original)
    beside = None if mask is None else Frames(np.repeat(mask[..., None], 3, axis=3))
    clip = Clip((made.shape[2], made.shape[1]), Timeline.constant(len(made), Fraction(25)), (), None, source, beside)
    finisher = PasteBack(PasteBackSettings(**settings), LocalHost(device="cpu"))  # type: ignore[arg-type]
    out = finisher.begin(clip, found or {})
    assert out.size == SIZE and out.timeline is clip.timeline
    parts = [finisher.finish(FrameChunk(made[k : k + 2], k), k, min(k + 2, len(made))) for k in range(0, len(made), 2)]
    return np.concatenate([p.pixels for p in parts])


PLACE = {"place": "box", "x": 40, "y": 30, "width": 64, "height": 48}


def test_a_region_that_nobody_changed_gives_the_film_again():
    original = film()
    region = original[:, 30:78, 40:104]
    for match in (0.0, 1.0):
        assert np.array_equal(pasted(region, original, match=match, **PLACE), original)


def test_what_lies_outside_of_the_box_is_untouched_and_inside_it_is_the_region():
    original, made = film(), np.full((FRAMES, 48, 64, 3), 255, np.uint8)
    out = pasted(made, original, feather=0.1, match=0.0, **PLACE)
    outside = np.ones(SIZE[::-1], bool)
    outside[30:78, 40:104] = False
    assert np.array_equal(out[:, outside], original[:, outside])
    assert (out[:, 36:72, 46:98] == 255).all()
    edge = out[:, 50, 40:46].astype(int) - original[:, 50, 40:46]
    assert (np.diff(edge / np.maximum(255 - original[:, 50, 40:46], 1), axis=1) >= -0.02).all()  # rises inwards


def test_the_region_may_be_of_another_size():
    original = film()
    large = np.stack([cv2.resize(f, (256, 192), interpolation=cv2.INTER_CUBIC) for f in original[:, 30:78, 40:104]])
    out = pasted(large, original, match=0.0, **PLACE)
    assert np.abs(out.astype(int) - original).mean() < 0.6 and np.abs(out.astype(int) - original).max() <= 12


def test_a_face_goes_back_to_where_face_crops_took_it():
    original = film()
    boxes = np.stack([np.array([30.3 + t, 20.7, 94.3 + t, 84.7], np.float32) for t in range(FRAMES)])
    seen = np.array([True] * (FRAMES - 1) + [False])
    crops = np.stack([cut_face(f, b, 256) for f, b in zip(original, boxes, strict=True)])
    out = pasted(crops, original, found={"boxes": boxes, "seen": seen}, match=0.0)
    error = np.abs(out.astype(int) - original)
    assert error.max() <= 6 and error.mean() < 0.3  # sampled twice; half a pixel off would be ten times that
    assert np.array_equal(out[-1], original[-1])


def test_half_a_pixel_off_would_be_seen():
    original = film(1)
    box = (29.8, 20.2, 93.8, 84.2)
    crop = cut_face(original[0], np.array([30.3, 20.7, 94.3, 84.7]), 256)
    weight = box_weight(box, SIZE, 6)
    right = np.abs(paste_region(original[0], crop, box, weight).astype(int) - original[0]).mean()
    wrong = np.abs(
        paste_region(original[0], crop, tuple(v + 0.5 for v in box), weight).astype(int) - original[0]
    ).mean()  # type: ignore[arg-type]
    assert wrong > 4 * right


@pytest.mark.parametrize("box", [(10.0, 20.0, 50.25, 60.75), (-0.5, -0.5, 30.5, 40.5), (9.5, 9.5, 19.5, 19.5)])
def test_a_box_drawn_in_grey_is_read_back(box):
    found = box_of_white(box_mask(box, SIZE))
    assert found is not None and np.abs(np.subtract(found, box)).max() < 0.01  # a grey level is 0.004 px


def test_frames_fill_the_box_around_the_white_of_a_mask():
    original, box = film(), box_of_pixels(40, 30, 64, 48)
    mask = np.repeat(box_mask(box, SIZE)[None], FRAMES, axis=0)
    mask[-1] = 0
    made = np.full((FRAMES, 48, 64, 3), 255, np.uint8)
    out = pasted(made, original, mask, place="mask", feather=0.0, match=0.0)
    assert (out[:-1, 30:78, 40:104] == 255).all() and np.array_equal(out[-1], original[-1])
    assert np.array_equal(out[:, :30], original[:, :30])


def test_a_whole_result_is_seen_through_the_mask_of_one_picture():
    original, made = film(), film(seed=7)
    mask = np.zeros((1, *SIZE[::-1]), np.uint8)
    cv2.circle(mask[0], (80, 60), 40, 255, -1)
    out = pasted(made, original, mask, place="whole", match=0.0)
    assert np.array_equal(out[:, mask[0] == 0], original[:, mask[0] == 0])
    assert np.array_equal(out[:, 50:70, 70:90], made[:, 50:70, 70:90])


def test_colours_are_met_at_the_seam():
    original = film()
    made = np.clip(original[:, 30:78, 40:104] + np.array((18, -12, 6)), 0, 255).astype(np.uint8)
    alone = np.abs(pasted(made, original, match=0.0, **PLACE).astype(int) - original).mean()
    met = np.abs(pasted(made, original, match=1.0, **PLACE).astype(int) - original).mean()
    print(f"\nregion of another light: {alone:.2f} levels off, {met:.2f} met at the seam")
    assert met < 0.1 * alone


def test_the_film_is_read_once_in_order():
    source = Frames(film(12))
    pasted(film(12)[:, 30:78, 40:104], source, **PLACE)
    assert source.opened == 1


@pytest.mark.parametrize(
    ("settings", "original", "mask", "kind", "told"),
    [
        ({**PLACE, "x": 150}, film(), None, UsageError, "outside of the original, which is 160x120"),
        (PLACE, film(3), None, InputError, "only 3: they do not belong together"),
        ({"place": "whole"}, film(), np.zeros((1, 50, 50), np.uint8), InputError, "50x50"),
        ({"place": "whole"}, film(), None, UsageError, "needs the mask"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(settings, original, mask, kind, told):
    with pytest.raises(kind, match=told) as error:
        pasted(film()[:, :48, :64], original, mask, **settings)
    assert "\n" not in str(error.value)
