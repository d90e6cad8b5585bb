"""Frames between frames, up to a target rate: what a user can choose. The work is in `interpolator`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core import Host, Settings, UsageError, number
from .finisher import Clip, Finisher, FinisherSpec
from .interpolate_times import exact_rate

BETWEEN = "frames between"
"""What a host lends under this name makes the frames; see `interpolator.Between`."""


@dataclass(frozen=True)
class InterpolateSettings(Settings):
    fps: float = number(
        60.0, 1.0, 1000.0, step=1.0, unit="frames/s",
        help="Rate of the finished video, above that of the source. 59.94, 29.97 and 23.976 mean the exact broadcast rates.",
    )  # fmt: skip


def _open(settings: Any, host: Host) -> Finisher:
    from .interpolator import Interpolator

    return Interpolator(settings, host)


def _identity(settings: Any, host: Host) -> str:
    lent = host.lend(BETWEEN)
    return "" if lent is None else str(lent.fingerprint)


def _check(settings: Any, clip: Clip) -> None:
    source = clip.timeline.rate
    if exact_rate(settings.fps) <= source:
        raise UsageError(
            f"fps is {settings.fps:g}, but the clip has {float(source):g} frames/s already and frames are put between, "
            f"not taken away; {float(2 * source):g} would double them."
        )


SPEC = FinisherSpec(
    name="interpolate",
    title="Interpolate",
    summary="Frames between the frames, up to a target rate; cuts and sound stay where they are.",
    settings=InterpolateSettings,
    open=_open,
    version="1",
    main="fps",
    flag="fps",
    identity=_identity,
    check=_check,
)
