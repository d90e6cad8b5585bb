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
    for name in ("toaster", "gpu", "meta"):
        with pytest.raises(UsageError) as refusal:
            _ = LocalHost(device=name).device
        told = str(refusal.value)
        assert name in told and "auto" in told and "cpu would do" in told
        assert "ipu" not in told and "vulkan" not in told, "torch's list of all backends helps nobody"


def test_every_gpu_that_is_there_is_offered(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.devices() == ["auto", "cuda:0", "cuda:1", "cpu"]
    with pytest.raises(UsageError, match="auto or cuda:0 or cuda:1 or cpu would do"):
        device.checked_device("gpu")
