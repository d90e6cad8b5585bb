"""What ONNX networks run on: cards, the processor, packages in each other's way; and how long they stay loaded."""

from __future__ import annotations

import sys
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest
from onnx_files import finder_of, make, spots

from motion_transfer.core import MissingPackage
from motion_transfer.pose import onnx_network, onnx_providers
from motion_transfer.pose.networks import open_pose_network

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def nothing_kept():
    onnx_network.forget_networks()
    yield
    onnx_network.forget_networks()


class Runtime:
    """onnxruntime with a card: what a session really gets is `starts`."""

    __version__ = "1.99"
    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, offered, starts="card", raises=False):
        self.offered, self.starts, self.raises, self.asked = offered, starts, raises, []

    def get_available_providers(self):
        return [*self.offered, "CPUExecutionProvider"]

    def InferenceSession(self, path, options, providers, **more):
        self.asked.append(providers)
        first = providers[0][0] if isinstance(providers[0], tuple) else providers[0]
        if self.raises and first != "CPUExecutionProvider":
            raise RuntimeError("CUDA failure 35: driver too old")
        real = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        in_use = [first, "CPUExecutionProvider"] if self.starts == "card" else ["CPUExecutionProvider"]
        return SimpleNamespace(
            get_providers=lambda: in_use, run=real.run, get_inputs=real.get_inputs, get_outputs=real.get_outputs
        )


@pytest.fixture
def dw(tmp_path):
    make("dwpose", tmp_path)
    return finder_of(tmp_path)


def use(monkeypatch, runtime, packages=("onnxruntime-gpu",)):
    monkeypatch.setattr(onnx_network, "import_onnxruntime", lambda title: runtime)
    monkeypatch.setattr(onnx_providers, "installed_packages", lambda: list(packages))


def test_the_card_is_used_and_said(dw, monkeypatch):
    runtime = Runtime(["CUDAExecutionProvider"])
    use(monkeypatch, runtime)
    notes = []
    network = open_pose_network("dwpose", dw, "cuda:1", note=notes.append)
    assert network.provider == "CUDAExecutionProvider" and not notes
    ((provider, options),) = runtime.asked[0]
    assert provider == "CUDAExecutionProvider" and options["device_id"] == "1"
    assert options["arena_extend_strategy"] == "kSameAsRequested" and int(options["gpu_mem_limit"]) > 1 << 30


@pytest.mark.parametrize(
    "runtime, packages, reason",
    [
        (Runtime([]), ["onnxruntime"], "onnxruntime was built without CUDAExecutionProvider; .*onnxruntime-gpu"),
        (Runtime([]), ["onnxruntime", "onnxruntime-gpu"], "both installed and hide each other; pip uninstall"),
        (Runtime(["CUDAExecutionProvider"], starts="cpu"), ["onnxruntime-gpu"], "did not start: its CUDA or cuDNN"),
        (Runtime(["CUDAExecutionProvider"], "cpu", raises=True), ["onnxruntime-gpu"], "did not start"),
    ],
)
def test_a_fall_to_the_processor_is_never_silent(dw, monkeypatch, runtime, packages, reason):
    use(monkeypatch, runtime, packages)
    for _ in range(2):  # the second time the network is kept already
        notes = []
        network = open_pose_network("dwpose", dw, "cuda:0", note=notes.append)
        assert network.provider == "CPUExecutionProvider"
        assert len(notes) == 1 and "runs on the processor, not on cuda:0" in notes[0]
        with pytest.raises(MissingPackage, match=reason) as told:
            open_pose_network("dwpose", dw, "cuda:0")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "device, provider",
    [("cuda:0", "DmlExecutionProvider"), ("privateuseone:0", "DmlExecutionProvider"), ("mps", "CoreMLExecutionProvider"),
     ("cuda", "ROCMExecutionProvider")],
)  # fmt: skip
def test_other_cards_providers_serve_too(device, provider):
    assert onnx_providers.provider_for(Runtime([provider]), device) == (provider, "")


def test_the_processor_is_no_fall_where_it_is_asked_for(dw):
    open_pose_network("dwpose", dw, "cpu")  # without a note: would be an error


def test_without_onnxruntime_one_line_says_what_to_install(dw, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(onnx_providers, "installed_packages", list)
    with pytest.raises(MissingPackage, match=r"pip install onnxruntime-gpu .*not two"):
        open_pose_network("dwpose", dw, "cpu")


def test_an_onnxruntime_that_does_not_load_is_told_apart(dw, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(onnx_providers, "installed_packages", lambda: ["onnxruntime-gpu"])
    with pytest.raises(MissingPackage, match=r"installed \(onnxruntime-gpu\) but does not load"):
        open_pose_network("dwpose", dw, "cpu")
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    with pytest.raises(MissingPackage, match="there but empty"):
        open_pose_network("dwpose", dw, "cpu")


def test_packages_that_share_a_folder_are_seen():
    assert onnx_providers.installed_packages() == [
        p for p in onnx_providers._PACKAGES if any(d.metadata["Name"] == p for d in metadata.distributions())
    ]


# Kept between runs


def test_a_network_stays_loaded_until_its_file_changes_or_it_is_forgotten(dw, tmp_path):
    first = open_pose_network("dwpose", dw, "cpu")
    session = first._network.session
    first.close()
    assert open_pose_network("dwpose", dw, "cpu")._network.session is session
    make("dwpose", tmp_path, batch=1)
    assert open_pose_network("dwpose", dw, "cpu")._network.session is not session
    again = open_pose_network("dwpose", dw, "cpu")._network.session
    onnx_network.forget_networks()
    assert open_pose_network("dwpose", dw, "cpu")._network.session is not again


def test_a_cards_memory_is_given_back(dw, monkeypatch):
    runtime = Runtime(["CUDAExecutionProvider"])
    use(monkeypatch, runtime)
    for _ in range(2):
        open_pose_network("dwpose", dw, "cuda:0").close()
    assert len(runtime.asked) == 2 and not onnx_network._kept


def test_large_files_are_not_kept(dw, monkeypatch):
    monkeypatch.setattr(onnx_network, "_KEPT_FILE_BYTES", 10)
    session = open_pose_network("dwpose", dw, "cpu")._network.session
    assert open_pose_network("dwpose", dw, "cpu")._network.session is not session


def test_frames_may_be_a_view_of_a_longer_clip(tmp_path):
    make("dwpose", tmp_path)
    network = open_pose_network("dwpose", finder_of(tmp_path), "cpu")
    frames, boxes = spots()
    wide = np.zeros((6, 500, 700, 3), np.uint8)
    wide[::2, 10:490, 20:660] = frames
    points, _ = network.estimate(wide[::2, 10:490, 20:660], boxes, np.arange(3))
    np.testing.assert_array_equal(points, network.estimate(frames, boxes, np.arange(3))[0])
