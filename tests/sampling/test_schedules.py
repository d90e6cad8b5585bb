import numpy as np
import pytest

from motion_transfer.core import UsageError
from motion_transfer.sampling.schedules import flow_schedule

# What Wan 2.2's own solvers hand to the model with shift 5.
PUBLISHED = {
    ("dpm++", 20): "1000 989 978 965 952 937 921 902 882 859 833 803 769 729 681 625 555 468 357 208",
    ("dpm++", 6): "1000 961 909 833 714 500",
    ("dpm++", 4): "1000 937 833 625",
    ("unipc", 20): "999 989 978 965 952 937 920 902 882 859 833 803 768 728 681 624 555 468 356 208",
    ("unipc", 6): "999 961 908 833 713 499",
    ("unipc", 4): "999 937 833 624",
}


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
