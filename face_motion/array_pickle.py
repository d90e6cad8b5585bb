"""Numbers and arrays out of a pickle file, without unpickling it.

A pickle is a program for a small machine; the usual reader calls whatever function the file names. This one reads the
same instructions and builds dictionaries, lists, numbers, texts and plain number arrays by itself. Names in the file
are compared with a short list and never looked up, so nothing in it can run; whatever is not on the list is refused.
"""

from __future__ import annotations

import math
import pickletools
from typing import Any

import numpy as np

from ..core import BadMotionFile

MOST_BYTES = 256 << 20
_MOST_STEPS = 5_000_000
_MOST_VALUES = 300_000
_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_NAMES = {
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    **{f"numpy.{core}.multiarray {name}": name for core in ("core", "_core") for name in ("_reconstruct", "scalar")},
    **{f"numpy.{core}.numeric _frombuffer": "_frombuffer" for core in ("core", "_core")},
}
_PUSH = frozenset(
    [
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "INT",
        "LONG",
        "BINFLOAT",
        "FLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "UNICODE",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "SHORT_BINSTRING",
        "BINSTRING",
    ]
)
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class _Refused(Exception):
    """Why a file is not what this reader reads, as the end of a sentence."""


class _Name:
    """One of the names of the list; it is no function and cannot be called."""

    def __init__(self, word: str) -> None:
        self.word = word


class _Kind:
    """A number type as the file describes it."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "<"

    def type(self) -> np.dtype:
        return np.dtype(self.order + self.code)


class _Array:
    """An array that the file has announced and may not have filled yet."""

    def __init__(self) -> None:
        self.values: np.ndarray | None = None


_MARK = object()


def read_arrays(data: bytes, what: str) -> Any:
    """The dictionaries, lists, numbers, texts and arrays that the pickle `data` holds; `what` names the file in errors.

    BadMotionFile says in one line what was found if it is damaged, or asks for anything but these.
    """
    if len(data) > MOST_BYTES:
        raise BadMotionFile(f"{what} has {len(data) >> 20} MB; a motion template has at most {MOST_BYTES >> 20} MB.")
    try:
        return _plain(_run(data), 0, [_MOST_VALUES])
    except _Refused as reason:
        raise BadMotionFile(f"{what} was not read: {reason}. Only numbers, texts and plain number arrays in lists and dictionaries would work.") from None  # fmt: skip
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())[:80]
        raise BadMotionFile(f"{what} is damaged or no motion template ({said}).") from None


def _run(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for step, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        name = opcode.name
        number: Any = argument
        if step > _MOST_STEPS:
            raise _Refused(f"it takes more than {_MOST_STEPS} steps")
        if name in _PUSH:
            stack.append(_CONSTANTS.get(name, argument))
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "STOP":
            break
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "POP":
            stack.pop()
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            memo[len(memo) if name == "MEMOIZE" else int(number)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[int(number)])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            if name == "STACK_GLOBAL":
                member, module = stack.pop(), stack.pop()
                argument = f"{module} {member}"
            stack.append(_known(str(argument)))
        else:
            _build(name, stack)
    if len(stack) != 1:
        raise _Refused("it ends in the middle")
    return stack[0]


def _build(name: str, stack: list[Any]) -> None:
    if name.startswith("EMPTY_"):
        empty = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}.get(name)
        if empty is None:
            raise _Refused(f"it holds a {name[6:].lower()}")
        stack.append(empty())
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        count = int(name[-1])
        if len(stack) < count:
            raise _Refused("it ends in the middle")
        stack[-count:] = [tuple(stack[-count:])]
    elif name in ("TUPLE", "LIST", "DICT"):
        items = _to_mark(stack)
        stack.append(_pairs({}, items) if name == "DICT" else tuple(items) if name == "TUPLE" else items)
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else _to_mark(stack)
        _expect(stack[-1], list).extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _to_mark(stack)
        _pairs(_expect(stack[-1], dict), items)
    elif name == "REDUCE":
        arguments, made_by = stack.pop(), stack.pop()
        stack.append(_make(_expect(made_by, _Name).word, _expect(arguments, tuple)))
    elif name == "BUILD":
        state = stack.pop()
        _fill(stack[-1], _expect(state, tuple))
    else:
        raise _Refused(f"it uses the instruction {name}")


def _known(name: str) -> _Name:
    if name not in _NAMES:
        raise _Refused(f"it asks for {' '.join(name.split())[:60].replace(' ', '.')!r}")
    return _Name(_NAMES[name])


def _make(word: str, arguments: tuple) -> Any:
    """What numpy would make of it, for the few ways in which it writes arrays."""
    if word == "dtype":
        if arguments[0] not in _NUMBERS:
            raise _Refused(f"it holds values of type {str(arguments[0])[:20]!r}")
        return _Kind(arguments[0])
    if word == "_reconstruct":
        return _Array()  # filled by what follows
    if word == "encode" and arguments[1:] == ("latin1",):
        return _expect(arguments[0], str).encode("latin1")  # bytes as protocol 2 writes them
    if word == "scalar":
        return _numbers(arguments[0], arguments[1], (), False).item()
    if word == "_frombuffer":
        out = _Array()
        out.values = _numbers(arguments[1], arguments[0], arguments[2], arguments[3] == "F")
        return out
    raise _Refused(f"it calls {word!r}")


def _fill(target: Any, state: tuple) -> None:
    if isinstance(target, _Kind):
        if state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise _Refused("it holds values that are no plain numbers")
        target.order = state[1]
    elif isinstance(target, _Array) and len(state) == 5:
        target.values = _numbers(state[2], state[4], state[1], bool(state[3]))
    else:
        raise _Refused("it changes something that is no array")


def _numbers(kind: Any, content: Any, shape: Any, by_columns: bool) -> np.ndarray:
    kind = _expect(kind, _Kind).type()
    if not isinstance(content, bytes | bytearray):
        raise _Refused("an array in it is not made of plain numbers")
    sides = _expect(shape, tuple)
    if any(not isinstance(n, int) or n < 0 for n in sides) or math.prod(sides) * kind.itemsize != len(content):
        raise _Refused(f"an array in it has {len(content)} bytes for the shape {str(sides)[:40]}")
    return np.frombuffer(content, kind).reshape(sides, order="F" if by_columns else "C")


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    """Arrays in place of what stood for them, as one tree of at most `left[0]` values: a few lists that hold each
    other many times over would fill any memory."""
    left[0] -= 1
    if depth > 4 or left[0] < 0:
        raise _Refused("it is nested more than 4 deep" if depth > 4 else f"it holds more than {_MOST_VALUES} values")
    if isinstance(value, _Array):
        if value.values is None:
            raise _Refused("an array in it is empty")
        return value.values
    if isinstance(value, dict):
        return {_expect(k, str): _plain(v, depth + 1, left) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1, left) for v in value]
    if isinstance(value, _Name | _Kind) or value is _MARK:
        raise _Refused("it holds something that is no value")
    return value


def _to_mark(stack: list[Any]) -> list[Any]:
    for k in range(len(stack) - 1, -1, -1):
        if stack[k] is _MARK:
            items = stack[k + 1 :]
            del stack[k:]
            return items
    raise _Refused("it ends in the middle")


def _pairs(into: dict, items: list[Any]) -> dict:
    if len(items) % 2:
        raise _Refused("a dictionary in it lacks a value")
    into.update((_expect(k, str), v) for k, v in zip(items[::2], items[1::2], strict=True))
    return into


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise _Refused(f"it has {type(value).__name__.strip('_').lower()} where {kind.__name__.strip('_').lower()} belongs")  # fmt: skip
    return value
