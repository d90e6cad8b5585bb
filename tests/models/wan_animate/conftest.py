import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # tensors of a few kilobytes: threads cost more than they bring
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_encoder(monkeypatch):
    """Face codes under one name, without an encoder."""
    from types import SimpleNamespace

    from made_inputs import CODES

    from motion_transfer.models.wan_animate.faces import Faces

    monkeypatch.setattr(Faces, "encoder", SimpleNamespace(encoder_id=CODES))
