"""Every weight file this package can use: engines, pose networks, and the models inside MediaPipe's wheel."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..core import Host, MissingWeights, WeightFile
from ..models.registry import engine_names, engine_spec
from ..pose.pose_weights import POSE_WEIGHTS

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
    """The built-in detector first, then the pose networks, then the engines in their order."""
    found = _detector_weights()
    pose = {name: [weights for used_by, weights in POSE_WEIGHTS if used_by == name] for name, _ in POSE_WEIGHTS}
    engines = {engine: list(engine_spec(engine).weights) for engine in engine_names()}
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
