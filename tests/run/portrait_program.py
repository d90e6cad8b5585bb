"""The command line with stand-ins for LivePortrait's networks on its host, for runs that are killed or measured."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "live_portrait"))

import cv2
from made_faces import FaceDetector
from portrait_stubs import StubNetworks

from motion_transfer.models.live_portrait import source
from motion_transfer.run import motion_cache
from motion_transfer.run.host import LocalHost

WAIT = float(os.environ.get("STUB_WAIT", "0"))


def install() -> None:
    cv2.setNumThreads(1)
    stub = StubNetworks(on_render=lambda count: time.sleep(WAIT))
    LocalHost.lend = lambda self, what: stub if what == "live_portrait" else None
    motion_cache.open_detector = lambda **_: FaceDetector()
    motion_cache.detector_id = lambda **_: FaceDetector.id
    source.find_faces = lambda pixels, **_: []


if __name__ == "__main__":
    install()
    from motion_transfer.cli.main import main

    sys.exit(main(sys.argv[1:]))
