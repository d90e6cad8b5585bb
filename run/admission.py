"""The door of a run: everything that can be refused before any time is spent, in one order for runs and estimates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import TransferJob
from .finish_steps import Step, plain_steps, plan_steps
from .host import NotedHost
from .manifest import complete_job, is_of_job, job_as_dict, known_result
from .memory_ahead import WatchedHost
from .motion_cache import detector_is_there
from .preflight import Plan, may_replace, parts_folder, plan_run
from .weights import only_commercial, refuse_engine


@dataclass(frozen=True)
class Admitted:
    """A job that may be run."""

    plan: Plan
    whole_job: dict[str, Any]
    """With every setting named, as the manifest tells it."""
    parts: Path
    """Folder of its journals."""
    before: dict[str, Any] | None
    """Manifest of the output that is there, if it is still the one that it speaks of."""
    identity: str
    weights: tuple[Path, ...]
    """Files that stand behind the settings; none where the host lends its models."""
    steps: tuple[Step, ...]


def admit(job: TransferJob, noted: NotedHost, *, work_dir: Path | None, overwrite: bool) -> Admitted:
    """UsageError, InputError, MissingPackage or MissingWeights for what can be seen to fail from here."""
    plan = plan_run(job)
    if only_commercial(job.commercial_use_only):
        refuse_engine(plan.spec)
    if not plan.driving_is_motion or plan.character_is_film:
        detector_is_there(job.detector, job.person, noted)
    whole_job = job_as_dict(complete_job(job, plan.settings.plain(), plain_steps(plan.steps)))
    parts = parts_folder(plan.output, work_dir)
    before = known_result(plan.output) if plan.output.exists() and not overwrite else None
    may_replace(plan.output, overwrite=overwrite, known=parts.exists() or is_of_job(before, whole_job))
    watched = WatchedHost(noted)
    identity = plan.spec.identity(plan.settings, watched)
    weights, steps = tuple(watched.found), plan_steps(job.finish, noted)
    return Admitted(plan, whole_job, parts, before, identity, weights, steps)
