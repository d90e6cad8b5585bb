"""The nodes and the bundled workflows in a real ComfyUI server, over HTTP and websocket, on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "workflows" / "api").glob("*.json"))}


def frames_and_stamps(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [Fraction(f.pts * stream.time_base) for f in container.decode(stream)]
        return len(stamps), [s - stamps[0] for s in stamps], bool(container.streams.audio)


def audio_packets(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


def saved_videos(server, ran):
    return [server.output_file(f) for node in ran.outputs.values() for f in node.get("images", []) if f["filename"].endswith((".mp4", ".mkv", ".mov"))]  # fmt: skip


def test_the_pack_loads_and_shows_every_node(server):
    assert "IMPORT FAILED" not in server.log() and "Cannot import" not in server.log()
    shown = server.get("/object_info")
    promised = json.loads((ROOT / "tests" / "nodes" / "names_are_promises.json").read_text())
    assert set(promised) <= set(shown)
    for node_id in promised:
        assert shown[node_id]["python_module"].startswith("custom_nodes.")
        assert server.get(f"/object_info/{node_id}")


def test_help_pages_are_served(server):
    import urllib.request

    promised = json.loads((ROOT / "tests" / "nodes" / "names_are_promises.json").read_text())
    for node_id in promised:
        for language in ("en", "zh"):
            with urllib.request.urlopen(
                f"{server.url}/extensions/comfyui-motion-transfer/docs/{node_id}/{language}.md"
            ) as page:
                assert page.status == 200


def test_every_node_is_used_by_a_bundled_workflow():
    promised = set(json.loads((ROOT / "tests" / "nodes" / "names_are_promises.json").read_text()))
    used = {n["class_type"] for g in GRAPHS.values() for n in g.values()}
    assert promised <= used


# Those that need weights run in files of their own, on small ones; so does what changes the number of frames.
ELSEWHERE = ("wan_", "animate_diff", "mimic_motion", "live_portrait", "restore_faces", "finishing")


@pytest.mark.parametrize("name", sorted(n for n in GRAPHS if n == "finishing_regions" or not n.startswith(ELSEWHERE)))
def test_a_bundled_workflow_runs(server, name):
    ran = server.run(GRAPHS[name])
    assert ran.status == "success", ran.error
    want, stamps, _ = frames_and_stamps(ROOT / "demo" / "media" / "dancer.mp4")
    videos = saved_videos(server, ran)
    savers = [n for n in GRAPHS[name].values() if n["class_type"] == "SaveVideo"]
    assert len(videos) == len(savers)
    for path in videos:
        got, times, has_audio = frames_and_stamps(path)
        assert got == want
        assert max(abs(a - b) for a, b in zip(times, stamps, strict=True)) <= Fraction(1, 1000)  # Matroska counts ms
        if "pose" not in path.name:
            assert has_audio
            assert audio_packets(path) == audio_packets(ROOT / "demo" / "media" / "dancer.mp4")
    for node_id, node in GRAPHS[name].items():
        if node["class_type"] == "PreviewImage":
            assert ran.outputs[node_id]["images"]


def test_a_saved_motion_drives_another_graph(server):
    ran = server.run(GRAPHS["cast"])
    assert ran.status == "success", ran.error
    motion = next((server.folder / "output" / "motion").glob("dancer_*.motion"))
    graph = changed("saved_motion", resolution="480p")
    graph["1"]["inputs"]["file"] = f"motion/{motion.name} [output]"
    again = server.run(graph)
    assert again.status == "success", again.error
    (path,) = saved_videos(server, again)
    want, _, has_audio = frames_and_stamps(ROOT / "demo" / "media" / "dancer.mp4")
    assert frames_and_stamps(path)[0] == want and has_audio


def test_the_inputs_of_the_workflows_lie_in_the_input_folder_and_what_is_there_stays(server):
    named = {v for g in GRAPHS.values() for n in g.values() if n["class_type"] in ("LoadImage", "LoadVideo", "MT_LoadMotion") for k, v in n["inputs"].items() if k in ("image", "file")}  # fmt: skip
    assert named
    for name in named:
        lies = server.folder / "input" / name
        assert lies.read_bytes() == (ROOT / "demo" / "media" / name.removeprefix("motion_transfer_")).read_bytes()
    assert not list((server.folder / "input").glob(".*"))


def changed(name, **inputs):
    graph = json.loads(json.dumps(GRAPHS[name]))
    for node in graph.values():
        if node["class_type"] == "MT_MotionTransfer":
            node["inputs"].update(inputs)
    return graph


def test_cancelled_in_the_middle_it_goes_on_and_ends_with_the_same_bits(server):
    graph = changed("first_result", seed=11, resolution="480p")
    unbroken = server.run(graph)
    assert unbroken.status == "success", unbroken.error
    (whole,) = saved_videos(server, unbroken)
    result = max((server.folder / "temp" / "motion_transfer").glob("transfer_*.mp4"), key=lambda p: p.stat().st_mtime)
    bits = result.read_bytes()
    result.unlink()
    server.post("/free", {"unload_models": True, "free_memory": True})
    broken = server.run(graph, interrupt_after=2)
    assert broken.status == "error" and any(k == "execution_interrupted" for k, _ in broken.messages)
    assert not result.exists()
    resumed = server.run(graph)
    assert resumed.status == "success", resumed.error
    assert result.read_bytes() == bits
    assert frames_and_stamps(saved_videos(server, resumed)[0])[0] == frames_and_stamps(whole)[0]


def test_previews_and_progress_come_while_it_renders(server):
    ran = server.run(changed("first_result", seed=12))
    assert ran.previews >= 3
    values = [value for node, value, most in ran.progress if node == "3" and most == 144]
    # The engine tells every eighth frame; ComfyUI passes on what is a tenth of a second apart.
    assert max(b - a for a, b in zip([0, *values], [*values, 144], strict=True)) <= 32
    assert len(values) >= 10


def test_errors_are_one_clear_message_and_the_queue_goes_on(server, tmp_path):
    from PIL import Image

    Image.fromarray(np.full((256, 256, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    server.put_input(tmp_path / "grey.png")
    (tmp_path / "broken.mp4").write_bytes(b"not a video at all" * 50)
    server.put_input(tmp_path / "broken.mp4")
    nobody = json.loads(json.dumps(GRAPHS["first_result"]))
    nobody["1"]["inputs"]["image"] = "grey.png"
    ran = server.run(nobody)
    assert ran.status == "error" and "Traceback" not in ran.error and ran.error.strip().count("\n") == 0
    broken = json.loads(json.dumps(GRAPHS["first_result"]))
    broken["2"]["inputs"]["file"] = "broken.mp4"
    ran = server.run(broken)
    assert ran.status == "error" and "broken.mp4" in ran.error
    assert server.run(changed("first_result", seed=13, resolution="480p")).status == "success"


def test_a_result_is_checked_and_a_video_of_no_run_is_refused_in_one_line(server):
    ran = server.run(GRAPHS["check_result"])
    assert ran.status == "success", ran.error
    checker = next(k for k, n in GRAPHS["check_result"].items() if n["class_type"] == "MT_CheckResult")
    (told,) = ran.outputs[checker]["text"]
    assert "frames: 144 of 144" in told and "byte for byte" in told and told.endswith("Nothing deserves a look.")
    driver = json.loads(json.dumps(GRAPHS["check_result"]))
    loader = next(k for k, n in driver.items() if n["class_type"] == "LoadVideo")
    driver[checker]["inputs"]["video"] = [loader, 0]
    ran = server.run(driver)
    assert ran.status == "error" and ran.error.strip().count("\n") == 0
    assert "no run has left its manifest" in ran.error and "goes straight in" in ran.error


def test_the_example_script_queues_over_the_api(server, tmp_path):
    media = ROOT / "demo" / "media"
    out = tmp_path / "out.mp4"
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "queue_over_api.py"), str(media / "mascot.png"), str(media / "dancer.mp4"),
         "-o", str(out), "--server", f"127.0.0.1:{server.port}", "--set", "resolution=480p"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert frames_and_stamps(out)[0] == frames_and_stamps(media / "dancer.mp4")[0]
