"""Where weight files are looked for, and the one line that says what is missing. For every host.

ComfyUI's own lists are not asked: it shows only the endings that are registered for a folder, and `.onnx` is not
among those of `detection`. Nothing of ComfyUI's is changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core import MissingWeights, WeightFile
from ..core.weight_files import MissingFile, size_words


def find_weight_file(
    weights: WeightFile, folders: Sequence[Path], roots: Sequence[Path], *, command: str, otherwise: str
) -> Path:
    """An existing file (or folder, where `weights.also` names one).

    `folders` are those of the kind `weights.folder`, and everything below them; `roots` hold all models. Names are
    tried in order: the file as published, then `weights.also`. Raises MissingWeights: which, how large, which
    licence, from where, to where, the `command` that fetches it ({} for its name), and what would do `otherwise`.
    """
    below = _Below(folders)
    for name in (weights.file, *weights.also):
        for path in _places(name, folders, roots, below):
            if path.exists():
                return path
    # A kind may have several folders (ComfyUI's diffusion_models begin with the old `unet`); the one of its name is meant.
    named = [folder for folder in folders if folder.name == weights.folder]
    place = (*named, *folders, roots[0] / weights.folder)[0] / weights.file
    size = f"{size_words(weights.num_bytes)}, " if weights.num_bytes else ""
    terms = weights.licence if weights.commercial_use else f"{weights.licence}, mind its terms for commercial use"
    raise MissingWeights(
        f"{weights.name} is missing: put {weights.file} ({size}{terms}) from huggingface.co/{weights.repository} "
        f"at {place} ('{command.format(weights.file)}' does){otherwise}",
        MissingFile(weights, place, command, otherwise),
    )


def _places(name: str, folders: Sequence[Path], roots: Sequence[Path], below: _Below) -> Iterator[Path]:
    if "/" in name:
        for root in roots:
            yield root / name
            if name.startswith("custom_nodes/"):  # which lies beside ComfyUI's `models`
                yield root.parent / name
        return
    for folder in folders:
        yield folder / name
    yield from below.named(name)
    for root in roots:
        yield root / name


class _Below:
    """What lies anywhere under some folders, looked through once and only if asked."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._found: dict[str, list[Path]] | None = None

    def named(self, name: str) -> list[Path]:
        if self._found is None:
            self._found = {}
            walked: set[str] = set()
            for folder in self._folders:
                for here, inner, files in os.walk(folder, followlinks=True):
                    real = os.path.realpath(here)
                    if real in walked:  # a link that leads back
                        inner.clear()
                        continue
                    walked.add(real)
                    inner.sort()
                    for found in (*sorted(files), *inner):
                        self._found.setdefault(found, []).append(Path(here) / found)
        return self._found.get(name, [])
