"""benchmarks/wan_animate_gpu.py on small networks: what it would time on a GPU runs, and both ways agree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks"))
import wan_animate_gpu  # noqa: E402


@pytest.fixture
def run(monkeypatch):
    def with_words(*words):
        monkeypatch.setattr(sys, "argv", ["wan_animate_gpu.py", *words])
        return wan_animate_gpu.main()

    return with_words


def test_both_ways_are_timed_and_agree(run, tmp_path, capsys):
    words = ["--tiny", "--device", "cpu", "--sizes", "32x16x5", "--steps", "1", "--resident", "2"]
    assert run(*words, "--out", str(tmp_path / "table.md")) == 0
    written = (tmp_path / "table.md").read_text()
    assert written == capsys.readouterr().out
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in written.splitlines() if line.startswith("| 32")]
    figures = {row[1]: row[2:] for row in rows if len(row) == 4 and "memory" not in row[1]}  # a CPU tells no peak
    assert len(figures) == 8
    assert all(float(v) > 0 for both in figures.values() for v in both)
    for part in ("one denoising step", "VAE, decoding one window"):  # a whole is not less than its parts
        whole, of_it = figures["window of 20 steps, s"], figures[f"{part}, s"]
        assert all(float(a) > float(b) for a, b in zip(whole, of_it, strict=True))
    assert all(float(v) < 100 for n in (20, 4) for v in figures[f"VAE's share of it, {n} steps, %"])
    streamed = {row[1]: row[4] for row in rows if " of 6" in row[1]}
    assert list(streamed) == ["2 of 6", "6 of 6"]
    # float32; our face encoder multiplies in another order. The latent after all solver steps.
    assert all(float(difference) < 1e-5 for difference in streamed.values())


@pytest.mark.parametrize("size", ["30x16x5", "32x16x6"])
def test_a_size_that_no_window_has_is_told_in_one_line(run, size):
    with pytest.raises(SystemExit, match=f"got {size}, 832x480x77 would do") as told:
        run("--tiny", "--device", "cpu", "--sizes", size)
    assert "\n" not in str(told.value)


def test_true_shapes_without_a_gpu_are_refused_in_one_line(run, capsys):
    assert run("--device", "cpu") == 2
    assert capsys.readouterr().err == "No CUDA device: the true shapes need one; --tiny runs on the CPU.\n"


def test_what_does_not_fit_is_one_line_and_an_empty_cell(run, monkeypatch, capsys):
    def too_large(*_, **__):
        raise torch.cuda.OutOfMemoryError("Tried to allocate 9 GiB.\nmore lines")

    monkeypatch.setattr(wan_animate_gpu, "vae_figures", lambda *_: {"encode": 1.0, "decode": 1.0, "vae peak": 1.0})
    monkeypatch.setattr(wan_animate_gpu, "their_window", too_large)
    assert run("--tiny", "--device", "cpu", "--sizes", "32x16x5", "--steps", "1", "--resident") == 0
    got = capsys.readouterr()
    assert got.err == "diffusers' way does not fit into the memory of the CPU: Tried to allocate 9 GiB.\n"
    assert "| 32x16x5 | one denoising step, s | - | " in got.out
