"""The noise levels that a flow-matching sampler walks down, as Wan 2.2 Animate was published with.

Tables only: the solvers are those of ComfyUI or of diffusers, which are handed these levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import UsageError

TRAIN_STEPS = 1000
# Where the unshifted line begins: Wan's own solvers differ in it (wan/utils/fm_solvers.py, fm_solvers_unipc.py).
_FIRST_SIGMA = {"dpm++": 1.0, "unipc": 1.0 - 1.0 / TRAIN_STEPS}
SOLVERS = tuple(_FIRST_SIGMA)


@dataclass(frozen=True)
class Schedule:
    """Both as the official code hands them to the solver and to the model."""

    sigmas: np.ndarray
    """float64 `[steps+1]`, falling, the last one 0: share of noise in the latent before each step and at the end."""
    timesteps: np.ndarray
    """int64 `[steps]`, 0..1000: what the model is told, truncated, not rounded."""


def flow_schedule(steps: int, shift: float = 5.0, solver: str = "unipc") -> Schedule:
    """`steps` levels; `shift` > 1 spends more of them at high noise, 1 spaces them evenly.

    `solver` 'unipc' or 'dpm++' (of order 2, as Wan runs them). Raises UsageError for one that is not there.
    """
    if solver not in _FIRST_SIGMA:
        raise UsageError(f"There is no solver {solver!r}; there are {', '.join(SOLVERS)}.")
    if steps < 1 or not shift > 0:
        raise ValueError(f"a schedule has at least one step and a shift above 0, not {steps} and {shift}")
    line = np.linspace(_FIRST_SIGMA[solver], 0.0, steps + 1)[:-1]
    sigmas = shift * line / (1 + (shift - 1) * line)
    # 500 must not become 499 by the last bit of a division: far below what separates two timesteps.
    timesteps = np.floor(sigmas * TRAIN_STEPS + 1e-9).astype(np.int64)
    return Schedule(np.append(sigmas, 0.0), timesteps)
