"""Our nodes between core's own: what core makes goes in, what we make comes out, in the real server."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from real_server import RealServer

ROOT = Path(__file__).resolve().parents[2]
START, FRAMES = 24, 24  # the second second of the dancer
PUPPET = json.loads((ROOT / "workflows" / "api" / "first_result.json").read_text())["3"]["inputs"]


@pytest.fixture(scope="module")
def truth():
    with np.load(ROOT / "demo" / "media" / "dancer_truth.npz") as file:
        return {name: file[name] for name in ("points", "visible")}


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def transfer(character, driving, **more):
    wires = {"character": character, "driving": driving, "resolution": "480p"}
    return node("MT_MotionTransfer", **{**PUPPET, **wires, **more})


@pytest.fixture(scope="module")
def ran(server, truth):
    """One graph for all: queued once, looked at by each test."""
    graph = {
        "film": node("LoadVideo", file="motion_transfer_dancer.mp4"),
        "part": node("Video Slice", video=["film", 0], start_time=1.0, duration=1.0, strict_duration=False),
        "motion": node("MT_ExtractMotion", video=["part", 0]),
        "keep": node("MT_SaveMotion", motion=["motion", 0], filename_prefix="sliced"),
        # Out: core draws our poses, finds faces in them, and crops.
        "poses": node("MT_MotionToPoseKeypoint", motion=["motion", 0], confidence="score"),
        "drawn": node(
            "SDPoseDrawKeypoints", keypoints=["poses", 0], draw_body=True, draw_hands=True, draw_face=True,
            draw_feet=True, stick_width=4, face_point_size=3, score_threshold=0.3, draw_head=True,
        ),
        "drawings": node("SaveImage", images=["drawn", 0], filename_prefix="drawn"),
        "boxes": node("SDPoseFaceBBoxes", keypoints=["poses", 0], scale=1.5, force_square=True),
        "said": node("PreviewAny", source=["boxes", 0]),
        "apart": node("GetVideoComponents", video=["part", 0]),
        "faces": node("CropByBBoxes", image=["apart", 0], bboxes=["boxes", 0], output_width=128, output_height=128, padding=0, keep_aspect="pad"),
        "crops": node("SaveImage", images=["faces", 0], filename_prefix="faces"),
        # In: core's masks, and a video that core holds in memory.
        "robot": node("LoadImage", image="motion_transfer_robot.png"),
        "clear": node("LoadImageMask", image="motion_transfer_robot.png", channel="alpha"),
        "shape": node("InvertMask", mask=["clear", 0]),
        "first": transfer(["robot", 0], ["part", 0], mask=["shape", 0], **{"model.background": "plain", "model.plain_colour": "green"}),
        "parts": node("GetVideoComponents", video=["first", 0]),
        "again": node("CreateVideo", images=["parts", 0], audio=["parts", 1], fps=["parts", 2], bit_depth=8),
        "joined": node("CreateVideo", images=["apart", 0], audio=["apart", 1], fps=["apart", 2], bit_depth=8),
        "mascot": node("LoadImage", image="motion_transfer_mascot.png"),
        "cut_out": node("JoinImageWithAlpha", image=["mascot", 0], alpha=["mascot", 1]),
        "second": transfer(["cut_out", 0], ["joined", 0]),
        "saved_first": node("SaveVideo", video=["again", 0], filename_prefix="core/first", format="auto", codec="auto", **{"format.codec": "auto"}),
        "saved_second": node("SaveVideo", video=["second", 0], filename_prefix="core/second", format="auto", codec="auto", **{"format.codec": "auto"}),
    }  # fmt: skip
    done = server.run(graph)
    assert done.status == "success", done.error
    return done


def pictures(server, ran, name):
    found = []
    for entry in ran.outputs[name]["images"]:
        with Image.open(server.output_file(entry)) as picture:
            found.append(np.array(picture))
    return found


def film(server, ran, name):
    """Frames `[T,H,W,3]`, rate, seconds of sound."""
    (entry,) = ran.outputs[name]["images"]
    with av.open(str(server.output_file(entry))) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        rate = container.streams.video[0].average_rate
        container.seek(0)
        sound = sum((Fraction(f.samples, f.sample_rate) for f in container.decode(audio=0)), Fraction(0))
    return np.stack(frames), rate, float(sound)


def test_a_trimmed_video_gives_the_motion_of_its_part(server, ran, truth):
    from motion_transfer.pose.motion_file import load_motion

    motion = load_motion(next((server.folder / "output").glob("sliced_*.motion")))
    assert motion.num_frames == FRAMES
    assert (motion.source.start_seconds, motion.source.stop_seconds) == (1.0, 2.0)
    want, seen = truth["points"][START : START + FRAMES, 5:13], truth["visible"][START : START + FRAMES, 5:13]
    torso = np.linalg.norm(want[:, [0, 1]].mean(1) - want[:, [6, 7]].mean(1), axis=-1)[:, None]
    away = np.linalg.norm(motion.main.points[:, 5:13] - want, axis=-1) / torso
    assert np.median(away[seen]) < 0.05  # of the torso; another second of the dance is 0.3 and more away


def test_core_draws_our_poses_where_the_joints_are(server, ran, truth):
    drawings = pictures(server, ran, "drawings")
    assert len(drawings) == FRAMES and drawings[0].shape == (720, 1280, 3)
    lit = []
    for t, picture in enumerate(drawings):
        for joint in (0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16):
            x, y = truth["points"][START + t, joint].round().astype(int)
            if truth["visible"][START + t, joint] and 8 <= x < 1272 and 8 <= y < 712:
                lit.append(picture[y - 8 : y + 9, x - 8 : x + 9].any())
    assert np.mean(lit) > 0.9  # within 8 px: the detector is not exact
    assert np.mean([(p.max(2) > 0).mean() for p in drawings]) < 0.15  # a skeleton, not a flood


def test_core_finds_and_crops_the_faces_of_our_poses(server, ran, truth):
    boxes = json.loads(ran.outputs["said"]["text"][0].replace("'", '"'))
    assert len(boxes) == FRAMES and all(len(frame) == 1 for frame in boxes)
    for t, (box,) in enumerate(boxes):
        x, y = truth["points"][START + t, 23:91].mean(0)
        assert box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"]
    crops = pictures(server, ran, "crops")
    assert len(crops) == FRAMES and crops[0].shape == (128, 128, 3)


def test_a_mask_of_core_says_what_is_the_character_and_core_takes_our_video_apart(server, ran):
    frames, rate, sound = film(server, ran, "saved_first")
    assert len(frames) == FRAMES and rate == 24 and abs(sound - 1) < 0.1
    away = np.abs(frames.astype(int) - (0, 177, 64)).max(3)  # from the plain green; 24 for the encoder and soft edges
    with Image.open(ROOT / "demo" / "media" / "robot.png") as picture:
        robot = (np.array(picture)[..., 3] > 127).mean()
    assert abs((away > 24).mean() - robot) < 0.05
    assert np.abs(frames[8].astype(int) - frames[0]).max(2).mean() > 2  # it moves


def test_a_video_made_by_core_in_memory_drives_and_keeps_its_sound(server, ran):
    frames, rate, sound = film(server, ran, "saved_second")
    assert len(frames) == FRAMES and rate == 24 and abs(sound - 1) < 0.1
    corners = frames[:, [5, 5, -6, -6], [5, -6, 5, -6]]
    assert corners.min() > 245  # the joined alpha cut the mascot out: plain white shows where the picture was clear


def test_poses_written_by_core_become_the_same_motion(server, truth):
    from motion_transfer.pose.motion_file import load_motion

    graph = {
        "core": node("TEST_CorePoses", file="dancer_truth.npz", width=1280, height=720),
        "motion": node("MT_MotionFromPoseKeypoint", keypoints=["core", 0], frame_rate=24.0),
        "keep": node("MT_SaveMotion", motion=["motion", 0], filename_prefix="from_core"),
    }
    done = server.run(graph)
    assert done.status == "success", done.error
    motion = load_motion(next((server.folder / "output").glob("from_core_*.motion")))
    assert motion.size == (1280, 720) and motion.timeline.rate == 24
    visible = truth["visible"]
    assert np.array_equal(motion.main.scores > 0, visible)
    assert np.abs(motion.main.points - truth["points"])[visible].max() < 1e-3  # px; core's lists are float32


@pytest.mark.parametrize(
    "around_second",
    [{"x": 780, "y": 200, "width": 210, "height": 470}, {"x": 868, "y": 233, "width": 44, "height": 44}],
    ids=["person", "face"],
)
def test_a_box_as_core_writes_it_picks_the_person_in_it(server, around_second):
    """x, y, width, height of the second dancer, who stays about 884, 450 and is 427 px high, or of that face."""
    from motion_transfer.pose.motion_file import load_motion

    graph = {
        "both": node("MT_LoadMotion", file="motion_transfer_duet.motion"),
        "second": node("MT_PickPerson", motion=["both", 0], person=2, frame=0, point="", alone=True),
        "picked": node("MT_PickPerson", motion=["both", 0], person=1, frame=1, point="", bounding_box=around_second, alone=False),
        "keep": node("MT_SaveMotion", motion=["picked", 0], filename_prefix="picked"),
        "wanted": node("MT_SaveMotion", motion=["second", 0], filename_prefix="wanted"),
    }  # fmt: skip
    done = server.run(graph)
    assert done.status == "success", done.error
    picked, wanted = (load_motion(next((server.folder / "output").glob(f"{n}_*.motion"))) for n in ("picked", "wanted"))
    assert len(picked.tracks) == 2 and len(wanted.tracks) == 1
    assert np.array_equal(picked.main.points, wanted.main.points)
    assert not np.array_equal(picked.main.points, picked.tracks[1].points)


def test_a_mask_the_wrong_way_round_is_said(server):
    """Load Image's MASK is white where the picture is clear."""
    graph = {
        "film": node("MT_LoadMotion", file="motion_transfer_dancer.motion"),
        "mascot": node("LoadImage", image="motion_transfer_mascot.png"),
        "made": transfer(["mascot", 0], ["film", 0], mask=["mascot", 1]),
        "saved": node("SaveVideo", video=["made", 0], filename_prefix="core/wrong", format="auto", codec="auto", **{"format.codec": "auto"}),
    }  # fmt: skip
    ran = server.run(graph)
    assert ran.status == "error" and "Invert Mask" in ran.error and ran.error.strip().count("\n") == 0


