"""Bands in several threads: each alone in its own, all as in one, and mistakes told."""

from __future__ import annotations

import threading

import pytest

torch = pytest.importorskip("torch")

from motion_transfer.face_motion import tiled_convolution as tiled  # noqa: E402
from motion_transfer.face_motion.band_workers import BandWorkers, band_workers  # noqa: E402
from motion_transfer.face_motion.kept_memory import KeptMemory  # noqa: E402
from motion_transfer.face_motion.tiled_convolution import TiledConvolution  # noqa: E402


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_worker_has_one_thread_and_memory_of_its_own_and_torch_keeps_its_threads():
    before, workers, met = torch.get_num_threads(), BandWorkers(3), threading.Barrier(3)
    seen = []

    def task(memory):
        met.wait(20)  # all three at once, or none goes on
        seen.append((torch.get_num_threads(), memory("piece", 4).data_ptr(), threading.current_thread().name))

    workers.run([task] * 3)
    assert [threads for threads, *_ in seen] == [1, 1, 1]
    assert len({place for _, place, _ in seen}) == len({name for *_, name in seen}) == 3
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("inference", [False, True])
def test_a_task_runs_in_the_mode_of_whoever_asks(inference):
    modes = []
    with torch.inference_mode(inference):
        BandWorkers(2).run([lambda _: modes.append(torch.is_inference_mode_enabled())] * 2)
    assert modes == [inference] * 2


def test_a_mistake_in_a_task_is_told_after_the_others_have_ended():
    done = []

    def wrong(_):
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        BandWorkers(2).run([wrong, *[lambda _: done.append(1)] * 3])
    assert done == [1] * 3


def test_there_are_as_many_as_torch_has_threads():
    assert band_workers().count == min(torch.get_num_threads(), 8) and band_workers() is band_workers()


@pytest.mark.parametrize(("taps", "adds_up"), [(3, False), (3, True), (7, True)])
def test_several_threads_make_what_one_makes(monkeypatch, taps, adds_up):
    convolve, memory = TiledConvolution(drawn(6, 5, taps, taps), drawn(6, seed=1)), KeptMemory()
    x = memory.bordered("map", (4, 24, 12, 5), convolve.reach, convolve.beyond)
    x.inner.copy_(drawn(4, 24, 12, 5, seed=2))
    results = []
    for count in (1, 3):
        workers = BandWorkers(count)
        monkeypatch.setattr(tiled, "band_workers", lambda workers=workers: workers)
        out, total, order = torch.zeros(4, 24, 12, 6), torch.zeros(1, 24, 12, 6), {}

        def add(band, out=out, total=total, order=order):
            band.of(out).copy_(band.pixels)
            if adds_up:
                order.setdefault(band.rows.start, []).append(band.frames.start)
                for i in range(band.pixels.shape[2]):
                    tiled.by_tile(total[:, band.rows], 4).add_(band.pixels[:, :, i : i + 1])

        convolve.bands(x, add, adds_up=adds_up)
        assert all(frames == sorted(frames) for frames in order.values())
        results.append((out, total))
    for one, several in zip(*results, strict=True):  # the same sums, of other numbers of rows at a time
        assert float((one - several).abs().max()) <= 4e-6 * float(one.abs().max())
    assert not adds_up or torch.allclose(results[1][1][0], results[1][0].sum(0), atol=1e-4)
