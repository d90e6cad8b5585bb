"""A network in an ONNX file: opened with care, run in batches, kept for the next clip.

Whatever is wrong with the file is one line that names what was found; the provider is the one really in use. Small
files stay loaded on the processor between runs (see `forget_networks`), so that no clip waits for a load done before.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import InputError, MissingPackage, MissingWeights
from .onnx_providers import CPU, import_onnxruntime, load_libraries, provider_for, provider_options

BATCH_ON_CPU, BATCH_ON_CARD = 4, 16
"""More at a time is no faster: on two cores eight crops gain 1-3 % over four, and memory grows."""
_KEPT_FILE_BYTES = 400 << 20
_KEPT_NETWORKS = 3
_ENTRY = "end2end.onnx"
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_GRAPH_BYTES = 64 << 20  # a graph whose weights lie elsewhere is far smaller
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")

_kept: OrderedDict[tuple[Any, ...], tuple[OnnxNetwork, str]] = OrderedDict()
# With the reason why it is only the processor's, which is told at every opening.
_lock = threading.Lock()


@dataclass(frozen=True)
class OnnxNetwork:
    """An open session and what its file says of itself."""

    path: Path
    session: Any
    provider: str
    input_name: str
    input_shape: tuple[int | None, ...]
    """None where the file leaves it open."""
    input_type: type
    output_names: tuple[str, ...]
    output_shapes: tuple[tuple[int | None, ...], ...]
    _one_by_one: list[bool] = field(default_factory=list)
    """Not empty once a file that promises any number of items was seen to take one only."""

    @property
    def batch(self) -> int:
        """How many items go in together."""
        if self._one_by_one:
            return 1
        return self.input_shape[0] or (BATCH_ON_CPU if self.provider == CPU else BATCH_ON_CARD)

    def run(self, count: int, fill: Callable[[np.ndarray, int], None], shape: tuple[int, ...]) -> list[np.ndarray]:
        """Every output for `count` items, float32, stacked along the first axis.

        `fill(planes, i)` writes item i into float32 `planes` of `shape`; `batch` of them go through together. A file
        with a fixed batch gets the last one filled up with zeros.
        """
        outputs: list[list[np.ndarray]] = [[] for _ in self.output_names]
        fixed = self.input_shape[0]
        start = 0
        while start < count:
            n = min(self.batch, count - start)
            planes = np.zeros((fixed or n, *shape), np.float32)
            for k in range(n):
                fill(planes[k], start + k)
            answers = self._answers(planes)
            if answers is None:
                self._one_by_one.append(True)
                continue
            for all_of_it, answer in zip(outputs, answers, strict=True):
                all_of_it.append(np.asarray(answer, np.float32)[:n])
            start += n
        return [np.concatenate(parts) if len(parts) != 1 else parts[0] for parts in outputs]

    def _answers(self, planes: np.ndarray) -> list[np.ndarray] | None:
        """None where several items at a time are more than the file can do, whatever it says of itself."""
        may_be_many = self.input_shape[0] is None and len(planes) > 1
        try:
            answers = self.session.run(
                list(self.output_names), {self.input_name: planes.astype(self.input_type, copy=False)}
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common type
            if may_be_many:
                return None
            said = str(error).split(" : ")[-1].strip().splitlines()
            raise InputError(
                f"{self.path.name} does not run on {self.provider} with input {list(planes.shape)}: "
                f"{said[0][:200] if said else type(error).__name__}"
            ) from None
        if may_be_many and any(len(answer) != len(planes) for answer in answers):
            return None
        return answers


def open_onnx(
    path: Path, title: str, device: str, note: Callable[[str], None] | None, *, published_bytes: int | None = None
) -> OnnxNetwork:
    """The network in `path` (a file, or a folder with end2end.onnx) on `device`, ready to run.

    `published_bytes` is how large it is where it comes from, for the message about a damaged file.

    Where `device` cannot be had, `note` is told why and the processor is taken; without `note` that is MissingPackage.
    Raises MissingPackage, MissingWeights (a data file beside it is not there), InputError (damaged, no ONNX).
    """
    runtime = import_onnxruntime(title)
    path = onnx_file(path)
    provider, reason = provider_for(runtime, device)
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns, provider, device)
    with _lock:
        kept = _kept.get(key)
        if kept is not None:
            _kept.move_to_end(key)
    if kept is not None:
        network, reason = kept
        if reason:
            _tell(title, device, reason, note)
        return network
    num_bytes = check_data_files(path, title)
    complaint = load_libraries(runtime, provider)
    network = _open(runtime, path, title, provider, device, num_bytes, published_bytes)
    if provider != CPU and network.provider == CPU:
        why = complaint or "its CUDA or cuDNN libraries are missing or of another version"
        reason = f"{provider} of onnxruntime {runtime.__version__} did not start: {why}"
    if reason:
        _tell(title, device, reason, note)
    # A card's memory is for the models that come after: nobody could ask a kept session to make room.
    if network.provider == CPU and num_bytes <= _KEPT_FILE_BYTES:
        with _lock:
            _kept[key] = (network, reason)
            while len(_kept) > _KEPT_NETWORKS:
                _kept.popitem(last=False)
    return network


def forget_networks() -> None:
    """Free the networks that are kept for the next clip; those in use stay until they are done."""
    with _lock:
        _kept.clear()


def onnx_file(path: Path) -> Path:
    """The graph's own file: `path`, or end2end.onnx in it where it is a folder. MissingWeights if that is not there."""
    if not path.is_dir():
        return path
    inner = path / _ENTRY
    if not inner.is_file():
        raise MissingWeights(f"The folder {path} holds no {_ENTRY}; copy the whole folder, its weights lie beside it.")
    return inner