def test_joints_of_the_character_can_be_given(server):
    """The film's first frame is the character, its first joints are that one's; another picture's are refused."""
    graph = {
        "film": node("LoadVideo", file="motion_transfer_dancer.mp4"),
        "part": node("Video Slice", video=["film", 0], start_time=1.0, duration=0.5, strict_duration=False),
        "motion": node("MT_ExtractMotion", video=["part", 0]),
        "apart": node("GetVideoComponents", video=["part", 0]),
        "made": transfer(["apart", 0], ["motion", 0], character_pose=["motion", 0]),
        "saved": node("SaveVideo", video=["made", 0], filename_prefix="core/given", format="auto", codec="auto", **{"format.codec": "auto"}),
    }  # fmt: skip
    ran = server.run(graph)
    assert ran.status == "success", ran.error
    graph["mascot"] = node("LoadImage", image="motion_transfer_mascot.png")
    graph["made"]["inputs"]["character"] = ["mascot", 0]
    ran = server.run(graph)
    assert ran.status == "error" and "The pose was made on a picture of" in ran.error


def test_a_video_in_memory_of_an_odd_size_is_one_clear_message(server):
    graph = {
        "pictures": node("EmptyImage", width=255, height=257, batch_size=3, color=7),
        "film": node("CreateVideo", images=["pictures", 0], fps=24.0, bit_depth=8),
        "motion": node("MT_ExtractMotion", video=["film", 0]),
        "kept": node("MT_SaveMotion", motion=["motion", 0], filename_prefix="odd"),
    }
    ran = server.run(graph)
    assert ran.status == "error" and ran.error.strip().count("\n") == 0
    assert "255x257" in ran.error and "254x256" in ran.error


