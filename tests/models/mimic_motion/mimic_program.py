"""The command line with a stub of MimicMotion's network on its host, for runs that are killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from stub_mimic import StubBackend

from motion_transfer.run.host import LocalHost

torch.set_num_threads(1)
WAIT = float(os.environ.get("STUB_WAIT", "0"))
MARKS = os.environ.get("STUB_MARKS")


class Marking(StubBackend):
    """Leaves a line in a file for every section that it samples."""

    def sample(self, condition, noise, seed, on_step):
        time.sleep(WAIT)
        if MARKS:
            with Path(MARKS).open("a") as file:
                file.write(f"{seed}\n")
        return super().sample(condition, noise, seed, on_step)


def install() -> None:
    stub = Marking(remembers=False)
    LocalHost.lend = lambda self, what: stub if what == "mimic_motion" else None


if __name__ == "__main__":
    install()
    from motion_transfer.cli.main import main

    sys.exit(main(sys.argv[1:]))
