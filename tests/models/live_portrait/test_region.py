"""The mask that a user gets is where the engine's frames differ from the source's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_faces import FACE_PX, SIZE, face_points, motion_of, picture, track, write_film
from portrait_stubs import StubNetworks

from motion_transfer.core import FACE, Character, CharacterFilm, PoseTrack
from motion_transfer.models.live_portrait.engine import LivePortraitEngine
from motion_transfer.models.live_portrait.expression import Expression
from motion_transfer.models.live_portrait.made_motion import motion_of_faces
from motion_transfer.models.live_portrait.region import pasted_regions
from motion_transfer.models.live_portrait.spec import LivePortraitSettings
from motion_transfer.run.host import LocalHost
from motion_transfer.video import open_video

FRAMES = 9
SETTINGS = LivePortraitSettings(feather=24, crop_factor=1.3)


class WhiteNetworks(StubNetworks):
    """Whatever is made is white, so that it is seen where it goes."""

    def render(self, look, x_s, x_d):
        return np.full((len(x_d), 512, 512, 3), 255, np.uint8)


def still():
    pose = track(1)
    pose.points[0, FACE] = face_points(80, 96, FACE_PX)
    return Character(picture([(80.0, 96.0)]), "0" * 64, pose=PoseTrack(pose.points, pose.scores, SIZE))


def film(folder):
    path = write_film(folder / "source.mp4", FRAMES)
    motion, video = motion_of(path, FRAMES, unseen=(3,)), open_video(path)
    first = next(iter(video.chunks(1))).pixels[0]
    return Character(first, "1" * 64, pose=motion.main.cut(0, 1), film=CharacterFilm(video, motion))


@pytest.mark.parametrize("kind", ["picture", "film"])
def test_the_region_is_where_pixels_are_made(kind, tmp_path):
    character = still() if kind == "picture" else film(tmp_path)
    frames = 1 if kind == "picture" else FRAMES
    motion = motion_of_faces([Expression()] * FRAMES, 25)
    engine = LivePortraitEngine(SETTINGS, LocalHost(device="cpu"), WhiteNetworks())
    made = np.concatenate([c.pixels for c in engine.transfer(character, motion)]).astype(float)
    before = character.pixels[None] if kind == "picture" else next(iter(character.film.frames.chunks(FRAMES))).pixels
    regions = np.stack(list(pasted_regions(character, SETTINGS, frames))).astype(float) / 255
    assert len(regions) == frames and regions.max() == 1 and 0.1 < (regions > 0).mean() < 0.7
    wanted = before + regions[..., None] * (255 - before.astype(float))
    assert np.abs(made[:frames] - wanted).max() <= 2  # two roundings
