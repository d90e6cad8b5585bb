"""Puts the light engine among the engines and keeps caches out of the user's folders."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from run_fixtures import character, clip, light_engine, motion_file, own_folders, same_detector  # noqa: F401