def test_missing_weights_are_one_clear_message_and_the_queue_goes_on(server):
    graph = {
        "film": node("MT_LoadMotion", file="motion_transfer_dancer.motion"),
        "mascot": node("LoadImage", image="motion_transfer_mascot.png"),
        "made": transfer(["mascot", 0], ["film", 0]),
        "saved": node("SaveVideo", video=["made", 0], filename_prefix="core/none", format="auto", codec="auto", **{"format.codec": "auto"}),
    }  # fmt: skip
    inputs = {k: v for k, v in graph["made"]["inputs"].items() if not k.startswith("model.")}
    graph["made"]["inputs"] = {**inputs, "model": "Needs weights (test)", "model.strength": 1.0}
    for _ in range(2):  # a second time: nothing was left behind
        ran = server.run(graph)
        assert ran.status == "error"
        assert ran.error.strip().count("\n") == 0 and "Traceback" not in ran.error
        place = str(server.folder / "models" / "diffusion_models")
        for word in ("nobody_14B_fp8.safetensors", place, "nobody/nothing", "17.3 GB", "Apache-2.0"):
            assert word in ran.error, f"{word} is not in: {ran.error}"
    after = server.run({"1": node("EmptyImage", width=64, height=64, batch_size=1, color=7), "2": node("PreviewImage", images=["1", 0])})  # fmt: skip
    assert after.status == "success"


