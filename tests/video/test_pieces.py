"""Pieces and joining: the same frames give the same bytes, trims keep sound and picture together, and no failure
leaves a half-written file behind."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import textwrap
from fractions import Fraction as F
from pathlib import Path

import av
import numpy as np
import pytest

from motion_transfer.core import QUALITIES, CannotWrite, FrameChunk, InputError, Timeline, UsageError
from motion_transfer.video import (
    PieceWriter,
    check_audio_fits,
    check_place,
    encode_chunk,
    join_chunks,
    open_video,
    output_format,
)

ALL_FORMATS = [
    (f"o{suffix}", quality)
    for suffix in (".mp4", ".mov", ".mkv", ".webm")
    for quality in QUALITIES
    if (suffix, quality) not in {(".mp4", "alpha"), (".webm", "lossless")}
]


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def make_pieces(folder, pixels, fmt, sizes, rate=F(25)):
    paths, start = [], 0
    for size in sizes:
        path = folder / f"piece{start}{fmt.piece_suffix}"
        encode_chunk(FrameChunk(pixels[start : start + size], start), path, fmt, rate)
        paths.append(path)
        start += size
    return paths


@pytest.mark.parametrize(("name", "quality"), ALL_FORMATS)
def test_the_same_frames_give_the_same_bytes(name, quality, tmp_path, clips):
    pixels = clips.pictures(9)
    fmt = output_format(name, quality)
    found = []
    for run in ("a", "b"):
        folder = tmp_path / run
        folder.mkdir()
        pieces = make_pieces(folder, pixels, fmt, (4, 4, 1))
        join_chunks(pieces, folder / name, timeline=Timeline.constant(9, F(25)), fmt=fmt, metadata={"comment": "x"})
        found.append([digest(p) for p in (*pieces, folder / name)])
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "quality"), ALL_FORMATS)
def test_a_piece_needs_nothing_outside_itself(name, quality, tmp_path, clips):
    pixels = clips.pictures(8)
    fmt = output_format(name, quality)
    pieces = make_pieces(tmp_path, pixels, fmt, (4, 4))
    alone = [next(open_video(p).chunks(4)).pixels for p in pieces]
    for path in pieces:
        with av.open(str(path)) as container:
            packets = [p for p in container.demux(video=0) if p.size]
        assert packets[0].is_keyframe and len(packets) == 4
        assert [p.pts for p in packets] == sorted(p.pts for p in packets)
    join_chunks(pieces, tmp_path / name, timeline=Timeline.constant(8, F(25)), fmt=fmt)
    # Joined, every frame is what it was in its piece.
    assert (next(open_video(tmp_path / name).chunks(8)).pixels == np.concatenate(alone)).all()


def test_a_writer_taking_one_frame_at_a_time_makes_the_same_piece(tmp_path, clips):
    pixels, fmt = clips.pictures(9), output_format("o.mp4", "high")
    encode_chunk(FrameChunk(pixels, 0), tmp_path / "a.mkv", fmt, F(25))
    with PieceWriter(tmp_path / "b.mkv", fmt, F(25)) as piece:
        for frame in pixels:
            piece.add(frame)
            assert not (tmp_path / "b.mkv").exists()
    assert piece.num_frames == 9
    assert digest(tmp_path / "a.mkv") == digest(tmp_path / "b.mkv")
    floats = FrameChunk(pixels.astype(np.float32) / 255, 0)
    encode_chunk(floats, tmp_path / "c.mkv", fmt, F(25))
    assert digest(tmp_path / "a.mkv") == digest(tmp_path / "c.mkv")


def test_quality_orders_size_and_error(tmp_path, clips):
    pixels = clips.pictures(20, 160, 96)
    pixels = np.clip(pixels + np.random.default_rng(2).normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
    found = []
    for quality in ("lossless", "high", "medium", "low"):
        fmt = output_format("o.mp4", quality)
        encode_chunk(FrameChunk(pixels, 0), tmp_path / "p.mkv", fmt, F(25))
        shown = next(open_video(tmp_path / "p.mkv").chunks(20)).pixels
        found.append(((tmp_path / "p.mkv").stat().st_size, np.abs(shown.astype(int) - pixels).mean()))
    sizes, errors = zip(*found, strict=True)
    assert sorted(sizes, reverse=True) == list(sizes) and sorted(errors) == list(errors) and errors[0] == 0


@pytest.mark.parametrize(
    ("name", "quality", "words"),
    [
        ("o.gif", "high", r"'.gif' files are not written; a GIF holds 256 colours.*works with .mp4"),
        ("o.avi", "lossless", r"works with .mp4, .m4v, .mov, .mkv\."),
        ("o", "high", "no suffix"),
        ("o.mp4", "alpha", r".mp4 cannot hold quality 'alpha'; .mov, .mkv, .webm can"),
        ("o.webm", "lossless", r".webm cannot hold quality 'lossless'; .mp4, .m4v, .mov, .mkv can"),
        ("o.mp4", "best", "there are high, medium, low, lossless, alpha"),
    ],
)
def test_a_format_that_cannot_be_names_those_that_can(name, quality, words):
    with pytest.raises(UsageError, match=words):
        output_format(name, quality)


def test_formats_differ_in_their_key_when_their_bytes_would():
    keys = [output_format(name, quality).key for name, quality in (("o.mp4", q) for q in ("high", "medium", "low"))]
    assert len(set(keys)) == 3
    assert output_format("o.mp4", "high").key == output_format("o.mkv", "high").key


@pytest.mark.parametrize("size", [(63, 48), (64, 47)])
def test_an_odd_size_says_which_even_one_would_do(size, tmp_path, clips):
    with pytest.raises(UsageError, match=rf"got {size[0]}x{size[1]}. {size[0] // 2 * 2}x{size[1] // 2 * 2} would do"):
        encode_chunk(FrameChunk(clips.pictures(1, *size), 0), tmp_path / "p.mkv", output_format("o.mp4", "high"), F(25))
    assert list(tmp_path.iterdir()) == []


def test_a_transparent_mov_says_that_it_is_prores_4444(tmp_path, clips):
    """Under the name of ProRes 422 editing programs would show no transparency."""
    fmt = output_format("o.mov", "alpha")
    pieces = make_pieces(tmp_path, clips.pictures(2), fmt, (2,))
    join_chunks(pieces, tmp_path / "o.mov", timeline=Timeline.constant(2, F(25)), fmt=fmt)
    with av.open(str(tmp_path / "o.mov")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "ap4h"


def test_tags_come_through(tmp_path, clips):
    for name in ("o.mp4", "o.mov", "o.mkv", "o.webm"):
        fmt = output_format(name, "high")
        pieces = make_pieces(tmp_path, clips.pictures(2), fmt, (2,))
        said = {"comment": "seed 7, engine puppet, ünïcode", "title": "Dance"}
        join_chunks(pieces, tmp_path / name, timeline=Timeline.constant(2, F(25)), fmt=fmt, metadata=said)
        with av.open(str(tmp_path / name)) as container:
            found = {k.lower(): v for k, v in container.metadata.items()}
        assert {k: found.get(k) for k in said} == said


def test_the_index_of_an_mp4_stands_in_front(tmp_path, clips):
    fmt = output_format("o.mp4", "high")
    join_chunks(make_pieces(tmp_path, clips.pictures(4), fmt, (4,)), tmp_path / "o.mp4",
                timeline=Timeline.constant(4, F(25)), fmt=fmt)  # fmt: skip
    data = (tmp_path / "o.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


# Trims.


@pytest.mark.parametrize("kind", [".mp4", ".mkv"])
@pytest.mark.parametrize(("start", "stop"), [(1.0, None), (0.0, 1.5), (0.73, 1.91)])
def test_a_trimmed_clip_keeps_sound_and_picture_together(kind, start, stop, tmp_path, clips):
    source = clips.write_clip(
        tmp_path / f"s{kind}", list(range(75)), F(1, 25), F(25), sounds=(clips.Sound("aac", 3.0, rate=48000),)
    )
    video = open_video(source, start_seconds=start, stop_seconds=stop)
    fmt = output_format("o" + kind, "lossless")
    pieces = []
    for chunk in video.chunks(20):
        pieces.append(tmp_path / f"p{chunk.start}.mkv")
        encode_chunk(chunk, pieces[-1], fmt, F(25))
    output = tmp_path / f"o{kind}"
    join_chunks(pieces, output, timeline=video.timeline(), fmt=fmt, audio=source, audio_trim=(start, stop))

    first_frame = F(-(-int(F(str(start)) * 25 * 1000) // 1000), 25)  # the first one shown at `start` or later
    assert video.shift_seconds == first_frame
    before = next(t for t in clips.demux(source) if t.kind == "audio")
    after = next(t for t in clips.demux(output) if t.kind == "audio")
    until = F(str(stop)) if stop is not None else F(100)
    kept = [p for p in before.packets if (p[0] + p[1] > first_frame or start == 0) and p[0] < until]
    assert len(after.packets) == len(kept) < len(before.packets)
    slack = F(1, 2000) if kind == ".mkv" else F(1, 96000)
    for old, new in zip(kept, after.packets, strict=True):
        assert new[2] == old[2]
        assert abs(new[0] - (old[0] - first_frame)) <= slack
    shown = clips.decoded(output)
    assert shown[0][0] == 0 and len(shown) == video.timeline().num_frames


def test_an_untrimmed_clip_keeps_every_packet_though_the_picture_ends_before(tmp_path, clips):
    source = clips.write_clip(tmp_path / "s.mp4", [0, 1], F(1, 25), F(25), sounds=(clips.Sound("aac", 2.0),))
    fmt = output_format("o.mp4", "high")
    pieces = make_pieces(tmp_path, clips.pictures(2), fmt, (2,))
    join_chunks(pieces, tmp_path / "o.mp4", timeline=Timeline.constant(2, F(25)), fmt=fmt, audio=source)
    count = [len(t.packets) for path in (source, tmp_path / "o.mp4") for t in clips.demux(path) if t.kind == "audio"]
    assert count[0] == count[1] > 90


@pytest.mark.parametrize(
    ("kind", "codec", "output"),
    [(".wav", "pcm_s16le", "o.mov"), (".wav", "pcm_s16le", "o.mkv"), (".mp3", "libmp3lame", "o.mp4"),
     (".m4a", "aac", "o.mp4"), (".flac", "flac", "o.mkv"), (".ogg", "libopus", "o.webm")],
)  # fmt: skip
@pytest.mark.parametrize("trim", [None, (0.0, 0.5), (0.3, 0.8)])
def test_sound_may_come_from_a_sound_file(kind, codec, output, trim, tmp_path, clips):
    source = tmp_path / f"song{kind}"
    with av.open(str(source), "w") as out:
        track = out.add_stream(codec, rate=48000, layout="stereo")
        for packet, _ in clips.sound_packets(track, clips.Sound(codec, 1.0)):
            out.mux(packet)
    fmt = output_format(output, "high")
    pieces = make_pieces(tmp_path, clips.pictures(12), fmt, (12,))
    join_chunks(
        pieces, tmp_path / output, timeline=Timeline.constant(12, F(25)), fmt=fmt, audio=source, audio_trim=trim
    )
    before, after = clips.demux(source)[0], next(t for t in clips.demux(tmp_path / output) if t.kind == "audio")
    whole, part = (b"".join(p[2] for p in t.packets) for t in (before, after))
    assert part and part in whole
    if trim is None:
        assert part == whole
    else:
        # To a packet at either end: the largest here are 0.1 s of FLAC and of raw samples.
        assert abs(len(part) / len(whole) - (trim[1] - trim[0])) < 0.25 and len(part) < len(whole)
        assert abs(float(after.packets[0][0])) < 0.11


# What can go wrong.


def test_pieces_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path, clips):
    fmt = output_format("o.mp4", "high")
    pixels = clips.pictures(8)
    pieces = make_pieces(tmp_path, pixels, fmt, (4, 4))
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "o.mp4"
    other = tmp_path / "other.mkv"
    encode_chunk(FrameChunk(clips.pictures(4, 80, 48), 0), other, fmt, F(25))
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(pieces[1].read_bytes()[:300])
    cases = [
        (pieces, 7, "more than the 7 frames"),
        (pieces, 9, "hold 8 frames, the timeline 9"),
        ([pieces[0], other], 8, "encoded differently"),
        ([pieces[0], tmp_path / "none.mkv"], 8, "missing or damaged"),
        ([pieces[0], damaged], 8, "damaged|hold"),
    ]
    for paths, count, words in cases:
        with pytest.raises(InputError, match=words):
            join_chunks(paths, output, timeline=Timeline.constant(count, F(25)), fmt=fmt)
        assert list(output.parent.iterdir()) == [], words


def test_a_failed_join_leaves_the_file_that_was_there(tmp_path, clips):
    fmt = output_format("o.mp4", "high")
    pieces = make_pieces(tmp_path, clips.pictures(4), fmt, (4,))
    output = tmp_path / "o.mp4"
    output.write_bytes(b"the good one from yesterday")
    with pytest.raises(InputError):
        join_chunks(pieces, output, timeline=Timeline.constant(5, F(25)), fmt=fmt)
    assert output.read_bytes() == b"the good one from yesterday"


def test_sound_the_container_cannot_hold_is_refused_by_name(tmp_path, clips):
    source = clips.write_clip(tmp_path / "s.mp4", [0, 1], F(1, 25), F(25), sounds=(clips.Sound("aac", 0.2),))
    (tmp_path / "out").mkdir()
    fmt = output_format("o.webm", "high")
    pieces = make_pieces(tmp_path, clips.pictures(2), fmt, (2,))
    with pytest.raises(UsageError, match=r"\(aac\); .*\.mkv"):
        join_chunks(pieces, tmp_path / "out" / "o.webm", timeline=Timeline.constant(2, F(25)), fmt=fmt, audio=source)
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(UsageError, match="aac"):
        check_audio_fits(source, "o.webm")


def test_a_source_without_sound_is_no_error(tmp_path, clips):
    source = clips.write_clip(tmp_path / "s.mp4", [0, 1], F(1, 25), F(25))
    fmt = output_format("o.mp4", "high")
    join_chunks(make_pieces(tmp_path, clips.pictures(2), fmt, (2,)), tmp_path / "o.mp4",
                timeline=Timeline.constant(2, F(25)), fmt=fmt, audio=source)  # fmt: skip
    assert [t.kind for t in clips.demux(tmp_path / "o.mp4")] == ["video"]


def test_places_that_cannot_be_written_are_told_before_and_after(tmp_path, clips, monkeypatch):
    fmt = output_format("o.mp4", "high")
    chunk = FrameChunk(clips.pictures(2), 0)
    pieces = make_pieces(tmp_path, clips.pictures(2), fmt, (2,))
    missing = tmp_path / "nowhere" / "o.mp4"
    with pytest.raises(CannotWrite, match="nowhere does not exist"):
        check_place(missing)
    with pytest.raises(CannotWrite, match="nowhere does not exist"):
        encode_chunk(chunk, missing, fmt, F(25))
    with pytest.raises(CannotWrite, match="nowhere does not exist"):
        join_chunks(pieces, missing, timeline=Timeline.constant(2, F(25)), fmt=fmt)
    with pytest.raises(CannotWrite, match="is a folder"):
        check_place(tmp_path)
    check_place(tmp_path / "fine.mp4")
    assert not any(p.name.startswith(".") for p in tmp_path.iterdir())

    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    for attempt in (
        lambda: check_place(tmp_path / "o.mp4"),
        lambda: encode_chunk(chunk, tmp_path / "q.mkv", fmt, F(25)),
    ):
        with pytest.raises(CannotWrite, match="no permission to write"):
            attempt()


LIMITED = """
    import resource, signal, sys
    from fractions import Fraction as F
    from pathlib import Path
    import numpy as np
    from motion_transfer.core import CannotWrite, FrameChunk, Timeline
    from motion_transfer.video import encode_chunk, join_chunks, output_format

    folder, what = Path(sys.argv[1]), sys.argv[2]
    fmt = output_format("o.mkv" if what.endswith("mkv") else "o.mp4", "lossless")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 96, 128, 3), np.uint8)
    if what.startswith("join"):
        encode_chunk(FrameChunk(pixels, 0), folder / "piece.mkv", fmt, F(25))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        if what.startswith("join"):
            join_chunks([folder / "piece.mkv"], folder / "out" / fmt.container, timeline=Timeline.constant(30, F(25)), fmt=fmt)
        else:
            encode_chunk(FrameChunk(pixels, 0), folder / "out" / "piece.mkv", fmt, F(25))
    except CannotWrite as error:
        print("told:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes to stand for a full disk")
@pytest.mark.parametrize("what", ["encode", "join mp4", "join mkv"])
def test_a_full_disk_is_told_and_nothing_is_left(what, tmp_path):
    """A process that may write 200 kB a file: every write past it fails, as on a full disk."""
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path), what],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("told:") and done.stdout.count("\n") == 1, done.stdout
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_piece_leaves_nothing(tmp_path, clips):
    with (
        pytest.raises(KeyboardInterrupt),
        PieceWriter(tmp_path / "p.mkv", output_format("o.mp4", "high"), F(25)) as piece,
    ):
        piece.add(clips.pictures(1)[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_piece_of_nothing_or_of_two_sizes_is_our_own_mistake(tmp_path, clips):
    fmt = output_format("o.mp4", "high")
    with pytest.raises(ValueError, match="at least one frame"), PieceWriter(tmp_path / "p.mkv", fmt, F(25)):
        pass
    with pytest.raises(ValueError, match="64x48, not 32x48"), PieceWriter(tmp_path / "p.mkv", fmt, F(25)) as piece:
        piece.add(clips.pictures(1)[0])
        piece.add(clips.pictures(1, 32, 48)[0])
    assert list(tmp_path.iterdir()) == []
