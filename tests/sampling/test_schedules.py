import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from published_steps import PUBLISHED

from motion_transfer.core import UsageError
from motion_transfer.sampling.schedules import flow_schedule


@pytest.mark.parametrize(("solver", "steps"), PUBLISHED)
def test_timesteps_are_the_published_ones(solver, steps):
    schedule = flow_schedule(steps, 5.0, solver)
    assert schedule.timesteps.tolist() == [int(t) for t in PUBLISHED[solver, steps].split()]
    assert schedule.sigmas[-1] == 0 and len(schedule.sigmas) == steps + 1
    assert (np.diff(schedule.sigmas) < 0).all()
    assert np.abs(schedule.sigmas[:-1] * 1000 - schedule.timesteps).max() < 1


def test_without_shift_the_levels_are_even():
    assert np.allclose(flow_schedule(4, 1.0, "dpm++").sigmas, [1, 0.75, 0.5, 0.25, 0])


def test_an_unknown_solver_is_refused_by_name():
    with pytest.raises(UsageError, match=r"euler.*unipc"):
        flow_schedule(4, 5.0, "euler")
