"""Wan's schedules on diffusers' solvers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sampling"))
from published_steps import PUBLISHED  # noqa: E402

from motion_transfer.models.wan_animate.diffusers_solver import make_solver  # noqa: E402


@pytest.mark.parametrize(("solver", "steps"), PUBLISHED)
def test_timesteps_are_those_of_the_published_code(solver, steps):
    scheduler = make_solver(solver, steps, 5.0)
    assert " ".join(str(int(t)) for t in scheduler.timesteps) == PUBLISHED[solver, steps]
    assert len(scheduler.sigmas) == steps + 1 and scheduler.sigmas[-1] == 0


@pytest.mark.parametrize("solver", ["dpm++", "unipc"])
@pytest.mark.parametrize("steps", [1, 2, 4, 20])
def test_a_true_velocity_leads_to_the_picture(solver, steps):
    draw = torch.Generator().manual_seed(0)
    picture, noise = (torch.randn(1, 16, 2, 4, 4, generator=draw) for _ in range(2))
    scheduler = make_solver(solver, steps, 5.0)
    x = scheduler.sigmas[0] * noise + (1 - scheduler.sigmas[0]) * picture
    for i, t in enumerate(scheduler.timesteps):
        x = scheduler.step((x - picture) / scheduler.sigmas[i], t, x, return_dict=False)[0]
    assert torch.allclose(x, picture, atol=1e-5)


@pytest.mark.parametrize("solver", ["dpm++", "unipc"])
def test_both_are_of_second_order(solver):
    """On dx/dsigma = x - c(sigma) type flows the error falls fourfold when the steps are doubled."""

    def end(steps):
        scheduler = make_solver(solver, steps, 1.0)
        x = torch.full((1, 1, 1, 1, 1), 1.0, dtype=torch.float64)
        for i, t in enumerate(scheduler.timesteps):
            sigma = float(scheduler.sigmas[i])
            target = torch.cos(x * sigma)  # a denoiser that is not constant along the way
            x = scheduler.step((x - target) / sigma, t, x, return_dict=False)[0]
        return float(x)

    best = end(320)
    coarse, fine = abs(end(20) - best), abs(end(40) - best)
    assert coarse / fine > 3.0
