"""The small inputs of the example workflows, put where Load Image, Load Video and Load Motion look for theirs.

ComfyUI's loaders list what lies directly in the input folder and nothing else, and the page calls a file missing
that is not in the list. So each sample is copied there at the server's start, under a name that says whose it is.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

import folder_paths

MEDIA = Path(__file__).resolve().parent.parent / "demo" / "media"
SAMPLES = ("dancer.mp4", "dancer.motion", "duet.motion", "heroine.png", "mascot.png", "robot.png")
PREFIX = "motion_transfer_"


def bring_sample_inputs() -> None:
    """Copies what is not there yet; never overwrites, and a folder that cannot be written is no failure."""
    folder = Path(folder_paths.get_input_directory())
    brought = []
    for name in SAMPLES:
        target = folder / (PREFIX + name)
        beside = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            if target.exists() or not (MEDIA / name).is_file():
                continue
            shutil.copyfile(MEDIA / name, beside)
            beside.replace(target)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            logging.debug("[motion transfer] the example workflows' inputs stay where they are: %s", error)
            return
        brought.append(target.name)
    if brought:
        logging.info("[motion transfer] inputs of the example workflows are in %s: %s", folder, ", ".join(brought))
