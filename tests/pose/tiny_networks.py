"""ONNX files of the true input and output shapes that take milliseconds: they find the brightest place of a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def save(path: Path, nodes, inputs, outputs, constants, kind=FLOAT, **options) -> Path:
    """`inputs`, `outputs`: name -> shape; `constants`: name -> array."""
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()],
        tensors,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path), **options)
    return path


def dwpose(
    path: Path, height: int = 384, width: int = 288, batch="n", joints: int = 133, kind=FLOAT, **options
) -> Path:
    """The brightest column and row of the crop, as bins of half a pixel, the same for all joints."""
    node = helper.make_node
    nodes, constants = [], {}
    for axis, other, length in (("x", 2, width), ("y", 3, height)):
        constants |= {
            f"over_{axis}": np.array([1, other]), f"wide_{axis}": np.array([1, 3]),
            f"twice_{axis}": np.array([1, joints, 1, 2]), f"shape_{axis}": np.array([0, joints, 2 * length]),
        }  # fmt: skip
        nodes += [
            node("ReduceMax", ["input", f"over_{axis}"], [f"best_{axis}"], keepdims=0),
            node("Unsqueeze", [f"best_{axis}", f"wide_{axis}"], [f"thin_{axis}"]),
            node("Tile", [f"thin_{axis}", f"twice_{axis}"], [f"bins_{axis}"]),
            node("Reshape", [f"bins_{axis}", f"shape_{axis}"], [f"simcc_{axis}"]),
        ]
    shapes = {"simcc_x": [batch, joints, 2 * width], "simcc_y": [batch, joints, 2 * height]}
    return save(path, nodes, {"input": [batch, 3, height, width]}, shapes, constants, kind, **options)


def vitpose(path: Path, batch="n", joints: int = 133, first=None, **options) -> Path:
    """Mean brightness of each 4 x 4 px, the same for all joints. With `first` the answer is reshaped to [first,...], the
    mistake of an export that was traced with one picture."""
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["input", "channel"], ["grey"], keepdims=1),
        node("AveragePool", ["grey"], ["map"], kernel_shape=[4, 4], strides=[4, 4]),
        node("Tile", ["map", "joints"], ["maps" if first is None else "tiled"]),
    ]
    constants = {"channel": np.array([1]), "joints": np.array([1, joints, 1, 1])}
    if first is not None:
        nodes.append(node("Reshape", ["tiled", "traced"], ["maps"]))
        constants["traced"] = np.array([first, joints, 64, -1])
    return save(
        path, nodes, {"input": [batch, 3, 256, 192]}, {"maps": [batch, joints, 64, 48]}, constants, **options
    )  # fmt: skip


def detector(path: Path, rows: np.ndarray, batch="n", side: int = 640, **options) -> Path:
    """Answers `rows` `[1,...]` for every picture."""
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        node("Mul", ["mean", "nothing"], ["zero"]),
        node("Reshape", ["zero", "shape"], ["zeros"]),
        node("Add", ["rows", "zeros"], ["output"]),
    ]
    constants = {
        "axes": np.array([1, 2, 3]), "nothing": np.zeros(1, np.float32), "shape": np.array([-1, 1, 1]), "rows": rows,
    }  # fmt: skip
    return save(
        path, nodes, {"images": [batch, 3, side, side]}, {"output": [batch, *rows.shape[1:]]}, constants, **options
    )
