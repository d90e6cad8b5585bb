"""MimicMotion in the real server on random weights of the true layout, and its loop against the UNet by hand.

CLIP cannot be made small: a node of the tests gives an embedding of its shape.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "run"))

GRAPH = json.loads((ROOT / "workflows" / "api" / "mimic_motion.json").read_text())
FRAMES = 34
MODELS = ("diffusion_models", "mimicmotion", "checkpoints")


def comfy_python(*words: object) -> str:
    done = subprocess.run(
        [os.environ.get("COMFYUI_PYTHON", sys.executable), *map(str, words)],
        cwd=os.environ["COMFYUI_DIR"], capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def tiny(server):
    """The server, with the random models among its own for as long as these tests run, and a small picture."""
    models = server.folder / "models"
    before = {kind: {p.name for p in (models / kind).glob("*")} for kind in MODELS}
    comfy_python(HERE / "tiny_svd.py", models, ROOT)
    picture = Image.open(ROOT / "demo" / "media" / "heroine.png").convert("RGB").resize((64, 64))
    picture.save(server.folder / "input" / "small_heroine_64.png")
    yield server
    for kind in MODELS:  # half a gigabyte each
        for path in (models / kind).glob("*"):
            if path.name not in before[kind]:
                path.unlink()
    shutil.rmtree(server.folder / "models" / "mimicmotion", ignore_errors=True)


def made_small(*, frames=FRAMES, unet="MimicMotion_1-1.pth", **mimic):
    """The bundled graph on the small models: a stand-in for CLIP, a short clip, a small picture, one step."""
    graph = json.loads(json.dumps(GRAPH))
    graph["1"]["inputs"]["unet_name"] = unet
    graph["clip"] = {"class_type": "TEST_ClipVision", "inputs": {}}
    graph["3"]["inputs"]["image"] = "small_heroine_64.png"
    graph["slice"] = {
        "class_type": "Video Slice",
        "inputs": {"video": ["4", 0], "start_time": 1.0, "duration": frames / 24, "strict_duration": False},
    }
    small = {"steps": 1, "tile": "16", "section": 32, "resolution": "source", "face_points": "all"}
    graph["5"]["inputs"] |= {"clip_vision": ["clip", 0], "driving": ["slice", 0], **small, **mimic}
    return graph


def saved(server, ran):
    (path,) = [server.output_file(f) for node in ran.outputs.values() for f in node.get("images", []) if f["filename"].endswith(".mp4")]  # fmt: skip
    with av.open(str(path)) as container:
        stamps = [Fraction(f.pts * container.streams.video[0].time_base) for f in container.decode(video=0)]
        return stamps, (container.streams.video[0].width, container.streams.video[0].height), len(container.streams.audio)  # fmt: skip


def test_the_bundled_graph_gives_as_many_frames_as_the_driver_and_its_sound(tiny):
    ran = tiny.run(made_small(), timeout=900)
    assert ran.status == "success", ran.error
    stamps, size, sounds = saved(tiny, ran)
    assert len(stamps) == FRAMES and size == (64, 64) and sounds == 1
    assert max(abs(stamp - stamps[0] - Fraction(k, 24)) for k, stamp in enumerate(stamps)) < Fraction(1, 1000)
    told = json.loads(ran.outputs["7"]["text"][0])
    assert told["engine"]["report"]["sections"] == 2 and told["engine"]["report"]["tile"] == 16


def test_kijais_file_takes_pose_net_from_beside_it_and_its_version_from_its_name(tiny):
    graph = made_small(frames=4, unet="MimicMotionMergedUnet_1-0-fp16.safetensors", tile="auto")
    ran = tiny.run(graph, timeout=600)
    assert ran.status == "success", ran.error
    assert len(saved(tiny, ran)[0]) == 4
    manifest = next((tiny.folder / "temp" / "motion_transfer").glob("mimic_*.json"))
    assert any(json.loads(p.read_text())["job"]["settings"]["version"] == "1" for p in manifest.parent.glob("mimic_*.json"))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unet": "mm_sd_v15_v2.safetensors"}, ("not MimicMotion", "motion module of AnimateDiff")),
        ({"wire": True}, ("plain Stable Video Diffusion", "Load MimicMotion")),
    ],
)
def test_another_model_is_named_in_one_line(tiny, change, words):
    graph = made_small(frames=4, **({"unet": change["unet"]} if "unet" in change else {}))
    if "wire" in change:
        graph["5"]["inputs"]["model"] = ["2", 0]
    ran = tiny.run(graph, timeout=300)
    assert ran.status == "error" and ran.error.strip().count("\n") == 0
    assert all(word in ran.error for word in words), ran.error


def test_the_loop_on_the_native_model_is_that_of_the_plain_unet(tiny):
    told = json.loads(comfy_python(HERE / "mimic_in_comfy.py", ROOT, tiny.folder / "models").splitlines()[-1])
    # Measured 8e-4 of the spread at the highest noise: both sides in one batch, layers cast to fp32 as they come.
    assert told["difference"] < 2e-3 * told["spread"] and told["pose_latents"] > 0.1
    assert told["decoded"] == [3, 64, 64, 3] and told["steps"] == [[1, 1]]
    assert told["model_untouched"] and told["same_fingerprint"] and told["other_fingerprint"]


def test_the_originals_two_loops_are_repeated_on_comfys_own_model():
    told = json.loads(comfy_python(HERE / "mimic_loops_in_comfy.py", ROOT).splitlines()[-1])
    assert set(told) == {"loop_40_16_6", "loop_27_16_6_cfg1to3"}
    for name, loop in told.items():  # measured 7.4e-5 and 1.2e-4
        assert loop["difference"] < 2e-4 < loop["spread"] / 1000, name


def test_the_vae_of_the_same_checkpoint_loads_outside_comfyui(tiny):
    torch = pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from motion_transfer.models.mimic_motion.diffusers_files import load_vae

    vae = load_vae(tiny.folder / "models" / "checkpoints" / "svd_xt_1_1.safetensors", torch.float32)
    assert sum(p.numel() for p in vae.parameters()) > 97_000_000
