"""The clip's sound: drums, bass and a plucked tune, all from sines and seeded noise."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from .choreography import BEATS, SECONDS_PER_BEAT

SAMPLES_PER_SECOND = 44100
SEED = 20


def _at(track: np.ndarray, beat: float, sound: np.ndarray, left: float, right: float) -> None:
    """Adds a sound from a beat on; what runs past the end comes in again at the start, so the clip loops."""
    start = round(beat * SECONDS_PER_BEAT * SAMPLES_PER_SECOND)
    index = (start + np.arange(len(sound))) % track.shape[1]
    track[0, index] += left * sound
    track[1, index] += right * sound


def _time(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * SAMPLES_PER_SECOND)) / SAMPLES_PER_SECOND


def _kick() -> np.ndarray:
    t = _time(0.30)
    return np.sin(2 * np.pi * (48 * t + 6.5 * (1 - np.exp(-t * 28)))) * np.exp(-t * 11)


def _noise(rng: np.random.RandomState, seconds: float, band: tuple[float, float], decay: float) -> np.ndarray:
    t = _time(seconds)
    sos = butter(2, band, "bandpass", fs=SAMPLES_PER_SECOND, output="sos")
    return sosfilt(sos, rng.randn(len(t))) * np.exp(-t * decay)


def _pluck(midi: float, seconds: float, decay: float) -> np.ndarray:
    t = _time(seconds)
    f = 440 * 2 ** ((midi - 69) / 12)
    tone = sum(np.sin(2 * np.pi * f * k * t) * np.exp(-t * decay * (0.7 + 0.5 * k)) / k**1.4 for k in range(1, 6))
    return tone * np.minimum(t / 0.004, 1)


def make_music() -> np.ndarray:
    """float32 [2, samples] within -1..1, exactly as long as the dance."""
    rng = np.random.RandomState(SEED)
    track = np.zeros((2, round(BEATS * SECONDS_PER_BEAT * SAMPLES_PER_SECOND)))
    hat, clap = _noise(rng, 0.09, (7000, 15000), 55), _noise(rng, 0.22, (900, 4200), 22)
    roots = (45, 41, 48, 43)
    chords = ((57, 60, 64), (57, 60, 65), (55, 60, 64), (55, 59, 62))
    tune = (76, 72, 69, 72, 77, 72, 69, 67, 76, 79, 76, 72, 74, 71, 67, 71, 72, 76, 79, 76, 74, 71, 69, 67)
    for beat in range(BEATS):
        bar = (beat * 4 // BEATS) % 4
        _at(track, beat, _kick(), 0.62, 0.62)
        _at(track, beat + 0.5, hat, 0.20, 0.30)
        _at(track, beat + 0.25, hat, 0.10, 0.06)
        if beat % 2:
            _at(track, beat, clap, 0.34, 0.28)
        for part in (0.0, 0.5, 0.75):
            _at(track, beat + part, _pluck(roots[bar], 0.5, 7.0), 0.17, 0.17)
        for note in chords[bar]:
            _at(track, beat + 0.5, _pluck(note, 0.6, 6.5), 0.055, 0.085)
        for half in (0, 1):
            _at(track, beat + 0.5 * half, _pluck(tune[2 * beat + half], 0.7, 5.0), 0.10, 0.07)
    return (0.9 * np.tanh(1.1 * track) / np.tanh(1.1)).astype(np.float32)
