"""An engine of a few lines for tests: every frame is the character's picture, rolled, tinted and told by state.

Run as a program it is the real command line with this engine beside the real ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion_transfer.core import EngineSpec, FrameChunk, Settings, number, whole
from motion_transfer.models import registry

WINDOW = 4


@dataclass(frozen=True)
class LightSettings(Settings):
    step: int = whole(3, 0, 100, unit="px", help="How far the picture rolls each frame.")
    blend: float = number(0.25, 0.0, 1.0, help="Share of the frame before.")
    wait: float = number(0.0, 0.0, 10.0, unit="s", help="Time that a frame takes.")


class LightEngine:
    """Each frame blends in the one before, so that a run only goes on rightly with the true tail and state."""

    def __init__(self, settings, host, seed):
        self.settings, self.host, self.seed = settings, host, seed
        self.report = {"seed_used": seed}

    def transfer(self, character, motion, *, after=None, driving=None) -> Iterator[FrameChunk]:
        start = after.num_frames if after else 0
        before = after.tail[-1] if after else character.pixels
        turn = int(after.state["turn"]) if after else self.seed
        for first in range(start, motion.num_frames, WINDOW):
            frames = []
            for index in range(first, min(first + WINDOW, motion.num_frames)):
                self.host.step(index, motion.num_frames, "frames")
                time.sleep(self.settings.wait)
                turn += 1 + int(motion.main.points[index].sum()) % 3
                rolled = np.roll(character.pixels, turn * self.settings.step, axis=1)
                mixed = rolled * (1 - self.settings.blend) + before * self.settings.blend
                before = mixed.astype(np.uint8)
                frames.append(before)
            yield FrameChunk(np.stack(frames), first, state={"turn": turn})


def _needs(settings):
    return frozenset()


SPEC = EngineSpec(
    name="light",
    title="Light",
    summary="For tests.",
    settings=LightSettings,
    open=LightEngine,
    version="1",
    window=WINDOW,
    overlap=1,
    needs=_needs,
)


def install() -> None:
    """Put this module among the engines."""
    sys.modules["light_engine"] = sys.modules[__name__]
    registry._SPECS["light"] = "light_engine"


if __name__ == "__main__":
    from motion_transfer.cli.main import main

    install()
    sys.exit(main(sys.argv[1:]))
