"""Faces are restored where they lie, hold still where they hold still, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from motion_transfer.core import FrameChunk, NoPersonFound, Timeline
from motion_transfer.finishing.face_align import TEMPLATE_PX, aligned_square, face_mask, five_points, take
from motion_transfer.finishing.face_restorers import FaceRestorer
from motion_transfer.finishing.face_survey import presence
from motion_transfer.finishing.finisher import Clip
from motion_transfer.finishing.restore_faces import RESTORER, RestoreFaces, RestoreFacesSettings
from motion_transfer.run.host import LocalHost

SIZE = (320, 240)
FRAMES = 12
PLACE = (165.0, 118.0, 0.35, 8.0)  # centre, px of the frame per px of the template, degrees


class Sharpener(torch.nn.Module):
    """Called as the true networks are: -1..1 in, a tuple of -1..1 out. It sharpens, so it multiplies noise, and bends
    colours, and invents a pattern out of what it sees, as restorers do."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float]] = []

    def forward(self, x: torch.Tensor, **words: object) -> tuple[torch.Tensor, None]:
        self.seen.append((float(x.min()), float(x.max())))
        fine = torch.nn.functional.avg_pool2d(x, 4)
        coarse = torch.nn.functional.avg_pool2d(fine, 9, stride=1, padding=4, count_include_pad=False)
        made = fine + 3 * (fine - coarse) + 0.05 * torch.sin(60 * fine) + 0.1
        return torch.nn.functional.interpolate(made, scale_factor=4.0), None


class Lending(LocalHost):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__(device="cpu")
        self._restorer = FaceRestorer(network, "RestoreFormer", dtype="fp32")

    def lend(self, what: str) -> object:
        return self._restorer if what == RESTORER else None


