"""A safetensors file, written with the same bytes for the same content and read with distrust.

The format is a length of 8 bytes, a JSON header and raw little-endian arrays. (The safetensors
package writes metadata in random order; hence our own few lines.) Nothing is allocated because a header says
so: it is held against the size of the file, the arrays must fill the rest without gaps or overlaps, and only the number types
that are asked for are taken. Whatever is wrong is a `Distrust` with the reason in half a sentence.
"""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import numpy as np

MOST_HEADER_BYTES = 1 << 20
_DTYPES = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


class Distrust(ValueError):
    """Why a file is not believed; the caller adds which file."""


def tensor_bytes(metadata: dict[str, str], arrays: dict[str, np.ndarray]) -> bytes:
    """The whole file, of float32 and int64 arrays."""
    # Wide numbers first, so that every array lies where its type wants it.
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    kinds = {dtype: word for word, dtype in _DTYPES.items()}
    entries: dict[str, Any] = {"__metadata__": metadata}
    pieces, start = [], 0
    for name in names:
        dtype = arrays[name].dtype.newbyteorder("<")
        piece = arrays[name].astype(dtype, order="C").tobytes()
        entries[name] = {
            "dtype": kinds[dtype],
            "shape": list(arrays[name].shape),
            "data_offsets": [start, start + len(piece)],
        }
        pieces.append(piece)
        start += len(piece)
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return b"".join((len(header).to_bytes(8, "little"), header, *pieces))


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata, and name -> array (float32 or int64, writable, at most three axes).

    Raises Distrust, and OSError where the file cannot be opened.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        header_bytes = _header_length(start, size)
        metadata, places = _places(file.read(header_bytes), size - 8 - header_bytes)
        # Only now is more read, and never more than the file truly has.
        return metadata, _arrays(file.read(size - 8 - header_bytes), places)


def parse_tensors(whole: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The same from memory."""
    header_bytes = _header_length(whole[:8], len(whole))
    data = whole[8 + header_bytes :]
    metadata, places = _places(whole[8 : 8 + header_bytes], len(data))
    return metadata, _arrays(data, places)


def _header_length(start: bytes, size: int) -> int:
    if size == 0:
        raise Distrust("it is empty")
    if len(start) < 8:
        raise Distrust(f"it has only {size} bytes")
    header_bytes = int.from_bytes(start, "little")
    if not 2 <= header_bytes <= MOST_HEADER_BYTES:
        raise Distrust(f"this is not a safetensors file, or its header of {header_bytes} bytes is absurd")
    if 8 + header_bytes > size:
        raise Distrust(f"its header of {header_bytes} bytes is cut off; the file has {size} bytes")
    return header_bytes


def _places(header: bytes, data_bytes: int) -> tuple[dict[str, Any], dict[str, tuple[np.dtype[Any], list[int], int]]]:
    entries = read_json(header, "its header")
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict):
        raise Distrust("it is a safetensors file without metadata")
    places: dict[str, tuple[np.dtype[Any], list[int], int]] = {}
    spans = []
    for key, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise Distrust(f"the entry of {key[:40]!r} is damaged")
        shape, offsets, dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise Distrust(f"{key[:40]!r} is of type {str(dtype)[:20]!r}; only F32 and I64 are taken")
        if not are_whole(shape) or not are_whole(offsets) or len(offsets) != 2 or len(shape) > 3:
            raise Distrust(f"the shape or place of {key[:40]!r} makes no sense")
        start, stop = offsets
        if not start <= stop <= data_bytes:
            raise Distrust(f"{key[:40]!r} lies beyond the end of the file; it is cut off or damaged")
        if math.prod(shape) * _DTYPES[dtype].itemsize != stop - start:
            raise Distrust(f"{key[:40]!r} claims {str(shape)[:60]}, which does not fit its {stop - start} bytes")
        spans.append((start, stop))
        places[key] = (_DTYPES[dtype], shape, start)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise Distrust("its arrays overlap or leave gaps")
        end = stop
    if end != data_bytes:
        raise Distrust(f"{data_bytes - end} bytes after its arrays belong to nothing")
    return metadata, places


def _arrays(data: bytes, places: dict[str, tuple[np.dtype[Any], list[int], int]]) -> dict[str, np.ndarray]:
    result = {}
    for key, (dtype, shape, start) in places.items():
        count = math.prod(shape)
        if start + count * dtype.itemsize > len(data):  # it shrank while it was read
            raise Distrust("it is cut off")
        try:
            result[key] = np.frombuffer(data, dtype, count, start).reshape(shape).astype(dtype.newbyteorder("="))
        except ValueError as error:  # an empty array may still claim sides beyond what numpy counts
            raise Distrust(f"{key[:40]!r} has an impossible shape ({error})") from None
    return result


def read_json(text: str | bytes, what: str) -> dict[str, Any]:
    """A JSON object without repeated names and without NaN; Distrust says that `what` is damaged."""
    try:
        value = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Distrust(f"{what} is damaged ({re.sub(chr(10), ' ', str(error))[:80]})") from None
    if not isinstance(value, dict):
        raise Distrust(f"{what} is not a JSON object")
    return value


def is_whole(value: Any) -> TypeGuard[int]:
    """A whole number (and not true or false)."""
    return isinstance(value, int) and not isinstance(value, bool)


def are_whole(values: Any) -> TypeGuard[list[int]]:
    """A list of whole numbers from 0 that fit int64."""
    return isinstance(values, list) and all(is_whole(v) and 0 <= v < 2**63 for v in values)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
