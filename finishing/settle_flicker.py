"""Light that flickers from frame to frame, settled: measured once in what stays, taken out as smooth gain maps.

No pixel is mixed with another frame's, so moving edges stay as sharp as they are. A finer part, off unless asked for,
takes single frames' texture back to what the frames before and after it agree on (`settle_texture`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..core import FrameChunk, Host, InputError, Settings, number
from .finisher import Clip, Finisher, FinisherSpec, Survey, changed
from .light_changes import LightChanges, grid_of

STAGE = "looking for flicker"
_CALM = 0.004
"""Logarithm of a gain that is more likely an error of measurement than flicker: half of it is left alone."""
_STEP = 0.18
"""A change of light this large, lasting, is meant; what lies on its other side counts 1/e."""
_LARGEST = 0.15
_SLOPE_PRIOR = 600.0
"""At the ends of a shot: how little a steady rise or fall of the light is believed, in weighted frames squared."""


@dataclass(frozen=True)
class SettleFlickerSettings(Settings):
    strength: float = number(1.0, 0.0, 1.0, help="How much of the flicker is taken out; 1 = all that is found.")
    seconds: float = number(
        1.2, 0.2, 4.0, step=0.1, unit="s", help="Light is settled over this time: what changes faster is flicker, what changes slower is kept."
    )  # fmt: skip
    texture: float = number(
        0.0, 0.0, 1.0, help="Also takes out texture that appears in one frame only and not in those around it; slower. 0 = light alone."
    )  # fmt: skip


class SettleFlicker(Finisher):
    needs_survey = True

    def __init__(self, settings: SettleFlickerSettings, host: Host) -> None:
        self._settings, self._host = settings, host
        self._changes = np.zeros((0, 1, 1, 3), np.float32)
        self._reach = 1
        if settings.texture > 0:
            self.before = self.after = 1

    def survey(self, clip: Clip, frames: Iterator[FrameChunk]) -> Survey:
        look, rows = LightChanges(clip.size), []
        for chunk in frames:
            rows += [look.feed(frame).astype(np.float16) for frame in chunk.pixels]
            self._host.step(len(rows), clip.num_frames, STAGE)
        return {"changes": np.stack(rows)}

    def begin(self, clip: Clip, found: Survey) -> Clip:
        self.clip, changes = clip, found["changes"]
        if changes.shape != (clip.num_frames, *grid_of(clip.size), 3):
            raise InputError(f"The survey of flicker is of {list(changes.shape)}, but the clip has {clip.num_frames} frames of {clip.size[0]}x{clip.size[1]}: it belongs to another clip.")  # fmt: skip
        self._changes = changes
        self._reach = max(1, round(self._settings.seconds / 2 * float(clip.timeline.rate)))
        return clip

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        s = self._settings
        first = max(start - self.before, given.start)
        last = min(stop + self.after, given.stop)
        settled = np.stack([self._settled(given.pixels[t - given.start], t) for t in range(first, last)])
        out = settled[start - first : stop - first]
        if s.texture > 0:
            from .settle_texture import settle_texture

            out = out.copy()
            for t in range(start, stop):
                shot = self.clip.shot_of(t)
                if shot[0] < t < shot[1] - 1:
                    before, now, after = settled[t - first - 1 : t - first + 2]
                    out[t - start] = settle_texture(before, now, after, s.texture)
        return changed(given, start, out)

    def _settled(self, frame: np.ndarray, t: int) -> np.ndarray:
        gains = self._settings.strength * settling_gains(self._changes, t, self.clip.shot_of(t), self._reach)
        return lit(frame, gains)


def settling_gains(changes: np.ndarray, t: int, shot: tuple[int, int], reach: int) -> np.ndarray:
    """float32 `[rows,columns,3]`: logarithm of the gains that frame t needs to have the light of its surroundings.

    `changes` `[T,rows,columns,3]` as `LightChanges` gives them; frames beyond the `shot` (first, after the last) or
    further than `reach` do not count. A straight line is fitted through the light around t with weights that fall
    with time (Epanechnikov) and with how different the light is; in the middle of a shot its slope does not matter.
    """
    first, last = max(shot[0], t - reach), min(shot[1], t + reach + 1)
    steps = changes[first:last].astype(np.float32)
    steps[0] = 0
    light = np.cumsum(steps, axis=0)
    light -= light[t - first]  # relative to frame t, so that nothing accumulated matters
    away = (np.arange(first, last, dtype=np.float32) - t)[:, None, None, None]
    near = 1 - np.square(away / (reach + 1))
    # how different the light is, is told by the green channel's whole picture: places must not decide apart
    overall = light[..., 1].mean(axis=(1, 2)).astype(np.float32)
    weight = near * np.exp(-np.square(overall / _STEP))[:, None, None, None]
    w, wk, wkk = weight.sum(), (weight * away).sum(), (weight * away * away).sum() + _SLOPE_PRIOR
    s, sk = (weight * light).sum(axis=0), (weight * away * light).sum(axis=0)
    gain = (wkk * s - wk * sk) / (w * wkk - wk * wk)
    gain = np.clip(gain, -_LARGEST, _LARGEST)
    return gain * (gain * gain / (gain * gain + _CALM * _CALM))


def lit(frame: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """uint8 `[H,W,3]` under smooth gains, given as logarithms on a grid `[rows,columns,3]`."""
    size = (frame.shape[1], frame.shape[0])
    if np.abs(gains).max() < 1e-4:
        return frame
    field = cv2.resize(np.exp(gains).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(frame, field, dtype=cv2.CV_8U)


SPEC = FinisherSpec(
    name="settle-flicker",
    title="Settle Flicker",
    summary="Takes flicker of light and colour out, place by place, without touching edges.",
    settings=SettleFlickerSettings,
    open=SettleFlicker,
    version="1",
    main="strength",
)