def check_data_files(path: Path, title: str) -> int:
    """Bytes of the graph and all weights beside it; MissingWeights names what is not there."""
    num_bytes = path.stat().st_size
    if num_bytes > _GRAPH_BYTES:
        return num_bytes
    names = data_files(path)
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingWeights(
            f"{title}: {path.name} keeps its weights in {missing[0]}{more}, which must lie beside it in {path.parent}."
        )
    return num_bytes + sum((path.parent / name).stat().st_size for name in names)


def data_files(path: Path) -> list[str]:
    """Names of the files in which an ONNX graph keeps its weights; none for most."""
    if path.stat().st_size > _GRAPH_BYTES:
        return []
    data = path.read_bytes()
    names = {data[m.end() : m.end() + m.group(1)[0]].decode("utf-8", "replace") for m in _LOCATION.finditer(data)}
    return sorted(names)


def wrong_network(title: str, path: Path, wanted: str, found: str) -> InputError:
    """The one line for a file that holds another network."""
    return InputError(f"{path.name} is not {title}: {wanted} wanted, {found} found.")


def shape_words(shapes: Sequence[tuple[int | None, ...]]) -> str:
    """Such as '[n,133,64,48]', for messages."""
    return " and ".join("[" + ",".join("n" if d is None else str(d) for d in shape) + "]" for shape in shapes)


def _open(
    runtime: Any, path: Path, title: str, provider: str, device: str, num_bytes: int, published_bytes: int | None
) -> OnnxNetwork:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what matters is said in our own line
    if provider == "DmlExecutionProvider":
        options.enable_mem_pattern = False  # DirectML asks for both
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    wanted = [(provider, provider_options(provider, device, num_bytes))]
    try:
        try:
            session = runtime.InferenceSession(str(path), options, providers=wanted, enable_fallback=0)
        except Exception:
            if provider == CPU:
                raise
            # Either the provider or the file; the processor tells which.
            session = runtime.InferenceSession(str(path), options, providers=[CPU])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common type
        said = str(error).split(" : ")[-1].strip().splitlines()
        published = f", as published {published_bytes / 1e6:.1f} MB" if published_bytes else ""
        raise InputError(
            f"{title}: {path} ({num_bytes / 1e6:.1f} MB{published}) is damaged, cut short, no ONNX file or newer than "
            f"onnxruntime {runtime.__version__}; get it again. It says: {said[0][:200] if said else type(error).__name__}"
        ) from None
    (first, *others), outputs = session.get_inputs(), session.get_outputs()
    if others or first.type not in _TYPES:
        raise wrong_network(
            title, path, "one input of float numbers", f"{len(others) + 1} input(s), the first {first.type}"
        )
    return OnnxNetwork(
        path,
        session,
        session.get_providers()[0],
        first.name,
        _dims(first.shape),
        _TYPES[first.type],
        tuple(output.name for output in outputs),
        tuple(_dims(output.shape) for output in outputs),
    )


def _dims(shape: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(d if isinstance(d, int) and d > 0 else None for d in shape)


def _tell(title: str, device: str, reason: str, note: Callable[[str], None] | None) -> None:
    if note is None:
        raise MissingPackage(f"{title} cannot run on {device}: {reason}.")
    note(f"{title} runs on the processor, not on {device}: {reason}.")
