"""A motion drawn as a video: every style, the clip's time stamps, everybody or one, at any size."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motion_transfer.cli.main import main
from motion_transfer.core import Motion, PoseTrack, SourceFile, Timeline, UsageError
from motion_transfer.pose.draw import draw_motion, resize_short_side
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.pose_video import check_pose_video, draw_pose_video, write_pose_video
from motion_transfer.video import open_video

SIZE = (161, 121)  # odd on purpose


class Quiet:
    def step(self, done, total, stage, preview=None):
        assert 0 < done <= total and preview.shape[2] == 3


@pytest.fixture(scope="module")
def motion():
    with np.load(Path(__file__).parents[1] / "pose" / "data" / "draw_keypoints.npz") as stored:
        frames = stored["adult"][:5]
    scale = np.float32([SIZE[0] / 832, SIZE[1] / 480])
    points, scores = frames[..., :2] * scale, np.clip(frames[..., 2], 0, 1)
    other = PoseTrack(points + np.float32([30, 0]), scores.copy(), SIZE)
    stamps = Timeline(np.array([0, 1, 3, 4, 6]), Fraction(1, 24), Fraction(24))
    return Motion((PoseTrack(points, scores, SIZE), other), stamps, SourceFile("x.mp4", "0" * 64), "test-1")


def frames_of(path):
    source = open_video(path)
    chunks = list(source.chunks(100))
    return np.concatenate([c.pixels for c in chunks]), np.concatenate([c.pts for c in chunks]), source.info


@pytest.mark.parametrize("style", ["wan", "openpose", "mimicmotion"])
def test_a_lossless_pose_video_holds_the_drawings_at_the_clips_time_stamps(motion, tmp_path, style):
    path = tmp_path / "pose.mkv"
    draw_pose_video(motion, style, path, Quiet())
    pixels, pts, info = frames_of(path)
    for k in range(5):
        assert np.array_equal(pixels[k], draw_motion(motion, k, SIZE, style)[:120, :160])
    seconds = [float(p * info.time_base) * 24 for p in pts]
    assert np.allclose(np.array(seconds) - seconds[0], [0, 1, 3, 4, 6], atol=0.03)  # Matroska counts milliseconds
    assert [p.name for p in tmp_path.iterdir()] == ["pose.mkv"]


def test_the_main_person_alone_resized_is_another_file(motion, tmp_path):
    everyone = write_pose_video(motion, "openpose", tmp_path, Quiet())
    alone = write_pose_video(motion, "openpose", tmp_path, Quiet(), short_side=60, everyone=False)
    assert everyone != alone and write_pose_video(motion, "openpose", tmp_path, Quiet()) == everyone
    pixels, _, info = frames_of(alone)
    assert (info.width, info.height) == (80, 60)
    expected = resize_short_side(draw_motion(motion, 2, SIZE, "openpose", everyone=False), 60)
    assert np.array_equal(pixels[2], expected[:60, :80])


def test_unknown_styles_and_suffixes_are_said_before_any_work(tmp_path):
    with pytest.raises(UsageError, match="mimicmotion, sdpose"):
        check_pose_video(tmp_path / "a.mkv", "stick")
    with pytest.raises(UsageError, match="GIF"):
        check_pose_video(tmp_path / "a.gif", "wan")


def test_the_command_line_draws_a_pose_video(motion, tmp_path, capsys):
    save_motion(motion, tmp_path / "x.motion")
    words = ["extract", str(tmp_path / "x.motion"), "--pose-video", str(tmp_path / "p.mkv"), "--quiet"]
    assert main([*words, "--style", "one-to-all", "--work-dir", str(tmp_path / "w")]) == 0
    assert frames_of(tmp_path / "p.mkv")[0].any()
    assert not (tmp_path / "p.motion").exists()
    assert main(["extract", str(tmp_path / "x.motion"), "--style", "wan"]) == 2
    assert "--pose-video" in capsys.readouterr().err
