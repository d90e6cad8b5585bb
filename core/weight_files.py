"""Weight files that are missing, told together: all of them in one line, with the one command that brings them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .engine import WeightFile
from .errors import MissingWeights, NotForCommercialUse


@dataclass(frozen=True)
class MissingFile:
    """One file that a host has looked for in vain; carried by its MissingWeights."""

    weights: WeightFile
    place: Path
    """Where it would be found."""
    command: str
    """What fetches to where this host looks, with {} for the names."""
    otherwise: str
    """How the line goes on after the command: what else would work here."""


def find_all(find: Callable[[WeightFile], Path], wanted: Mapping[str, WeightFile], user: str) -> dict[str, Path]:
    """Role -> where it is, as `find` tells, such as `Host.find_weights`. `user` is the engine whose files they are.

    MissingWeights tells of all that are missing; NotForCommercialUse comes before them.
    """
    found: dict[str, Path] = {}
    errors: list[MissingWeights] = []
    for role, weights in wanted.items():
        try:
            found[role] = find(weights)
        except NotForCommercialUse:
            raise
        except MissingWeights as error:
            errors.append(error)
    if errors:
        raise all_missing(errors, user) from None
    return found


def all_missing(errors: Iterable[MissingWeights], user: str) -> MissingWeights:
    """The errors as one; a single one is what it was."""
    errors = list(errors)
    files = [error.missing for error in errors if error.missing is not None]
    others = [str(error) for error in errors if error.missing is None]
    if len(errors) == 1:
        return errors[0]
    if len(files) < 2:
        return MissingWeights(" ".join(map(str, errors)))
    kept_apart: dict[tuple[str, Path, str], list[WeightFile]] = {}
    for file in files:
        weights, top = file.weights, file.place.parents[file.weights.file.count("/")]
        kept_apart.setdefault((weights.repository, top, _terms(weights)), []).append(weights)
    root = _shared([top for _, top, _ in kept_apart])
    places = "; ".join(
        f"{', '.join(w.file for w in group)} ({terms}) from huggingface.co/{repository}{_inside(top, root)}"
        for (repository, top, terms), group in kept_apart.items()
    )
    # The name of the user stands for its defaults; for one of them that would fetch what nobody misses.
    defaults = [file for file in files if file.weights.by_default]
    named = [file for file in files if file not in defaults or len(defaults) < 2]
    names = " ".join([user] * (len(defaults) > 1) + [file.weights.file for file in named])
    told = (
        f"{len(files)} weight files of {user} are missing{_together(files)}: '{files[0].command.format(names)}' brings "
        f"them. By hand{'' if root is None else f', in {root}'}: {places}{files[0].otherwise}"
    )
    return MissingWeights(" ".join([told, *others]))


def _shared(folders: list[Path]) -> Path | None:
    """The folder that all of them are in, which may be their own; None on several drives."""
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        return None


def _inside(folder: Path, root: Path | None) -> str:
    return "" if folder == root else f" to {folder if root is None else folder.relative_to(root)}"


def size_words(num_bytes: int) -> str:
    """'217 MB', '1.3 GB'."""
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"


def _terms(weights: WeightFile) -> str:
    return weights.licence if weights.commercial_use else f"{weights.licence}, mind its terms for commercial use"


def _together(files: list[MissingFile]) -> str:
    sizes = [file.weights.num_bytes for file in files]
    return f" ({size_words(sum(n or 0 for n in sizes))})" if all(sizes) else ""
