"""Convolutions in tiles against torch's own in float64, where a wrong constant or a shifted tile would be seen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from motion_transfer.face_motion import tiled_convolution as tiled  # noqa: E402
from motion_transfer.face_motion.tiled_convolution import SameConvolution, TiledConvolution, matrices  # noqa: E402

ROUNDING = 4e-6  # relative, float32: the transforms' factors, up to 25, times what one product rounds


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("tile", "taps"), [(2, 3), (4, 3), (4, 4), (2, 7), (3, 1)])
def test_the_matrices_give_the_correlation_of_an_axis(tile, taps):
    after, weights, before = matrices(tile, taps)
    x, w = drawn(tile + taps - 1).double(), drawn(taps, seed=1).double()
    wanted = F.conv1d(x[None, None], w[None, None])[0, 0]
    torch.testing.assert_close(after @ ((weights @ w) * (before @ x)), wanted, atol=1e-12, rtol=0)


def test_points_run_out_with_one_clear_line():
    with pytest.raises(ValueError, match="needs 14 points"):
        matrices(8, 8)


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("at_once", [1, 7, 1000], ids=["row by row", "part of a picture", "several pictures"])
def test_a_convolution_in_tiles_is_the_convolution(monkeypatch, tile, at_once):
    monkeypatch.setattr(tiled, "_tiles_at_once", lambda *_: at_once)
    x, weight, bias = drawn(3, 20, 12, 5), drawn(6, 5, 3, 3, seed=1), drawn(6, seed=2)
    wanted = F.conv2d(x.permute(0, 3, 1, 2).double(), weight.double(), bias.double(), padding=1).permute(0, 2, 3, 1)
    convolve = TiledConvolution(weight, tile)
    assert float((convolve(x, bias) - wanted).norm() / wanted.norm()) < ROUNDING
    assert float((convolve(x, bias, 0.2) - F.leaky_relu(wanted, 0.2)).norm() / wanted.norm()) < ROUNDING
    planar = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert torch.equal(convolve(planar, bias), convolve(x, bias))
    without = wanted - bias.double()
    assert float((convolve(x) - without).norm() / without.norm()) < ROUNDING


@pytest.mark.parametrize("size", [(16, 16), (15, 16), (8, 4)], ids=["in tiles", "odd", "small"])
def test_a_layer_is_the_same_however_it_is_computed(size):
    layer = SameConvolution(drawn(128, 128, 3, 3) / 30, drawn(128, seed=1))
    x = drawn(2, 128, *size, seed=2).contiguous(memory_format=torch.channels_last)
    wanted = F.leaky_relu(F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1), 0.2)
    made = layer(x, 0.2)
    assert (layer._tiled is not None) == (size == (16, 16))
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert float((made - wanted).norm() / wanted.norm()) < ROUNDING
    even = drawn(2, 64, *size, seed=3).contiguous(memory_format=torch.channels_last)
    plain = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    spread = F.leaky_relu(even * plain[:, :64] + plain[:, 64:], 0.2)
    assert float((layer(x, 0.2, even) - spread).norm() / spread.norm()) < ROUNDING
    halved = layer.to(torch.float16)
    assert halved._tiled is None and layer(x.half()).dtype == torch.float16  # the tiles' weights went with the move
