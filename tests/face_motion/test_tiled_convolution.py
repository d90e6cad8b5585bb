"""Convolutions in tiles against torch's own in float64, where a wrong constant or a shifted tile would be seen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from motion_transfer.face_motion import tiled_convolution as tiled  # noqa: E402
from motion_transfer.face_motion.kept_memory import KeptMemory  # noqa: E402
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


@pytest.mark.parametrize(("tile", "taps"), [(2, 3), (4, 3), (4, 7)])
@pytest.mark.parametrize("at_once", [1, 7, 1000], ids=["row by row", "part of a picture", "several pictures"])
def test_a_convolution_in_tiles_is_the_convolution(monkeypatch, tile, taps, at_once):
    monkeypatch.setattr(tiled, "_tiles_at_once", lambda *_: at_once)
    x, weight, bias = drawn(3, 20, 12, 5), drawn(6, 5, taps, taps, seed=1), drawn(6, seed=2)
    planes = x.permute(0, 3, 1, 2).double()
    wanted = F.conv2d(planes, weight.double(), bias.double(), padding=taps // 2).permute(0, 2, 3, 1)
    convolve = TiledConvolution(weight, bias, tile)
    assert relative(convolve(x), wanted) < ROUNDING
    assert relative(convolve(x, 0.2), F.leaky_relu(wanted, 0.2)) < ROUNDING
    planar = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert torch.equal(convolve(planar), convolve(x))
    assert relative(TiledConvolution(weight, None, tile)(x), wanted - bias.double()) < ROUNDING


def test_a_border_too_narrow_is_refused():
    convolve, memory = TiledConvolution(drawn(4, 4, 7, 7)), KeptMemory()
    with pytest.raises(ValueError, match="border of 3 and 3, not 3 and 4"):
        convolve.into(drawn(1, 8, 8, 4), memory.bordered("map", (1, 8, 8, 4), 3, 3))


def test_channels_of_a_wider_map_are_convolved_where_they_lie():
    convolve, memory = TiledConvolution(drawn(4, 4, 3, 3)), KeptMemory()
    wide = memory.bordered("map", (2, 8, 8, 10))
    wide.inner.copy_(drawn(2, 8, 8, 10, seed=1))
    alone = convolve(wide.inner[..., 3:7].contiguous())
    out = torch.empty_like(alone)
    convolve.into(out, wide.channels(3, 7))
    assert torch.equal(out, alone)


def test_kept_memory_is_the_same_memory_with_a_fresh_border():
    memory = KeptMemory()
    first = memory("map", 2, 8).fill_(7)
    bordered = memory.bordered("map", (1, 2, 1, 1))
    assert bordered.whole.data_ptr() == first.data_ptr() and bordered.inner.shape == (1, 2, 1, 1)
    assert int((bordered.whole == 7).sum()) == 2 and int((bordered.whole == 0).sum()) == 10
    assert memory("map", 3, 8).shape == (3, 8) and memory("other", 8).data_ptr() != memory("map", 8).data_ptr()
    with torch.inference_mode():
        memory("within", 4)
    memory("within", 4).fill_(1)  # and may be written outside of it


@pytest.mark.parametrize("size", [(16, 16), (15, 16), (8, 4)], ids=["in tiles", "odd", "small"])
def test_a_layer_is_the_same_however_it_is_computed(size):
    layer = SameConvolution(drawn(128, 128, 3, 3) / 30, drawn(128, seed=1))
    x = drawn(2, 128, *size, seed=2).contiguous(memory_format=torch.channels_last)
    wanted = F.leaky_relu(F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1), 0.2)
    made = layer(x, 0.2)
    assert (layer._tiled is not None) == (size == (16, 16))
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert relative(made, wanted) < ROUNDING
    halved = layer.to(torch.float16)
    assert halved._tiled is None and layer(x.half()).dtype == torch.float16  # the tiles' weights went with the move


def relative(made, wanted):
    return float((made - wanted).norm() / wanted.norm())
