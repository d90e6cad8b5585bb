"""Every weight file this package can use: engines, pose networks, and the models inside MediaPipe's wheel.

And the switch that keeps to those whose licences allow commercial use.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..core import EngineSpec, Host, MissingWeights, NotForCommercialUse, WeightFile
from ..finishing.registry import finisher_names, finisher_spec
from ..models.registry import engine_names, engine_spec
from ..pose.pose_weights import POSE_WEIGHTS

COMMERCIAL_USE_ONLY = "MOTION_TRANSFER_COMMERCIAL_USE_ONLY"
"""Environment variable that turns the switch on for everything: 1, true, yes or on."""
_DETECTOR_LICENCE = "Apache-2.0"  # MediaPipe's models are published under the licence of its code


@dataclass(frozen=True)
class FoundWeights:
    """A weight file as this machine sees it."""

    used_by: str
    name: str
    file: str
    num_bytes: int | None
    licence: str
    commercial_use: bool
    path: Path | None
    """None: not here."""
    wanted: str
    """Where it would be found."""


def all_weights(host: Host) -> list[FoundWeights]:
    """The built-in detector first, then the pose networks, then engines and finishers in their order."""
    found = _detector_weights()
    pose = {name: [weights for used_by, weights in POSE_WEIGHTS if used_by == name] for name, _ in POSE_WEIGHTS}
    engines = {engine: list(engine_spec(engine).weights) for engine in engine_names()}
    engines |= {name: list(finisher_spec(name).weights) for name in finisher_names()}
    told: set[WeightFile] = set()  # two engines may share a file
    for user, files in (*pose.items(), *engines.items()):
        for weights in (w for w in files if w not in told):
            told.add(weights)
            try:
                path = host.find_weights(weights)
            except MissingWeights:
                path = None
            found.append(
                FoundWeights(
                    user,
                    weights.name,
                    weights.file,
                    weights.num_bytes,
                    weights.licence,
                    weights.commercial_use,
                    path,
                    f"{weights.folder}/{weights.file}",
                )
            )
    return found


def only_commercial(asked: bool) -> bool:
    """Whether weights that may not be used commercially are refused: asked for here, or by the environment."""
    return asked or os.environ.get(COMMERCIAL_USE_ONLY, "").strip().lower() in ("1", "true", "yes", "on")


def refuse_non_commercial(weights: WeightFile) -> None:
    """NotForCommercialUse, which names file, licence and what would work, unless the licence allows commercial use."""
    if not weights.commercial_use:
        raise NotForCommercialUse(
            f"{weights.file} ({weights.licence}) may not be used commercially, and commercial use only is asked for; "
            f"{_instead_of(weights)}."
        )


def refuse_engine(spec: EngineSpec) -> None:
    """The same for an engine none of whose weights may be used commercially, wherever it gets them from."""
    if spec.weights and not any(w.commercial_use for w in spec.weights):
        refuse_non_commercial(spec.weights[0])


def _instead_of(weights: WeightFile) -> str:
    """What works with free files alone."""
    if any(weights == other for _, other in POSE_WEIGHTS):
        free = dict.fromkeys(name for name, w in POSE_WEIGHTS if w.commercial_use)
        return f"of the pose networks {', '.join(free)} would work"
    specs = [engine_spec(name) for name in engine_names()]
    if any(weights in spec.weights for spec in specs):
        free = dict.fromkeys(spec.name for spec in specs if all(w.commercial_use for w in spec.weights))
        return f"of the engines {', '.join(free)} would work"
    return "leave out what needs it"


def _detector_weights() -> list[FoundWeights]:
    try:
        files = metadata.files("mediapipe") or []
    except metadata.PackageNotFoundError:
        return [
            FoundWeights(
                "detector", "mediapipe", "mediapipe 0.10.21 (holds its models)", None, _DETECTOR_LICENCE, True, None,
                "pip install --no-deps mediapipe==0.10.21",
            )
        ]  # fmt: skip
    found = []
    for file in sorted(files, key=str):
        if file.suffix == ".tflite":
            path = Path(str(file.locate()))
            size = path.stat().st_size if path.is_file() else None
            found.append(
                FoundWeights(
                    "detector", file.stem, file.name, size, _DETECTOR_LICENCE, True,
                    path if size is not None else None, str(path),
                )
            )  # fmt: skip
    return found
