"""Every finisher goes on in the middle with the very pixels of an unbroken run, and after others in one chain too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from motion_transfer.core import Character, FrameChunk, Timeline, VideoInfo
from motion_transfer.finishing.chain import Chain
from motion_transfer.finishing.face_align import TEMPLATE_PX
from motion_transfer.finishing.finisher import Clip, Finisher
from motion_transfer.finishing.match_colour import MatchColour, MatchColourSettings
from motion_transfer.finishing.paste_back import PasteBack, PasteBackSettings
from motion_transfer.finishing.restore_faces import RESTORER, RestoreFaces, RestoreFacesSettings
from motion_transfer.finishing.settle_flicker import SettleFlicker, SettleFlickerSettings
from motion_transfer.run.host import LocalHost

SIZE, FRAMES, CUT = (96, 64), 27, 15


class Brighter:
    def restore(self, crop: np.ndarray, host: object) -> np.ndarray:
        return np.clip(crop.astype(np.float32) * 1.1 + 5, 0, 255)


class Lending(LocalHost):
    def lend(self, what: str) -> object:
        return Brighter() if what == RESTORER else None


class Film:
    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.info = VideoInfo(SIZE[0], SIZE[1], Fraction(24), len(pixels), Fraction(1, 24))

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        for k in range(start, len(self.pixels), length):
            yield FrameChunk(self.pixels[k : k + length], k)


def film() -> Film:
    rng = np.random.default_rng(0)
    views = [cv2.resize(rng.integers(60, 190, (8, 12, 3), dtype=np.uint8), SIZE, interpolation=cv2.INTER_CUBIC) for _ in range(2)]  # fmt: skip
    light = 1 + rng.uniform(-0.05, 0.05, FRAMES)
    frames = [np.roll(views[t >= CUT], t, axis=1) * light[t] + rng.normal(0, 2, (*SIZE[::-1], 3)) for t in range(FRAMES)]  # fmt: skip
    return Film(np.clip(frames, 0, 255).astype(np.uint8))


def survey_of(finisher: Finisher, chain: Chain) -> dict[str, np.ndarray]:
    if isinstance(finisher, RestoreFaces):  # no detector finds a face in noise
        points = np.repeat((TEMPLATE_PX * 0.1 + (22, 6))[None], FRAMES, axis=0)
        return {"points": points[None].astype(np.float32), "seen": np.ones((1, FRAMES), bool)}
    return dict(finisher.survey(chain.clip, chain.frames_to_survey())) if finisher.needs_survey else {}


HOST = Lending(device="cpu")
MAKERS: dict[str, list[Callable[[], Finisher]]] = {
    "light": [lambda: SettleFlicker(SettleFlickerSettings(), HOST)],
    "light and texture": [lambda: SettleFlicker(SettleFlickerSettings(texture=0.5), HOST)],
    "colours": [lambda: MatchColour(MatchColourSettings(to="character"), HOST)],
    "faces": [lambda: RestoreFaces(RestoreFacesSettings(), HOST)],
    "region": [lambda: PasteBack(PasteBackSettings(place="box", x=10, y=8, width=60, height=40), HOST)],
}
MAKERS["all of them"] = [MAKERS[name][0] for name in ("region", "light and texture", "faces", "colours")]


def results(makers: list[Callable[[], Finisher]], start: int) -> np.ndarray:
    source = film()
    picture = Character(film().pixels[3], "0" * 64)
    clip = Clip(SIZE, Timeline.constant(FRAMES, Fraction(24)), (CUT,), picture, Film(255 - source.pixels))
    chain = Chain(clip, lambda first: source.chunks(8, first))
    for make in makers:
        finisher = make()
        chain.add(finisher, survey_of(finisher, chain))
    return np.concatenate([chunk.pixels for chunk in chain.results(start, 12)])


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_run_that_goes_on_gives_the_pixels_of_one_that_never_broke(name):
    whole = results(MAKERS[name], 0)
    assert len(whole) == FRAMES and not np.array_equal(whole, film().pixels)
    assert np.array_equal(results(MAKERS[name], 12), whole[12:])
