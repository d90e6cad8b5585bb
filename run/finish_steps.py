"""Which finishers a request names, made ready: checked before any time is spent, in their order, each with what stands
behind it. And the chain that they form over one clip."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Host, UsageError, VideoSource
from ..core.settings import Plain
from ..finishing.chain import READ_FRAMES, Chain
from ..finishing.finisher import Clip, Finisher, FinisherSpec, Survey
from ..finishing.registry import finisher_spec, in_order
from .digests import digest_of
from .places import write_beside, writing

Steps = Mapping[str, Mapping[str, Plain]]
"""Finisher -> its settings, those only that are not the default; JSON as it is."""

_MISSING = {
    "character": "a picture of the character (`character`)",
    "original": "the video that the frames belong to (`original`)",
    "mask": "a mask of the region (`mask`)",
}


@dataclass(frozen=True)
class Step:
    """One finisher that is going to be used."""

    spec: FinisherSpec
    settings: Any
    identity: str
    """Of its weights; empty where it has none, or before anybody has asked the host."""

    @property
    def key(self) -> list[object]:
        """Everything of it that determines pixels."""
        return [self.spec.name, self.spec.version, self.settings.plain(), self.identity]


def plan_steps(steps: Steps, host: Host | None = None) -> tuple[Step, ...]:
    """In the order of work. UsageError names what exists; with a host, MissingWeights before any work."""
    if not isinstance(steps, Mapping) or not all(isinstance(s, Mapping) for s in steps.values()):
        raise UsageError(f"finish is {steps!r}, but takes finishers with their settings, such as interpolate: fps: 60.")
    planned = []
    for name in in_order(steps):
        spec = finisher_spec(name)
        settings = spec.settings.from_plain(steps[name])
        planned.append(Step(spec, settings, "" if host is None else spec.identity(settings, host)))
    return tuple(planned)


def plain_steps(steps: tuple[Step, ...]) -> dict[str, dict[str, Plain]]:
    """With every setting named, for manifests."""
    return {step.spec.name: step.settings.plain() for step in steps}


def beside_is_there(steps: tuple[Step, ...], given: Mapping[str, object]) -> None:
    """UsageError if a finisher wants to look at something that nobody named."""
    for step in steps:
        for what in sorted(step.spec.needs(step.settings)):
            if given.get(what) is None:
                raise UsageError(f"{step.spec.title} needs {_MISSING[what]}.")


def check_steps(steps: tuple[Step, ...], clip: Clip) -> None:
    """UsageError or InputError where settings and clip do not fit, before any frame is made."""
    for step in steps:
        step.spec.check(step.settings, clip)


def open_chain(steps: tuple[Step, ...], clip: Clip, source: VideoSource, key: str, looks: Path, host: Host) -> Chain:
    """The finishers at work on `source`, whose frames `clip` describes and `key` names.

    Surveys are kept in the folder `looks`, so that a run that was broken off does not look again.
    """
    chain = Chain(clip, lambda start: source.chunks(READ_FRAMES, start))
    reshaped: list[object] = []
    for step in steps:
        finisher = step.spec.open(step.settings, host)
        found: Survey = {}
        if finisher.needs_survey:
            name = digest_of({"clip": key, "step": step.key, "after": reshaped})[:32]
            found = _surveyed(finisher, chain, looks / f"{step.spec.name}-{name}.npz")
        chain.add(finisher, found)
        if finisher.reshapes:
            reshaped.append(step.key)
    return chain


def _surveyed(finisher: Finisher, chain: Chain, path: Path) -> Survey:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError):
        pass  # not there yet
    found = {name: np.asarray(values) for name, values in finisher.survey(chain.clip, chain.frames_to_survey()).items()}
    data = io.BytesIO()
    np.savez_compressed(data, **found)  # type: ignore[arg-type]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_beside(path, data.getvalue())
    return found
