"""Lets the tests of this floor import the reference values that they share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
