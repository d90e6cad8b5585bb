"""SVD's Euler sampler over Karras' noise levels, for who has no samplers of the host's.

Constants of SVD-XT-1.1's scheduler, with which MimicMotion runs: sigma 700 to 0.002, rho 7, prediction of v,
the UNet is told ln(sigma) / 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch

SIGMA_MAX, SIGMA_MIN, RHO = 700.0, 0.002, 7.0


def karras_sigmas(steps: int) -> torch.Tensor:
    """float64 `[steps+1]`, falling, the last one 0 (Karras et al. 2022, equation 5)."""
    if steps < 1:
        raise ValueError(f"a schedule has at least one step, not {steps}")
    line = torch.linspace(0, 1, steps, dtype=torch.float64)
    high, low = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return torch.cat([(high + line * (low - high)) ** RHO, torch.zeros(1, dtype=torch.float64)])


def sample_euler(
    noise: torch.Tensor,
    sigmas: torch.Tensor,
    predict_v: Callable[[torch.Tensor, float], torch.Tensor],
    on_step: Callable[[int, torch.Tensor], None],
) -> torch.Tensor:
    """The clean latents from `noise` N(0, 1), float32.

    `predict_v(scaled, timestep)` is the guided network on latents scaled to unit variance; `on_step(done, denoised)`
    is called after each step.
    """
    levels = [float(s) for s in sigmas]
    latents = noise * (levels[0] ** 2 + 1) ** 0.5
    for k, (sigma, following) in enumerate(itertools.pairwise(levels)):
        scale = (sigma**2 + 1) ** 0.5
        v = predict_v(latents / scale, 0.25 * float(torch.log(torch.tensor(sigma, dtype=torch.float64))))
        denoised = v * (-sigma / scale) + latents / scale**2
        latents = latents + (latents - denoised) / sigma * (following - sigma)
        on_step(k + 1, denoised)
    return latents
