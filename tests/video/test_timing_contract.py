"""The timing contract on a table of clips: as many frames out as in, the same time stamps, the sound bit for bit.

Each clip is read, encoded in pieces, joined with its sound, and then looked at by plain PyAV, not by our reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

from motion_transfer.core import Timeline
from motion_transfer.video import encode_chunk, join_chunks, open_video, output_format

NTSC, FILM, NTSC60 = F(30000, 1001), F(24000, 1001), F(60000, 1001)
HALF_MILLISECOND = F(1, 2000)


@dataclass(frozen=True)
class Case:
    name: str
    count: int = 12
    rate: F = F(25)
    source: str = ".mp4"
    output: str = ".mp4"
    quality: str = "lossless"
    piece: int = 5
    stamps: tuple[int, ...] | None = None
    time_base: F | None = None
    sounds: tuple = ()
    codec: str = "libx264"
    options: dict = field(default_factory=dict)
    container: dict = field(default_factory=dict)


def sound(codec, seconds, start=F(0), rate=48000, language=None):
    return (codec, seconds, start, rate, language)


UNEVEN = (0, 512, 1700, 2048, 2500, 4000, 4100, 9000, 9001, 12000)
PHONE = tuple(int(i * 600 / 29.6 + (i * 7919 % 5) - 2 + 2) for i in range(31))  # a phone's jittering 1/600 s
SLIDES = (0, 90000, 90001, 270000, 273003, 900000)  # from one unit to seven seconds
DROPPED = tuple(i for i in range(20) if i not in (3, 4, 11, 17))  # a screen recorder that skips still frames

CASES = [
    Case("one frame", 1),
    Case("one frame with sound", 1, sounds=(sound("aac", 0.5),)),
    Case("two frames", 2),
    Case("three frames", 3, piece=1),
    Case("odd count", 13, piece=4),
    Case("odd count, pieces of one", 7, piece=1),
    Case("one piece", 11, piece=100),
    Case("23.976", 25, FILM, sounds=(sound("aac", 1.04),)),
    Case("24", 24, F(24)),
    Case("25", 25, F(25), sounds=(sound("aac", 1.0),)),
    Case("29.97", 31, NTSC, sounds=(sound("aac", 1.03, rate=44100),)),
    Case("29.97 at high quality", 31, NTSC, quality="high", sounds=(sound("aac", 1.03),)),
    Case("30", 30, F(30)),
    Case("50", 25, F(50)),
    Case("59.94", 31, NTSC60, sounds=(sound("aac", 0.5),)),
    Case("60", 31, F(60)),
    Case("12.5", 9, F(25, 2)),
    Case("15 at medium quality", 9, F(15), quality="medium"),
    Case("120 at low quality", 30, F(120), quality="low"),
    Case("variable", rate=F(30), stamps=UNEVEN, time_base=F(1, 15360)),
    Case("variable at high quality with sound", rate=F(30), stamps=UNEVEN, time_base=F(1, 15360), quality="high",
         sounds=(sound("aac", 0.9),)),
    Case("variable, a phone", rate=F(30), stamps=PHONE, time_base=F(1, 600), piece=7, sounds=(sound("aac", 1.0),)),
    Case("variable, slides", rate=F(30), stamps=SLIDES, time_base=F(1, 90000), piece=2),
    Case("variable, dropped frames", rate=F(30), stamps=DROPPED, time_base=F(1, 30), sounds=(sound("aac", 0.7),)),
    Case("variable, mkv to mkv", rate=F(30), stamps=(0, 33, 67, 180, 181, 400, 433), time_base=F(1, 1000),
         source=".mkv", output=".mkv", sounds=(sound("libopus", 0.5),)),
    Case("variable, mkv to mp4", rate=F(30), stamps=(0, 33, 67, 180, 181, 400, 433), time_base=F(1, 1000),
         source=".mkv", sounds=(sound("aac", 0.5),)),
    Case("late picture", rate=F(30), stamps=tuple(range(15, 35)), time_base=F(1, 30), sounds=(sound("aac", 1.3),)),
    Case("late by an odd fraction", rate=NTSC, stamps=tuple(range(7, 20)), time_base=1 / NTSC,
         sounds=(sound("aac", 1.0),)),
    Case("late picture without sound", rate=F(30), stamps=tuple(range(15, 35)), time_base=F(1, 30)),
    Case("late picture in mkv", rate=F(25), stamps=tuple(range(10, 20)), time_base=F(1, 25), source=".mkv",
         output=".mkv", sounds=(sound("flac", 1.0),)),
    Case("late sound", 25, sounds=(sound("aac", 0.5, F(1, 3)),)),
    Case("sound shorter", 25, sounds=(sound("aac", 0.3),)),
    Case("sound longer", 10, sounds=(sound("aac", 2.0),)),
    Case("two tracks", 25, sounds=(sound("aac", 1.0, language="deu"), sound("aac", 0.7, rate=44100, language="fra"))),
    Case("two codecs", 25, sounds=(sound("aac", 1.0, language="eng"), sound("libopus", 1.0, language="fra"))),
    Case("opus in mp4", 25, sounds=(sound("libopus", 1.0),)),
    Case("mp3 in mp4", 25, sounds=(sound("libmp3lame", 1.0),)),
    Case("flac in mp4", 25, sounds=(sound("flac", 1.0),)),
    Case("pcm in mov", 25, source=".mov", output=".mov", sounds=(sound("pcm_s16le", 1.0),)),
    Case("pcm from mov to mkv", 25, source=".mov", output=".mkv", sounds=(sound("pcm_s16le", 1.0),)),
    Case("mov to mp4", 25, NTSC, source=".mov", sounds=(sound("aac", 1.0),)),
    Case("mp4 to mkv", 25, NTSC, output=".mkv", sounds=(sound("aac", 1.0),)),
    Case("mkv to mov", 25, source=".mkv", output=".mov", sounds=(sound("aac", 1.0),)),
    Case("mkv 23.976", 25, FILM, source=".mkv", output=".mkv", sounds=(sound("flac", 1.0),)),
    Case("mkv with pcm", 25, source=".mkv", output=".mkv", sounds=(sound("pcm_s16le", 1.0),)),
    Case("mkv with mp3", 25, source=".mkv", output=".mkv", sounds=(sound("libmp3lame", 1.0, rate=44100),)),
    Case("webm to webm", 12, F(30), ".webm", ".webm", "high", codec="libvpx-vp9", sounds=(sound("libopus", 0.4),)),
    Case("webm vp8 to mp4", 12, F(30), ".webm", codec="libvpx", sounds=(sound("libopus", 0.4),)),
    Case("fragmented mp4", 25, sounds=(sound("aac", 1.0),), container={"movflags": "frag_keyframe+empty_moov"}),
    Case("dash-like fragments", 25, NTSC, sounds=(sound("aac", 1.0),),
         container={"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}),
    Case("gif", 9, F(10), ".gif", codec="gif", time_base=F(1, 100), stamps=tuple(range(0, 90, 10))),
    Case("gif, variable", rate=F(10), source=".gif", codec="gif", time_base=F(1, 100), stamps=(0, 7, 10, 40, 45)),
    Case("avi", 12, F(25), ".avi", codec="mpeg4", sounds=(sound("libmp3lame", 0.5),)),
    Case("raw frames in avi", 6, F(25), ".avi", codec="mjpeg"),
    Case("hevc", 12, F(24), codec="libx265", options={"x265-params": "log-level=none:bframes=2"}),
    Case("av1 in mp4", 6, F(24), codec="libsvtav1", options={"preset": "13", "svtav1-params": "lp=1"}),
    Case("prores", 6, FILM, ".mov", ".mov", codec="prores_ks", sounds=(sound("pcm_s16le", 0.25),)),
    Case("alpha in mov", 6, F(24), ".mov", ".mov", "alpha", sounds=(sound("aac", 0.25),)),
    Case("alpha in webm", 6, F(24), ".webm", ".webm", "alpha", codec="libvpx-vp9", sounds=(sound("libopus", 0.25),)),
]  # fmt: skip

PIXELS = {"prores_ks": "yuv422p10le", "gif": "rgb8", "mjpeg": "yuvj420p"}


def make(case, folder, clips) -> Path:
    time_base = case.time_base or 1 / case.rate
    stamps = list(case.stamps if case.stamps is not None else range(case.count))
    return clips.write_clip(
        folder / f"source{case.source}", stamps, time_base, case.rate, codec=case.codec,
        pix_fmt=PIXELS.get(case.codec, "yuv420p"), sounds=tuple(clips.Sound(*s) for s in case.sounds),
        options=case.options or None, container_options=case.container,
    )  # fmt: skip


def transfer(source: Path, output: Path, quality: str, piece: int) -> tuple[Timeline, list[np.ndarray]]:
    """What a run does, without changing a pixel."""
    video = open_video(source)
    fmt = output_format(output, quality)
    pieces, pts, frames = [], [], []
    for chunk in video.chunks(piece):
        path = output.with_name(f"piece{chunk.start}{fmt.piece_suffix}")
        encode_chunk(chunk, path, fmt, video.info.rate)
        pieces.append(path)
        pts.append(chunk.pts)
        frames.extend(chunk.pixels)
    known = video.timeline()
    assert np.concatenate(pts).tolist() == known.pts.tolist()
    assert video.info.num_frames in (None, known.num_frames)
    join_chunks(pieces, output, timeline=known, fmt=fmt, audio=source)
    return known, frames


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_frames_time_stamps_and_sound_come_out_as_they_went_in(case, tmp_path, clips):
    source, output = make(case, tmp_path, clips), tmp_path / f"out{case.output}"
    timeline, frames = transfer(source, output, case.quality, case.piece)

    before, after = clips.demux(source), clips.demux(output)
    matroska = case.output in (".mkv", ".webm")
    # Matroska counts in milliseconds; from Matroska into Matroska nothing is rounded.
    slack = HALF_MILLISECOND if matroska and case.source not in (".mkv", ".webm") else F(0)

    shown_before, shown_after = clips.decoded(source), clips.decoded(output)
    assert len(shown_after) == len(shown_before) == (len(case.stamps) if case.stamps else case.count)
    times = [abs(a[0] - b[0]) for a, b in zip(shown_before, shown_after, strict=True)]
    assert case.codec == "mpeg4" or max(times) <= slack  # this AVI carries no time stamps at all
    for stamp, (time, _) in zip(timeline.pts, shown_after, strict=True):
        assert abs(int(stamp) * timeline.time_base - time) <= slack
    video = next(t for t in after if t.kind == "video")
    assert [p[0] for p in video.packets] == [t for t, _ in shown_after], "a frame is decoded when it is shown"
    last = timeline.last_duration * timeline.time_base or 1 / timeline.rate
    # Matroska keeps the end of a track in a tag, mp4 in the last packet; to a millisecond where one side rounds.
    assert abs((video.end - video.packets[-1][0] if matroska else video.packets[-1][1]) - last) <= F(1, 1000)

    if output_format(output, case.quality).is_exact:
        assert all((a == b).all() for a, (_, b) in zip(frames, shown_after, strict=True))

    sounds_before, sounds_after = ([t for t in tracks if t.kind == "audio"] for tracks in (before, after))
    assert len(sounds_after) == len(sounds_before) == len(case.sounds)
    for a, b in zip(sounds_before, sounds_after, strict=True):
        assert b.codec == a.codec
        # An mp3 needs no extra data; what AVI keeps there repeats its own header.
        assert b.extradata == a.extradata or b.codec == "mp3float"
        # Between two kinds of container a stamp is rounded to the coarser unit of the target.
        tolerance = HALF_MILLISECOND if matroska else F(1, 2 * 44100)
        tolerance = tolerance if (case.source, case.output) != (".mp4", ".mp4") else F(0)
        if a.codec.startswith("pcm"):  # containers cut raw samples into packets as they like
            assert b"".join(p[2] for p in b.packets) == b"".join(p[2] for p in a.packets)
            assert abs(a.packets[0][0] - b.packets[0][0]) <= tolerance
            continue
        assert [p[2] for p in b.packets] == [p[2] for p in a.packets]
        assert all(abs(x[0] - y[0]) <= tolerance for x, y in zip(a.packets, b.packets, strict=True))
        if case.source == case.output:
            assert [p[1] for p in b.packets] == [p[1] for p in a.packets]
    if case.source == ".mp4" == case.output:
        assert [t.language for t in sounds_after] == [t.language for t in sounds_before]


def test_the_table_is_as_long_as_promised():
    assert len(CASES) >= 40
