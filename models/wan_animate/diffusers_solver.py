"""diffusers' solvers on Wan's own noise levels."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from ...sampling.schedules import flow_schedule

_FLOW: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "solver_order": 2,
    "lower_order_final": True,
    "final_sigmas_type": "zero",
}


def make_solver(solver: str, steps: int, shift: float) -> Any:
    """A fresh scheduler, ready for its first step: 'unipc' (order 2, bh2, corrector on) or 'dpm++' (order 2, midpoint).

    Its levels are those of `sampling.flow_schedule`: diffusers' own begin at 0.999 for dpm++ too, Wan's at 1.
    """
    schedule = flow_schedule(steps, shift, solver)
    scheduler: Any
    if solver == "unipc":
        scheduler = UniPCMultistepScheduler(solver_type="bh2", predict_x0=True, flow_shift=shift, **_FLOW)
    else:
        scheduler = DPMSolverMultistepScheduler(algorithm_type="dpmsolver++", solver_type="midpoint", flow_shift=shift, **_FLOW)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # diffusers' own array conversion, under numpy 2
        scheduler.set_timesteps(steps)
    scheduler.sigmas = torch.from_numpy(schedule.sigmas).float()
    scheduler.timesteps = torch.from_numpy(schedule.timesteps)
    scheduler.set_begin_index(0)  # by count, as two steps may truncate to one timestep
    return scheduler
