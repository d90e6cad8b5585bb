"""Weight files fetched from Hugging Face when the user asks for it, whole or not at all, and looked at again later.

A broken download goes on where it stopped. What the hub states of a file, its size and SHA-256, is compared with what
arrived and kept in `hashes.json` of the models folder, for `verify`. Nothing here runs unless a command asks for it.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import CannotWrite, Host, InputError, MissingPackage, MissingWeights, UsageError, WeightFile
from ..finishing.registry import finisher_names, finisher_spec
from ..models.registry import engine_names, engine_spec
from ..pose.networks import POSE_NETWORKS
from ..pose.pose_weights import POSE_WEIGHTS, YOLOX_L
from ..video import file_sha256
from .places import write_json, writing

KEPT = "hashes.json"
_UNFINISHED = ".unfinished"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROOM = 1 << 28  # bytes that stay free on the disk


@dataclass(frozen=True)
class Verified:
    """What a weight file on this machine turned out to be."""

    path: Path
    verdict: str
    """'whole', 'damaged' or 'unknown' (nobody has said what it should be)."""
    said: str


def asked_for(name: str) -> tuple[list[WeightFile], list[WeightFile]]:
    """The files that `name` means, and those left out of them.

    A name is an engine, a finisher or a detector, which mean what their default settings want (a detector: with who finds people for it), or one file by its name.
    UsageError lists what there is.
    """
    groups: dict[str, list[WeightFile]] = {}
    for used_by, weights in POSE_WEIGHTS:  # a pose network looks where a finder has found somebody
        groups.setdefault(used_by, [YOLOX_L] if used_by in POSE_NETWORKS else []).append(weights)
    for engine in engine_names():
        if engine_spec(engine).weights:
            groups[engine] = list(engine_spec(engine).weights)
    for finisher in finisher_names():
        if finisher_spec(finisher).weights:
            groups[finisher] = list(finisher_spec(finisher).weights)
    if name in groups:
        return [w for w in groups[name] if w.by_default], [w for w in groups[name] if not w.by_default]
    every = {w.file: w for files in groups.values() for w in files}
    for weights in every.values():
        if name in (weights.file, weights.name):
            return [weights], []
    raise UsageError(f"There is no weight file {name!r}; there are {', '.join(groups)}, and single files: {', '.join(every)}.")  # fmt: skip


def hub_place(weights: WeightFile) -> tuple[str, str]:
    """Repository 'owner/name' and the folder in it, '' for its top."""
    repository, _, folder = weights.repository.partition("/tree/main/")
    return repository, folder


def fetch(weights: WeightFile, folder: Path, host: Host, *, endpoint: str | None = None) -> list[Path]:
    """The file, and those that belong beside it, in `folder`/`weights.folder`; those that are there are left alone.

    Raises MissingPackage without huggingface_hub, InputError when the hub cannot be reached or something else arrives
    than it states, CannotWrite for a full disk.
    """
    return [_fetch(weights, name, folder, host, endpoint) for name in (weights.file, *weights.beside)]


def _fetch(weights: WeightFile, name: str, folder: Path, host: Host, endpoint: str | None) -> Path:
    place = folder / weights.folder / name
    hub = _hub()
    repository, inside = hub_place(weights)
    remote = f"{inside}/{name}" if inside else name
    url = hub.hf_hub_url(repository, remote, endpoint=endpoint)
    try:
        stated = hub.get_hf_file_metadata(url, endpoint=endpoint)
    except Exception as error:  # noqa: BLE001  the hub's, httpx's and the socket's own kinds
        raise InputError(f"{url} does not answer: {_line(error)} Try again later, or put {name} at {place} yourself.") from None  # fmt: skip
    sha256 = stated.etag if stated.etag and _SHA256.fullmatch(stated.etag) else None
    expected = weights.sha256 if name == weights.file else None
    if expected and sha256 and expected != sha256:
        raise InputError(f"{url} is another file than this program knows (SHA-256 {sha256[:16]}..., known {expected[:16]}...); nothing was fetched.")  # fmt: skip
    if place.is_file():
        if stated.size is None or place.stat().st_size == stated.size:
            host.note(f"{place} is here already.")
            return place
        raise CannotWrite(f"{place} is here, but has {place.stat().st_size} bytes where the hub has {stated.size}; move it away first.")  # fmt: skip
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(place.parent).free
        if stated.size is not None and free < stated.size + _ROOM:
            raise CannotWrite(f"{name} needs {stated.size / 1e9:.1f} GB at {place.parent}, where {free / 1e9:.1f} GB are free.")  # fmt: skip
        arrived = folder / _UNFINISHED / f"{name}.{(sha256 or str(stated.commit_hash))[:16]}"
        arrived.parent.mkdir(parents=True, exist_ok=True)
        pinned = hub.hf_hub_url(repository, remote, revision=stated.commit_hash, endpoint=endpoint)
        _receive(hub, pinned, arrived, stated.size)
        found = file_sha256(arrived)
        if sha256 and found != sha256:
            arrived.unlink()
            raise InputError(f"{url} arrived damaged (SHA-256 {found[:16]}..., stated {sha256[:16]}...) and was thrown away; fetch it again.")  # fmt: skip
        arrived.replace(place)
    _keep(folder, place, {"sha256": found, "num_bytes": place.stat().st_size, "repository": repository, "path": remote, "revision": stated.commit_hash})  # fmt: skip
    with contextlib.suppress(OSError):  # another download may be unfinished there
        (folder / _UNFINISHED).rmdir()
    return place


def _receive(hub: Any, url: str, arrived: Path, num_bytes: int | None) -> None:
    """All of `url` in `arrived`, after what an earlier try has left there."""
    from huggingface_hub.file_download import http_get  # its own resuming ends with the process

    with arrived.open("ab") as file:
        if num_bytes is not None and file.tell() == num_bytes:
            return
        try:
            http_get(url, file, resume_size=file.tell(), headers=hub.utils.build_hf_headers(), expected_size=num_bytes)
        except OSError as error:
            if error.errno is not None:  # the disk's; the hub's own kinds have none
                raise
            raise InputError(f"{url} broke off: {_line(error)} The same command goes on from there.") from None
        except Exception as error:  # noqa: BLE001  httpx's kinds
            raise InputError(f"{url} broke off: {_line(error)} The same command goes on from there.") from None


def verify(host: Host, folder: Path) -> list[Verified]:
    """Every known weight file that is here, read whole and compared with what was kept of it or is known."""
    kept = _kept(folder)
    done: dict[Path, Verified] = {}
    files = [w for _, w in POSE_WEIGHTS] + [w for e in engine_names() for w in engine_spec(e).weights]
    files += [w for f in finisher_names() for w in finisher_spec(f).weights]
    for number, weights in enumerate(files):
        host.step(number, len(files), "verify")
        try:
            path = host.find_weights(weights)
        except MissingWeights:
            continue
        if path in done or path.is_dir():
            continue
        known = kept.get(_key(folder, path), {}).get("sha256")
        known = known or (weights.sha256 if path.name == weights.file else None)
        if known is None:
            done[path] = Verified(path, "unknown", "nobody has said its SHA-256; 'models get' would")
            continue
        found = file_sha256(path)
        whole = found == known
        done[path] = Verified(path, "whole" if whole else "damaged", f"SHA-256 {found}" if whole else f"SHA-256 is {found}, not {known}")  # fmt: skip
    return list(done.values())


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise MissingPackage("Fetching weights needs huggingface_hub: pip install huggingface_hub, or put the files in place by hand.") from None  # fmt: skip
    return huggingface_hub


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."


def _key(folder: Path, path: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(path)


def _kept(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / KEPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _keep(folder: Path, path: Path, said: dict[str, Any]) -> None:
    write_json(folder / KEPT, {**_kept(folder), _key(folder, path): said})
