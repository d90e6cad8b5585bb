import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # tensors of a few kilobytes: threads cost more than they bring
sys.path.insert(0, str(Path(__file__).parent))
