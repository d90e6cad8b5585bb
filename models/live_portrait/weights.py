"""The weight files of LivePortrait, under every name that people have them by. Looking at this list loads nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core import Host, WeightFile
from ...core.weight_files import find_all
from .layout import APPEARANCE, GENERATOR, MOTION, WARPING

MLPS = "mlps"
"""The file of the three small networks."""

FOLDER = "liveportrait"
_REPOSITORY = "Kijai/LivePortrait_safetensors"


def _file(title: str, stem: str, num_bytes: int, place: str, *, animals: bool = False) -> WeightFile:
    if animals:
        # Never by the bare name: the same name holds the numbers for people one folder further up.
        name, also = f"animal/{stem}.safetensors", (f"animals/{stem}.safetensors",)
        bases = tuple(f"liveportrait_animals/base_models{version}/{stem}.pth" for version in ("_v1.1", ""))
        also += (*(f"{FOLDER}/{n}" for n in (name, *also)), *bases, *(f"{FOLDER}/{base}" for base in bases))
    else:
        name = f"{stem}.safetensors"
        official = f"{place}/{stem}.pth"
        also = (f"{FOLDER}/{name}", f"{FOLDER}/{official}", f"{FOLDER}/{FOLDER}/{official}", f"{stem}.pth")
    return WeightFile(
        name=f"LivePortrait {title}{' for animals' if animals else ''}",
        file=name,
        folder=FOLDER,
        repository=_REPOSITORY,
        num_bytes=num_bytes,
        sha256=None,
        licence="MIT",
        commercial_use=True,
        also=also,
        by_default=not animals,
    )


def _files(*, animals: bool) -> dict[str, WeightFile]:
    base = "base_models"
    return {
        APPEARANCE: _file("appearance (F)", "appearance_feature_extractor", 3_361_936, base, animals=animals),
        MOTION: _file("motion (M)", "motion_extractor", 112_496_256, base, animals=animals),
        WARPING: _file("warping (W)", "warping_module", 182_000_000, base, animals=animals),
        GENERATOR: _file("generator (G)", "spade_generator", 221_771_768, base, animals=animals),
        # The animals have no small networks of their own: the official code takes those for people.
        MLPS: _file("stitching and retargeting", "stitching_retargeting_module", 912_000, "retargeting_models"),
    }


PEOPLE, ANIMALS = _files(animals=False), _files(animals=True)


def find_weights(host: Host, *, animals: bool = False) -> dict[str, Path]:
    """Role -> where it is. MissingWeights tells of all that are not there."""
    return find_all(host.find_weights, ANIMALS if animals else PEOPLE, "live-portrait")


_LOOKED_AT_BYTES = 1 << 16


def names_and_marks(paths: dict[str, Path]) -> str:
    """What stands behind the pixels: each file's name, size and a mark of some of its bytes. Reading all 520 MB
    would cost seconds a run; other weights of the same name and size differ in their numbers nearly everywhere."""
    return " ".join(f"{path.name}:{path.stat().st_size}:{_mark(path)}" for _, path in sorted(paths.items()))


def _mark(path: Path) -> str:
    size, known = path.stat().st_size, hashlib.sha256()
    with path.open("rb") as file:
        for share in (0.25, 0.5, 0.75, 1.0):
            file.seek(max(0, int(size * share) - _LOOKED_AT_BYTES))
            known.update(file.read(_LOOKED_AT_BYTES))
    return known.hexdigest()[:12]