@pytest.fixture
def bare(tmp_path):
    """A server of its own: other tests lay small weights into the model folders of the one that all share."""
    with RealServer(tmp_path / "comfy") as running:
        yield running


def test_every_engine_with_weights_says_at_once_which_are_missing(bare):
    """As they stand on the Model list, with their defaults; this server's model folders are empty."""
    server = bare
    from motion_transfer.models.registry import engine_names, engine_spec

    need = {s.title: s for s in map(engine_spec, engine_names()) if s.weights}
    wires = {k: v for k, v in PUPPET.items() if not k.startswith("model")}
    for option in server.get("/object_info/MT_MotionTransfer")["MT_MotionTransfer"]["input"]["required"]["model"][1]["options"]:  # fmt: skip
        spec = need.get(option["key"])
        if spec is None:
            continue
        inputs = {**option["inputs"].get("required", {}), **option["inputs"].get("optional", {})}
        defaults = {f"model.{name}": said[1]["default"] for name, said in inputs.items()}
        made = node("MT_MotionTransfer", **{**wires, "character": ["mascot", 0], "driving": ["film", 0], "model": spec.title, **defaults})  # fmt: skip
        graph = {
            "film": node("LoadVideo", file="motion_transfer_dancer.mp4"),
            "mascot": node("LoadImage", image="motion_transfer_mascot.png"),
            "made": made,
            "saved": node("SaveVideo", video=["made", 0], filename_prefix="core/none", format="auto", codec="auto", **{"format.codec": "auto"}),
        }  # fmt: skip
        ran = server.run(graph, timeout=60)
        assert ran.status == "error" and ran.error.strip().count("\n") == 0, spec.title
        missing = [w for w in spec.weights if w.file in ran.error]
        assert missing and missing[0].repository in ran.error and missing[0].licence in ran.error, ran.error
        models = str(server.folder / "models")
        assert models in ran.error and missing[0].folder in ran.error, ran.error
        assert f'--weights "{models}"\'' in ran.error and "`" not in ran.error, (
            "the command fetches to where ComfyUI looks"
        )
        assert not [v for n, v, most in ran.progress if n == "made" and most > 1], "work was done before it was said"