def scene(seed: int = 0) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(40, 215, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(rough, SIZE, interpolation=cv2.INTER_CUBIC)


def on_frame(points: np.ndarray, x: float, y: float, scale: float, degrees: float) -> np.ndarray:
    turn = np.exp(1j * np.radians(degrees)) * scale
    at = (points @ (1, 1j) - (256 + 256j)) * turn + complex(x, y)
    return np.stack([at.real, at.imag], axis=1)


def noisy_clip(sigma: float = 6.0, frames: int = FRAMES) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.stack([np.clip(scene() + rng.normal(0, sigma, (SIZE[1], SIZE[0], 3)), 0, 255).astype(np.uint8) for _ in range(frames)])  # fmt: skip


def survey_of(frames: int = FRAMES, jitter_px: float = 0.4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    points = on_frame(TEMPLATE_PX, *PLACE)[None] + rng.normal(0, jitter_px, (frames, 5, 2))
    return {"points": points[None].astype(np.float32), "seen": np.ones((1, frames), bool)}


def clip_of(frames: int = FRAMES, cuts: tuple[int, ...] = ()) -> Clip:
    return Clip(SIZE, Timeline.constant(frames, Fraction(25)), cuts)


def restored(pixels: np.ndarray, found=None, clip: Clip | None = None, **settings: object) -> np.ndarray:
    clip = clip or clip_of(len(pixels))
    finisher = RestoreFaces(RestoreFacesSettings(**settings), Lending(Sharpener()))  # type: ignore[arg-type]
    finisher.begin(clip, found or survey_of(len(pixels)))
    return in_groups(finisher, pixels, clip)


def in_groups(finisher: RestoreFaces, pixels: np.ndarray, clip: Clip) -> np.ndarray:
    out = []
    for start in range(0, clip.num_frames, finisher.group):
        stop = min(start + finisher.group, clip.num_frames)
        low, high = finisher.span(start, stop)
        low, high = max(0, low), min(high, clip.num_frames)
        out.append(finisher.finish(FrameChunk(pixels[low:high], low), start, stop).pixels)
    return np.concatenate(out)


def steps(pixels: np.ndarray, where: np.ndarray) -> float:
    """Root mean square of what changes from frame to frame, in levels, where the mask is."""
    return float(np.sqrt(np.square(np.diff(pixels.astype(np.float64), axis=0))[:, where].mean()))


def face_area() -> np.ndarray:
    """bool [H,W]: the inner face, where the mask is whole."""
    matrix = aligned_square(on_frame(TEMPLATE_PX, *PLACE)[None]).matrices()[0]
    whole = cv2.warpAffine(face_mask(), np.linalg.inv(matrix)[:2], SIZE)
    return whole == 255


def test_points_of_the_template_give_the_template():
    square = aligned_square(TEMPLATE_PX[None])
    assert np.allclose(square.matrices()[0], np.eye(3), atol=1e-9)


@pytest.mark.parametrize("place", [PLACE, (40.0, 200.0, 2.5, -70.0), (160.0, 120.0, 0.1, 175.0)])
def test_a_face_anywhere_is_led_to_the_template(place):
    points = on_frame(TEMPLATE_PX, *place)
    matrix = aligned_square(points[None]).matrices()[0]
    assert np.allclose((matrix @ np.column_stack([points, np.ones(5)]).T)[:2].T, TEMPLATE_PX, atol=1e-6)


def test_five_points_are_eyes_nose_and_mouth():
    face = np.zeros((1, 68, 2))
    face[0, 36:42], face[0, 42:48], face[0, 30], face[0, 48], face[0, 54] = (1, 2), (3, 4), (5, 6), (7, 8), (9, 10)
    assert five_points(face)[0].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]


def test_a_large_face_is_averaged_down_not_skipped():
    checks = np.indices((2048, 2048)).sum(0) % 2 * 255
    frame = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    matrix = np.diag([0.25, 0.25, 1.0])
    assert np.abs(take(frame, matrix)[64:-64, 64:-64].astype(int) - 127).max() <= 2


def test_networks_see_minus_one_to_one_and_give_it_back():
    network = Sharpener()
    black_and_white = np.zeros((512, 512, 3), np.uint8)
    black_and_white[:, 256:] = 255
    FaceRestorer(network, "GFPGAN", dtype="fp32").restore(black_and_white, LocalHost(device="cpu"))
    assert network.seen == [(-1.0, 1.0)]

    class Same(torch.nn.Module):
        def forward(self, x: torch.Tensor, **words: object) -> tuple[torch.Tensor, dict[str, object]]:
            return x, words

    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    out = FaceRestorer(Same(), "RestoreFormer", dtype="fp32").restore(picture, LocalHost(device="cpu"))
    assert np.abs(out - picture).max() < 1e-3  # levels, of fp32's rounding


def test_gfpgan_is_never_asked_for_fresh_noise():
    asked = {}

    class Asked(torch.nn.Module):
        def forward(self, x: torch.Tensor, **words: object) -> tuple[torch.Tensor, None]:
            asked.update(words)
            return x, None

    crop = np.zeros((512, 512, 3), np.uint8)
    FaceRestorer(Asked(), "GFPGAN").restore(crop, LocalHost(device="cpu"))
    assert asked == {"randomize_noise": False}
    asked.clear()
    FaceRestorer(Asked(), "CodeFormer", fidelity=0.7).restore(crop, LocalHost(device="cpu"))
    assert asked == {"weight": 0.7}


def test_a_still_face_does_not_flicker_more_than_before_and_much_less_than_frame_by_frame():
    pixels, inner = noisy_clip(), face_area()
    before = steps(pixels, inner)
    alone = steps(restored(pixels, steadiness=0.0, strength=1.0), inner)
    steady = steps(restored(pixels, strength=1.0), inner)
    assert alone > 1.2 * before  # the stand-in does what has to be cured
    assert steady <= before
    print(f"\nframe-to-frame difference on a still face: {before:.2f} before, {alone:.2f} frame by frame, {steady:.2f} steadied")  # fmt: skip
    default = steps(restored(pixels), inner)
    assert default <= before


def test_pixels_outside_of_the_mask_keep_their_values():
    pixels = noisy_clip(frames=6)
    out = restored(pixels, strength=1.0)
    square = aligned_square(on_frame(TEMPLATE_PX, *PLACE)[None])
    corners = face_mask() > 0
    reached = cv2.warpAffine(corners.astype(np.uint8) * 255, np.linalg.inv(square.matrices()[0])[:2], SIZE)
    outside = cv2.dilate(reached, np.ones((9, 9), np.uint8)) == 0  # the followed square strays by a pixel or two
    assert 0.2 < outside.mean() < 0.9
    assert np.array_equal(out[:, outside], pixels[:, outside])
    assert np.abs(out[:, face_area()].astype(int) - pixels[:, face_area()]).mean() > 2


def test_strength_nothing_changes_nothing():
    pixels = noisy_clip(frames=5)
    assert np.array_equal(restored(pixels, strength=0.0), pixels)


def test_light_and_colours_stay_those_of_the_frame():
    pixels, inner = noisy_clip(sigma=0.0, frames=5), face_area()
    kept = restored(pixels, strength=1.0)[:, inner].mean((0, 1)) - pixels[:, inner].mean((0, 1))
    bent = restored(pixels, strength=1.0, keep_light=False)[:, inner].mean((0, 1)) - pixels[:, inner].mean((0, 1))
    assert np.abs(kept).max() < 1  # a level
    assert np.abs(bent).min() > 8  # the stand-in adds 0.1 of 2, 12.75 levels


def test_groups_of_any_start_give_the_same_pixels():
    pixels, clip = noisy_clip(), clip_of()
    whole = restored(pixels)
    finisher = RestoreFaces(RestoreFacesSettings(), Lending(Sharpener()))  # a fresh one, as after a crash
    finisher.begin(clip, survey_of())
    low, _ = finisher.span(8, 12)
    assert (low, finisher.before) == (6, 2)
    again = finisher.finish(FrameChunk(pixels[low:], low), 8, 12).pixels
    assert np.array_equal(again, whole[8:12])


def test_nothing_is_mixed_across_a_cut():
    pixels = noisy_clip(sigma=2.0, frames=8)
    pixels[4:] = 255 - pixels[4:]
    both = restored(pixels, clip=clip_of(8, (4,)))
    found = survey_of(8)
    first = {name: values[:, :4] for name, values in found.items()}
    assert np.array_equal(both[:4], restored(pixels[:4], first, clip_of(4)))


def test_a_short_gap_is_bridged_and_a_long_one_fades():
    seen = np.ones(80, bool)
    seen[10:16] = False
    seen[30:60] = False
    there = presence(seen, 25.0)
    assert (there[:26] == 1).all()
    assert (there[30:60] == 0).all() and 0 < there[29] < there[27] < 1 and 0 < there[60] < there[62] < 1
    assert presence(seen, 25.0, cuts=(60,))[60] == 1


def test_frames_without_a_face_are_left_alone():
    pixels, found = noisy_clip(frames=40), survey_of(40)
    found["seen"][:, 12:] = False
    out = restored(pixels, found, clip_of(40))
    assert np.array_equal(out[12:], pixels[12:]) and not np.array_equal(out[:12], pixels[:12])


def test_a_clip_without_a_face_is_told_in_one_line():
    finisher = RestoreFaces(RestoreFacesSettings(), Lending(Sharpener()))
    nobody = {"points": np.zeros((0, 5, 5, 2), np.float32), "seen": np.zeros((0, 5), bool)}
    with pytest.raises(NoPersonFound, match="No face was found in the 5 frames of 320x240") as told:
        finisher.begin(clip_of(5), nobody)
    assert "\n" not in str(told.value)


def test_a_restored_frame_keeps_its_alpha():
    pixels = noisy_clip(frames=3)
    finisher = RestoreFaces(RestoreFacesSettings(), Lending(Sharpener()))
    finisher.begin(clip_of(3), survey_of(3))
    alpha = np.full(pixels.shape[:3], 77, np.uint8)
    assert (finisher.finish(FrameChunk(pixels, 0, alpha=alpha), 0, 3).alpha == 77).all()


def test_given_frames_are_not_written_to():
    pixels = noisy_clip(frames=3)
    kept = pixels.copy()
    restored(pixels)
    assert np.array_equal(pixels, kept)


def test_the_settings_are_told_what_they_are_for():
    shown = SimpleNamespace(**{o.name: o for o in RestoreFacesSettings.options()})
    assert "NON-COMMERCIAL" in shown.model.help
    assert replace(RestoreFacesSettings(), strength=0.3).strength == 0.3
