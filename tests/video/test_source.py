"""Reading: chunks equal a straight decode from wherever they start; parts are chosen by time; bad files are told."""

from __future__ import annotations

from fractions import Fraction as F

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_transfer.core import InputError, Timeline, UnreadableVideo, VideoSource
from motion_transfer.video import FrameList, check_audio_fits, file_sha256, open_video

LONG = 60


def read(video, length=16, start=0):
    chunks = list(video.chunks(length, start))
    return np.concatenate([c.pixels for c in chunks]), np.concatenate([c.pts for c in chunks]), chunks


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory, clips):
    """The same frames in codecs that store them in other orders; several key frames each."""
    folder = tmp_path_factory.mktemp("long")
    frames = clips.pictures(LONG)
    made = {}
    for name, codec, options, kind in [
        ("b-frames", "libx264", {"g": "10", "bf": "3", "x264-params": "b-pyramid=normal"}, ".mp4"),
        ("open gop", "libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}, ".mp4"),
        ("open gop mkv", "libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}, ".mkv"),
        ("hevc", "libx265", {"g": "10", "x265-params": "log-level=none:bframes=3:open-gop=1"}, ".mp4"),
        ("vp9", "libvpx-vp9", {"g": "10", "auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "8"}, ".webm"),
        ("vp8", "libvpx", {"g": "10", "auto-alt-ref": "1", "lag-in-frames": "12"}, ".webm"),
        ("mpeg4 avi", "mpeg4", {"g": "10"}, ".avi"),
        ("mjpeg", "mjpeg", {}, ".mov"),
        ("gif", "gif", {}, ".gif"),
    ]:
        pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
        base = F(1, 100) if codec == "gif" else F(1, 30)
        stamps = [4 * i for i in range(LONG)] if codec == "gif" else list(range(LONG))
        made[name] = clips.write_clip(
            folder / f"{name}{kind}", stamps, base, F(25) if codec == "gif" else F(30), codec=codec,
            pix_fmt=pix_fmt, frames=frames, options=options,
        )  # fmt: skip
    return made


NAMES = ["b-frames", "open gop", "open gop mkv", "hevc", "vp9", "vp8", "mpeg4 avi", "mjpeg", "gif"]


@pytest.mark.parametrize("name", NAMES)
def test_starting_anywhere_gives_the_frames_of_a_straight_decode(name, long_clips, clips):
    path = long_clips[name]
    pixels, pts, _ = read(open_video(path))
    witness = clips.decoded(path)
    assert len(pixels) == len(witness) == LONG
    assert [int(p) * open_video(path).info.time_base for p in pts] == [t for t, _ in witness] or "avi" in name
    for start in (1, 9, 10, 11, 29, 37, 59):
        late, late_pts, chunks = read(open_video(path), 7, start)
        assert chunks[0].start == start
        assert (late == pixels[start:]).all() and (late_pts == pts[start:]).all()
    assert open_video(path).timeline().pts.tolist() == pts.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_part_holds_the_frames_shown_in_it(name, long_clips):
    path = long_clips[name]
    pixels, pts, _ = read(open_video(path))
    base = open_video(path).info.time_base
    for start, stop in [(0.5, None), (0.0, 1.0), (0.4, 1.2), (1.9, None), (0.34, 0.35)]:
        shown = [i for i, p in enumerate(pts) if (int(p) * base + F(1, 2000) >= F(str(start)))
                 and (stop is None or int(p) * base < F(str(stop)) - F(1, 2000))]  # fmt: skip
        if not shown:
            with pytest.raises(InputError, match="there is no frame from"):
                open_video(path, start_seconds=start, stop_seconds=stop)
            continue
        video = open_video(path, start_seconds=start, stop_seconds=stop)
        part, part_pts, _ = read(video, 5)
        assert (part == pixels[shown]).all()
        zero = pts[shown[0]] if start else 0
        assert (part_pts == pts[shown] - zero).all()
        assert video.timeline().pts.tolist() == part_pts.tolist()
        assert video.shift_seconds == int(zero) * base
        if len(shown) > 12:
            assert (
                read(open_video(path, start_seconds=start, stop_seconds=stop), 5, 11)[0] == pixels[shown[11:]]
            ).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(1, 70), start=st.integers(0, 65))
def test_chunks_cover_the_rest_once(length, start, long_clips):
    chunks = list(open_video(long_clips["b-frames"]).chunks(length, start))
    assert [c.start for c in chunks] == list(range(start, LONG, length))
    assert sum(c.num_frames for c in chunks) == max(0, LONG - start)
    assert all(c.num_frames == length for c in chunks[:-1])


def test_it_is_a_video_source_that_can_be_read_twice(long_clips):
    video = open_video(long_clips["b-frames"])
    source: VideoSource = video
    assert source.info.num_frames == LONG and source.info.rate == 30
    assert (read(video)[0] == read(video)[0]).all()


def test_memory_holds_a_chunk_not_the_clip(long_clips):
    first = None
    for chunk in open_video(long_clips["b-frames"]).chunks(8):
        assert chunk.pixels.base is None or chunk.pixels.base.shape[0] == 8
        first = chunk if first is None else first
    assert first is not None and first.pixels[0].sum() > 0  # earlier chunks are not written over


def test_an_edit_list_that_hides_the_beginning_is_obeyed(tmp_path, clips):
    """Phones and cutters hide frames behind an edit list: they are in the file and not in the film."""
    whole = clips.write_clip(tmp_path / "whole.mp4", list(range(30)), F(1, 30), F(30), options={"g": "30", "bf": "0"})
    cut = tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w", options={"avoid_negative_ts": "disabled"}) as out:
        stream = out.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts -= 10 * 512
                packet.dts -= 10 * 512
                packet.stream = stream
                out.mux(packet)
    witness = clips.decoded(cut)
    pixels, pts, _ = read(open_video(cut))
    assert len(witness) == 20
    assert len(pixels) == 20 == open_video(cut).timeline().num_frames
    assert open_video(cut).info.num_frames in (20, None)  # PyAV before 18 does not show what is hidden
    assert [int(p) * F(1, 15360) for p in pts] == [t for t, _ in witness]
    whole_pixels = read(open_video(whole))[0]
    assert (pixels == whole_pixels[10:]).all()
    assert (read(open_video(cut), 4, 7)[0] == pixels[7:]).all()


@pytest.mark.parametrize(
    ("rate", "kind"),
    [(F(30000, 1001), ".mkv"), (F(24000, 1001), ".mkv"), (F(25), ".webm"), (F(60000, 1001), ".mp4"), (F(25, 2), ".mp4"),
     (F(120), ".mkv"), (F(30), ".avi")],
)  # fmt: skip
def test_the_rate_is_a_fraction_not_a_rounded_float(rate, kind, tmp_path, clips):
    codec = "libvpx-vp9" if kind == ".webm" else "mpeg4" if kind == ".avi" else "libx264"
    path = clips.write_clip(tmp_path / f"r{kind}", list(range(40)), 1 / rate, rate, codec=codec)
    info = open_video(path).info
    assert info.rate == rate and info.timestamps == "constant"


def test_uneven_frame_times_are_told(tmp_path, clips):
    path = clips.write_clip(tmp_path / "v.mp4", [0, 1, 2, 5, 6, 11], F(1, 30), F(30))
    assert open_video(path).info.timestamps == "variable"


# Bad input: one clear line each.


def bad_files(folder, clips):
    good = clips.write_clip(folder / "good.mp4", list(range(LONG)), F(1, 30), F(30))
    data = good.read_bytes()
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("This is not a video.\n" * 50)
    (folder / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(5000))
    (folder / "index missing.mp4").write_bytes(data[: len(data) * 2 // 3])
    (folder / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (folder / "concat.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    (folder / "folder.mp4").mkdir()
    from PIL import Image

    picture = Image.fromarray(clips.pictures(1)[0])
    for kind in ("png", "jpeg", "webp", "bmp", "tiff", "gif"):
        picture.save(folder / f"{kind}.mp4", format=kind)
    with av.open(str(folder / "sound.mp4"), "w") as out:
        track = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return {
        "missing.mp4": "no such file",
        "empty.mp4": "empty",
        "text.mp4": "text, not a video",
        "noise.mp4": "not a video",
        "index missing.mp4": "index is missing",
        "playlist.mp4": "text, not a video",
        "concat.mp4": "text, not a video",
        "folder.mp4": "folder",
        "png.mp4": "still picture (PNG)",
        "jpeg.mp4": "still picture (JPEG)",
        "webp.mp4": "still picture (WebP)",
        "bmp.mp4": "still picture (BMP)",
        "tiff.mp4": "still picture (TIFF)",
        "gif.mp4": "still picture",
        "sound.mp4": "sound but no picture",
    }


def test_what_cannot_be_a_driving_video_is_said_in_one_line(tmp_path, clips):
    for name, words in bad_files(tmp_path, clips).items():
        with pytest.raises(UnreadableVideo) as error:
            open_video(tmp_path / name)
        line = str(error.value)
        assert words in line and name in line and "\n" not in line, (name, line)


def truncated(clips, folder, kind, share):
    """A clip with its index in front, cut off after `share` of its bytes."""
    whole = folder / f"whole{kind}"
    frames = np.random.default_rng(5).integers(0, 256, (LONG, 48, 64, 3), np.uint8)  # every frame has some bytes
    clips.write_clip(
        whole, list(range(LONG)), F(1, 30), F(30), frames=frames, codec="libvpx-vp9" if kind == ".webm" else "libx264",
        options={"g": "10"}, container_options={"movflags": "+faststart"} if kind in (".mp4", ".mov") else None,
    )  # fmt: skip
    part = folder / f"part{kind}"
    part.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    return whole, part


@pytest.mark.parametrize("kind", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_cut_off_file_gives_what_it_holds_and_then_tells(kind, tmp_path, clips):
    whole, part = truncated(clips, tmp_path, kind, 0.6)
    good = read(open_video(whole))[0]
    delivered = []
    with pytest.raises(UnreadableVideo, match=r"damaged after frame \d+ \(.* s; .*Get the file again") as error:
        for chunk in open_video(part).chunks(7):
            delivered.append(chunk.pixels)
    pixels = np.concatenate(delivered)
    assert 15 < len(pixels) < LONG
    assert (pixels == good[: len(pixels)]).all(), "no frame made from half its data"
    assert f"after frame {len(pixels) - 1} " in str(error.value)


@pytest.mark.parametrize("kind", [".mp4", ".mkv"])
def test_the_good_part_of_a_cut_off_file_can_be_used_as_the_message_says(kind, tmp_path, clips):
    _, part = truncated(clips, tmp_path, kind, 0.6)
    with pytest.raises(UnreadableVideo) as error:
        read(open_video(part))
    stop = float(str(error.value).split("stop at ")[1].split(" s")[0])
    pixels, _, _ = read(open_video(part, stop_seconds=stop))
    assert len(pixels) > 15


def test_a_part_outside_the_clip_says_how_long_it_is(tmp_path, clips):
    path = clips.write_clip(tmp_path / "c.mp4", list(range(30)), F(1, 30), F(30))
    with pytest.raises(InputError, match=r"there is no frame from 7 s to 9 s; the clip ends at 1\.00 s"):
        open_video(path, start_seconds=7, stop_seconds=9)


def test_a_cover_picture_is_no_video(tmp_path, clips):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(clips.pictures(1)[0]).save(buffer, "PNG")
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        track = out.add_stream("aac", rate=48000)
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "rgb24"
        cover.disposition = 0x400
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        out.mux(cover.encode(av.VideoFrame.from_ndarray(clips.pictures(1)[0], "rgb24")))
        out.mux(cover.encode(None))
        out.mux(track.encode(frame))
        out.mux(track.encode(None))
    with pytest.raises(UnreadableVideo, match="sound but no picture"):
        open_video(path)


def test_frames_in_memory_are_a_source_too(clips):
    pixels = clips.pictures(7)
    source = FrameList(pixels, F(30000, 1001))
    assert source.info.num_frames == 7 and source.info.rate == F(30000, 1001)
    chunks = list(source.chunks(3, 2))
    assert [(c.start, c.num_frames) for c in chunks] == [(2, 3), (5, 2)]
    assert (np.concatenate([c.pixels for c in chunks]) == pixels[2:]).all()
    timeline = Timeline(np.array([0, 5, 6], np.int64), F(1, 30), F(30))
    assert FrameList(pixels[:3], timeline).info.timestamps == "variable"
    assert next(FrameList(pixels[:3], timeline).chunks(9)).pts.tolist() == [0, 5, 6]
    with pytest.raises(ValueError, match="time stamps"):
        FrameList(pixels, timeline)


def test_sha256_is_the_usual_one(tmp_path):
    import hashlib

    data = np.random.default_rng(0).bytes(3 * 1024 * 1024 + 17)
    (tmp_path / "f").write_bytes(data)
    assert file_sha256(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_sound_that_does_not_fit_is_told_before_any_time_is_spent(tmp_path, clips):
    from motion_transfer.core import UsageError

    path = clips.write_clip(tmp_path / "c.mp4", [0, 1], F(1, 25), F(25), sounds=(clips.Sound("aac", 0.2),))
    for name in ("o.mp4", "o.mov", "o.mkv"):
        check_audio_fits(path, tmp_path / name)
    with pytest.raises(UsageError, match=r"\.webm cannot hold sound track 1 of c\.mp4 \(aac\); \.mp4 or .*can"):
        check_audio_fits(path, tmp_path / "o.webm")
