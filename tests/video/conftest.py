"""Clips made on the spot with PyAV alone, and a demuxer that is not ours to look at what came out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


def pictures(count: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Smooth moving colours in which frame `i` can be told from its neighbours. uint8 `[T,H,W,3]`."""
    y, x = np.mgrid[0:height, 0:width]
    out = np.empty((count, height, width, 3), np.uint8)
    for i in range(count):
        out[i, ..., 0] = np.clip(128 + 100 * np.sin((x + 5 * i) / 11), 0, 255)
        out[i, ..., 1] = np.clip(128 + 100 * np.cos((y + 3 * i) / 9), 0, 255)
        out[i, ..., 2] = (40 + 9 * i) % 200 + 20
    return out


@dataclass(frozen=True)
class Sound:
    codec: str
    seconds: float
    start_seconds: Fraction = Fraction(0)
    rate: int = 48000
    language: str | None = None


def write_clip(
    path: Path,
    stamps: list[int],
    time_base: Fraction,
    rate: Fraction,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    sounds: tuple[Sound, ...] = (),
    frames: np.ndarray | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    last_duration: int | None = None,
    rotation: int | None = None,
) -> Path:
    frames = pictures(len(stamps)) if frames is None else frames
    with av.open(str(path), "w", options=container_options or {}) as out:
        stream = out.add_stream(
            codec, rate=rate, options=options or ({"g": "12", "bf": "2"} if codec == "libx264" else {})
        )
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        stream.time_base = time_base
        if rotation is not None:
            stream.set_display_rotation(rotation)
        tracks = []
        for sound in sounds:
            track = out.add_stream(sound.codec, rate=sound.rate)
            track.layout = "stereo"
            track.time_base = Fraction(1, sound.rate)
            if sound.language:
                track.metadata["language"] = sound.language
            tracks.append(track)
        jobs = []
        for track, sound in zip(tracks, sounds, strict=True):
            jobs += sound_packets(track, sound)
        out.start_encoding()
        for pts, pixels in zip(stamps, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = pts, time_base
            if last_duration is not None and pts == stamps[-1]:
                frame.duration = last_duration
            jobs += [(p, stream) for p in stream.encode(frame)]
        jobs += [(p, stream) for p in stream.encode(None)]
        jobs.sort(key=lambda job: job[0].dts * job[0].time_base)
        for packet, _ in jobs:
            out.mux(packet)
    return path


def sound_packets(track, sound):
    count = int(sound.seconds * sound.rate)
    time = np.arange(count) / sound.rate
    wave = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    interleaved = np.repeat(wave, 2)[None]
    resampler = av.AudioResampler(format=track.codec_context.format, layout="stereo", rate=sound.rate)
    size = track.codec_context.frame_size or 1024
    fifo = av.AudioFifo()
    for i in range(0, count, 4096):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(interleaved[:, 2 * i : 2 * (i + 4096)]), "s16", "stereo"
        )
        frame.sample_rate = sound.rate
        for part in resampler.resample(frame):
            part.pts = None
            fifo.write(part)
    offset = int(sound.start_seconds * sound.rate)
    jobs, done = [], 0
    track.codec_context.open()
    size = track.codec_context.frame_size or 1024
    while (part := fifo.read(size)) or (part := fifo.read(0)):
        part.pts, part.time_base = offset + done, Fraction(1, sound.rate)
        done += part.samples
        jobs += [(p, track) for p in track.encode(part)]
    return jobs + [(p, track) for p in track.encode(None)]


def repeat_clip(source: Path, output: Path, times: int) -> Path:
    """The packets of a clip `times` over, one after the other."""
    with av.open(str(output), "w") as out:
        streams, shift = {}, {}
        for turn in range(times):
            with av.open(str(source)) as container:
                if not streams:
                    streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in container.streams}
                lengths = {
                    s.index: round(Fraction(container.duration, av.time_base) / s.time_base) for s in container.streams
                }
                shift = {index: turn * length for index, length in lengths.items()}
                last = {}
                for packet in container.demux():
                    if packet.size and packet.pts >= 0:
                        index = packet.stream.index
                        packet.pts += shift[index]
                        packet.dts = max(packet.dts + shift[index], last.get(index, -(2**60)) + 1)
                        last[index] = packet.dts
                        packet.stream = streams[index]
                        out.mux(packet)
    return output


@dataclass(frozen=True)
class Track:
    """What a plain demuxer says of one stream."""

    kind: str
    codec: str
    extradata: bytes | None
    language: str | None
    disposition: int
    packets: list[tuple[Fraction | None, Fraction, bytes]]
    """(time, duration in seconds, payload), in file order."""
    end: Fraction | None
    """Matroska's tag with the time of the end."""


def demux(path: Path) -> list[Track]:
    with av.open(str(path)) as container:
        found = {s.index: [] for s in container.streams}
        for packet in container.demux():
            if packet.size:
                unit = Fraction(packet.time_base)
                when = None if packet.pts is None else packet.pts * unit
                if not (packet.is_discard and packet.stream.type == "video"):
                    found[packet.stream.index].append((when, (packet.duration or 0) * unit, bytes(packet)))
        return [
            Track(
                s.type, s.codec_context.name, s.codec_context.extradata, s.metadata.get("language"),
                int(getattr(s.disposition, 'value', s.disposition)), found[s.index], _end_tag(s.metadata.get("DURATION")),
            )
            for s in container.streams
        ]  # fmt: skip


def _end_tag(text):
    if text is None:
        return None
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def decoded(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """Straight decode by PyAV's own conversion: (time, RGB) of every frame."""
    with av.open(str(path)) as container:
        return [(f.pts * Fraction(f.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


@pytest.fixture(scope="session")
def clips():
    """The functions above, for tests (conftest cannot be imported by name)."""

    class Clips:
        pass

    for thing in (pictures, sound_packets, write_clip, repeat_clip, demux, decoded, Sound):
        setattr(Clips, thing.__name__, staticmethod(thing) if not isinstance(thing, type) else thing)
    return Clips
