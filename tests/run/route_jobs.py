"""Jobs for the light engine, and what is read back from a finished file."""

from __future__ import annotations

import av

from motion_transfer.core import (
    TransferJob,
)
from motion_transfer.run.host import LocalHost


def listing(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def a_job(tmp_path, character, driving, **changes):
    values = {"engine": "light", "output": str(tmp_path / "out.mkv"), "quality": "lossless", **changes}
    return TransferJob(character=str(character), driving=str(driving), **values)


def packets(path, kind):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(getattr(container.streams, kind)[0]) if p.size]


def times(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [float(f.pts * stream.time_base) for f in container.decode(stream)]


class Stop(LocalHost):
    """Stops the run when it is about to make frame `at`."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, done, total, stage, preview=None):
        if stage == "frames" and done >= self.at:
            self.cancel.set()
        super().step(done, total, stage, preview)
