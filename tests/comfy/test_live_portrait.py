"""LivePortrait in the real server, on random weights of the true layout and size: a face is made in seconds here, so
each graph makes a few frames."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
GRAPHS = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "workflows" / "api").glob("live_portrait*.json"))}
FRAMES = 2


@pytest.fixture(scope="module")
def portraits(server):
    """The server with weights where users have them, and small pictures."""
    subprocess.run([sys.executable, str(HERE / "tiny_portrait.py"), str(server.folder / "models")], check=True)
    for name in ("heroine", "mascot", "robot"):
        picture = Image.open(ROOT / "demo" / "media" / f"{name}.png")
        picture.resize((picture.width // 4 * 2, picture.height // 4 * 2)).save(
            server.folder / "input" / f"small_{name}.png"
        )
    return server


def made_short(graph, **settings):
    """A bundled graph with small pictures, a clip of two frames, and keyframes of no more."""
    graph = json.loads(json.dumps(graph))
    films = [key for key, node in graph.items() if node["class_type"] == "LoadVideo"]
    for node in graph.values():
        inputs = node["inputs"]
        for name, value in list(inputs.items()):
            if isinstance(value, list) and value[0] in films:
                inputs[name] = [f"slice{value[0]}", 0]
        if node["class_type"] == "LoadImage":
            inputs["image"] = inputs["image"].replace("motion_transfer_", "small_")
        if node["class_type"] == "MT_LivePortrait":
            inputs |= settings
        if node["class_type"] == "MT_ExpressionEditor":
            inputs |= {"keyframes": "0: rest\n0.04: sliders"}
    for key in films:
        graph[f"slice{key}"] = {
            "class_type": "Video Slice",
            "inputs": {"video": [key, 0], "start_time": 1.0, "duration": FRAMES / 24, "strict_duration": False},
        }
    return graph


def saved(server, ran):
    return [server.output_file(f) for node in ran.outputs.values() for f in node.get("images", []) if f["filename"].endswith(".mp4")]  # fmt: skip


def seen(path):
    with av.open(str(path)) as container:
        stamps = [Fraction(f.pts * container.streams.video[0].time_base) for f in container.decode(video=0)]
        return stamps, (container.streams.video[0].width, container.streams.video[0].height), len(container.streams.audio)  # fmt: skip


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_a_portrait_graph_gives_its_frames_and_their_sound(portraits, name):
    assert len(GRAPHS) == 4
    ran = portraits.run(made_short(GRAPHS[name]), timeout=1800)
    assert ran.status == "success", ran.error
    videos = saved(portraits, ran)
    assert len(videos) == sum(n["class_type"] == "SaveVideo" for n in GRAPHS[name].values())
    for path in videos:
        stamps, size, sounds = seen(path)
        assert len(stamps) == FRAMES and min(size) >= 380
        assert sounds == (0 if name == "live_portrait_expression" else 1)
    if name in ("live_portrait", "live_portrait_video"):
        report = json.loads(ran.outputs["5"]["text"][0])
        assert report["engine"]["name"] == "live-portrait" and report["engine"]["report"]["faces"] == 1
    if name == "live_portrait_expression":
        assert ran.outputs["3"]["images"]


def test_pictures_and_the_mask_come_with_the_face_that_core_found(portraits):
    """A template drives; the face is told on the wire, as core's landmarker would tell it."""
    still = np.zeros((1, 21, 3), np.float32)
    frame = {
        "scale": np.ones((1, 1), np.float32),
        "R": np.eye(3, dtype=np.float32)[None],
        "exp": still,
        "t": still[:, 0],
    }
    content = {"n_frames": 1, "output_fps": 25, "motion": [frame]}
    (portraits.folder / "input" / "still.pkl").write_bytes(pickle.dumps(content))
    graph = made_short(GRAPHS["live_portrait"], also_images=True)
    graph |= {
        "motion": {"class_type": "MT_LoadMotion", "inputs": {"file": "still.pkl"}},
        "faces": {"class_type": "TEST_FaceLandmarks", "inputs": {"image": ["1", 0], "x": 150, "y": 60, "side": 100}},
        "mask": {"class_type": "MaskToImage", "inputs": {"mask": ["3", 2]}},
        "look": {"class_type": "SaveImage", "inputs": {"images": ["mask", 0], "filename_prefix": "region"}},
        "frames": {"class_type": "SaveImage", "inputs": {"images": ["3", 1], "filename_prefix": "frames"}},
    }
    graph["3"]["inputs"] |= {"driving": ["motion", 0], "portrait_faces": ["faces", 0]}
    ran = portraits.run(graph, timeout=900)
    assert ran.status == "success", ran.error
    (mask,), (frame,) = (ran.outputs[key]["images"] for key in ("look", "frames"))
    region = np.asarray(Image.open(portraits.output_file(mask)).convert("L"))
    before = np.asarray(Image.open(portraits.folder / "input" / "small_heroine.png").convert("RGB"))
    after = np.asarray(Image.open(portraits.output_file(frame)).convert("RGB"))
    assert region.shape == before.shape[:2] and region[110, 200] == 255 and region[-1, -1] == 0
    away = np.abs(after.astype(int) - before)
    assert away[region == 0].mean() < 3 < away[region == 255].mean()  # H.264, against a face of random weights


def test_motion_transfer_has_it_in_its_list_and_says_which_file_is_missing(portraits):
    graph = json.loads((ROOT / "workflows" / "api" / "first_result.json").read_text())
    settings = {k: v for k, v in GRAPHS["live_portrait"]["3"]["inputs"].items() if not isinstance(v, list)}
    settings = {k: v for k, v in settings.items() if k not in ("resolution", "quality", "also_images")}
    inputs = {k: v for k, v in graph["3"]["inputs"].items() if not k.startswith("model.")}
    graph["3"]["inputs"] = inputs | {"model": "LivePortrait"} | {f"model.{k}": v for k, v in settings.items()}
    ran = portraits.run(made_short(graph), timeout=900)
    assert ran.status == "success", ran.error
    assert len(seen(saved(portraits, ran)[0])[0]) == FRAMES
    (portraits.folder / "models" / "liveportrait" / "warping_module.safetensors").unlink()
    ran = portraits.run(made_short(GRAPHS["live_portrait"], feather=20))
    assert ran.status == "error" and ran.error.strip().count("\n") == 0
    for word in ("warping_module", "liveportrait", "huggingface.co/Kijai"):
        assert word in ran.error
