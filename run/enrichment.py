"""What an engine reads from the film itself and any character can use, kept by content: read once for a whole cast."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core import Engine, Host, InputError, Motion, VideoSource
from .digests import digest_of, motion_digest
from .places import write_beside

ENRICHMENT_VERSION = 1
"""Changed whenever the same film and encoder give other codes."""


def enriched(
    motion: Motion, engine: Engine, driving: Callable[[], VideoSource | None], cache: Path, host: Host
) -> Motion:
    """The motion with what `engine.enrich` adds to its face codes; as it is where the engine adds nothing.

    `driving` is only asked for where nothing is kept.
    """
    name = getattr(engine, "enrichment", "")
    enrich = getattr(engine, "enrich", None)
    if not name or enrich is None or name in motion.face_codes:
        return motion
    asked = {"motion": motion_digest(motion), "adds": name, "version": ENRICHMENT_VERSION}
    path = cache / "enriched" / f"{digest_of(asked)}.npz"
    known = _read(path, motion)
    if known is not None:
        return known
    added = enrich(motion, driving())
    codes = {n: c for n, c in added.face_codes.items() if n not in motion.face_codes}
    if codes:
        _keep(path, codes, host)
    return added


def _keep(path: Path, codes: dict[str, np.ndarray], host: Host) -> None:
    data = io.BytesIO()
    arrays = {f"codes{k}": c for k, c in enumerate(codes.values())}
    np.savez_compressed(data, allow_pickle=False, names=np.array(list(codes)), **arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, data.getvalue())
    except (OSError, InputError) as error:
        host.note(f"The face codes could not be kept for the next run ({error}).")


def _read(path: Path, motion: Motion) -> Motion | None:
    """None if there is no entry or it is damaged: then it is made again."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            codes = {str(n): file[f"codes{k}"] for k, n in enumerate(file["names"])}
        return replace(motion, face_codes={**motion.face_codes, **codes})
    except Exception:  # noqa: BLE001  zip, npy and header damage each raise something else
        return None
