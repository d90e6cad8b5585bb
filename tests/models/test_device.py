import sys

import pytest

from motion_transfer.core import UsageError
from motion_transfer.models import device
from motion_transfer.run.host import LocalHost


def test_without_torch_it_is_the_processor(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert LocalHost().device == "cpu"
    assert LocalHost(device="cpu").device == "cpu"
    with pytest.raises(UsageError, match="torch is not installed"):
        _ = LocalHost(device="cuda:0").device


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.best_device() == "cuda:0"


def test_a_device_that_is_not_there_is_refused_in_one_line():
    pytest.importorskip("torch")
    with pytest.raises(UsageError) as refusal:
        _ = LocalHost(device="cuda:17").device
    assert "cuda:17" in str(refusal.value) and "would do" in str(refusal.value) and "\n" not in str(refusal.value)
    with pytest.raises(UsageError, match="toaster"):
        _ = LocalHost(device="toaster").device
