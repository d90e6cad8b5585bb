"""Weights fetched from a hub of a few lines that speaks Hugging Face's protocol on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("huggingface_hub")

from motion_transfer.core import CannotWrite, InputError, UsageError, WeightFile
from motion_transfer.run import download
from motion_transfer.run.host import LocalHost

CONTENT = bytes(range(256)) * 100_000  # 26 MB: the hub's client keeps pieces of 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REPOSITORY, INSIDE, FILE = "nobody/nothing", "split_files/vae", "tiny.safetensors"


class Hub:
    """Serves one file; can state another hash, or break off after some bytes."""

    def __init__(self):
        self.stated, self.breaks_after, self.asked = SHA256, None, []
        hub = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _head(self, status, length, start=0):
                self.send_response(status)
                self.send_header("X-Repo-Commit", "0" * 40)
                self.send_header("ETag", f'"{hub.stated}"')
                self.send_header("Content-Length", str(length))
                if status == 206:
                    self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
                self.end_headers()

            def _known(self):
                path = self.path.split("?")[0]
                return path.startswith(f"/{REPOSITORY}/resolve/") and path.endswith(f"/{INSIDE}/{FILE}")

            def do_HEAD(self):
                if self._known():
                    self._head(200, len(CONTENT))
                else:
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_GET(self):
                ranged = self.headers.get("Range", "bytes=0-")
                start = int(ranged.split("=")[1].split("-")[0])
                hub.asked.append(start)
                body = CONTENT[start:]
                self._head(206 if start else 200, len(body), start)
                if hub.breaks_after is not None:
                    self.wfile.write(body[: hub.breaks_after if len(hub.asked) == 1 else 0])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.close()
                    return
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub():
    running = Hub()
    yield running
    running.server.shutdown()
    running.server.server_close()


def weights(**other):
    facts = {"name": "Tiny", "file": FILE, "folder": "vae", "repository": f"{REPOSITORY}/tree/main/{INSIDE}",
             "num_bytes": len(CONTENT), "sha256": None, "licence": "Apache-2.0", "commercial_use": True}  # fmt: skip
    return WeightFile(**{**facts, **other})


def test_a_file_is_fetched_whole_and_its_hash_kept(hub, tmp_path):
    (path,) = download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert path == tmp_path / "vae" / FILE and path.read_bytes() == CONTENT
    kept = json.loads((tmp_path / download.KEPT).read_text())
    assert kept[f"vae/{FILE}"]["sha256"] == SHA256 and kept[f"vae/{FILE}"]["revision"] == "0" * 40
    assert sorted(p.name for p in tmp_path.iterdir()) == [download.KEPT, "vae"]
    before = len(hub.asked)
    assert download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url) == [path]
    assert len(hub.asked) == before, "a file that is here is not fetched again"


def test_a_download_that_broke_off_goes_on_where_it_stopped(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between its own tries
    hub.breaks_after = 12_000_000
    with pytest.raises(InputError, match="goes on from there"):
        download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert not (tmp_path / "vae" / FILE).exists()
    hub.breaks_after, hub.asked = None, []
    (path,) = download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert hub.asked[0] >= 10_000_000


def test_something_else_than_the_hub_states_is_thrown_away(hub, tmp_path):
    hub.stated = "ab" * 32
    with pytest.raises(InputError, match="arrived damaged"):
        download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert not (tmp_path / "vae" / FILE).exists()


def test_a_file_that_is_not_the_known_one_is_not_fetched(hub, tmp_path):
    with pytest.raises(InputError, match="another file than this program knows"):
        download.fetch(weights(sha256="cd" * 32), tmp_path, LocalHost(), endpoint=hub.url)
    assert not hub.asked


def test_what_the_hub_has_not_is_said_in_one_line(hub, tmp_path):
    with pytest.raises(InputError) as caught:
        download.fetch(weights(file="other.safetensors"), tmp_path, LocalHost(), endpoint=hub.url)
    assert "other.safetensors" in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_of_another_size_is_never_written_over(hub, tmp_path):
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / FILE).write_bytes(b"mine")
    with pytest.raises(CannotWrite, match="move it away"):
        download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert (tmp_path / "vae" / FILE).read_bytes() == b"mine"


def test_a_full_disk_is_told_before_the_first_byte(hub, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CannotWrite, match="GB are free"):
        download.fetch(weights(), tmp_path, LocalHost(), endpoint=hub.url)
    assert not hub.asked


def test_verify_tells_whole_from_damaged_and_unknown(hub, tmp_path, monkeypatch):
    mine = weights()
    monkeypatch.setattr(download, "POSE_WEIGHTS", (("tiny", mine),))
    monkeypatch.setattr(download, "engine_names", lambda: ())
    host = LocalHost(weights_folders=(tmp_path,))
    assert download.verify(host, tmp_path) == []
    (path,) = download.fetch(mine, tmp_path, host, endpoint=hub.url)
    assert [v.verdict for v in download.verify(host, tmp_path)] == ["whole"]
    with path.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"\xff")
    assert [v.verdict for v in download.verify(host, tmp_path)] == ["damaged"]
    (tmp_path / download.KEPT).unlink()
    assert [v.verdict for v in download.verify(host, tmp_path)] == ["unknown"]


def test_verify_looks_at_the_finishers_files_too(tmp_path):
    for name in ("GFPGANv1.4.pth", "codeformer.pth"):
        (tmp_path / "facerestore_models").mkdir(exist_ok=True)
        (tmp_path / "facerestore_models" / name).write_bytes(b"not it")
    told = download.verify(LocalHost(weights_folders=(tmp_path,)), tmp_path)
    assert {v.path.name for v in told if v.path.is_relative_to(tmp_path)} == {"GFPGANv1.4.pth", "codeformer.pth"}


def test_an_engines_name_means_what_its_default_settings_want():
    from motion_transfer.models.animate_diff import weights as animate_diff
    from motion_transfer.models.live_portrait import weights as live_portrait
    from motion_transfer.models.mimic_motion import weights as mimic_motion
    from motion_transfer.models.wan_animate import weights as wan_animate

    wanted = {
        "wan-animate": wan_animate.needed(relight_lora=False, distill_lora=False).values(),
        "live-portrait": live_portrait.PEOPLE.values(),
        "mimic-motion": (mimic_motion.VERSIONS["1-1"], mimic_motion.SVD),
        "animate-diff": animate_diff.needed(next(iter(animate_diff.MODULES))).values(),
        "restore-faces": download.asked_for("GFPGANv1.4.pth")[0],
        "vitpose-b": [*download.asked_for("vitpose-b-wholebody.onnx")[0], *download.asked_for("yolox")[0]],
    }
    for name, files in wanted.items():
        meant, spared = download.asked_for(name)
        assert {w.file for w in meant} == {w.file for w in files}, name
        assert spared and not set(spared) & set(meant), name


def test_names_mean_engines_detectors_and_files():
    meant, spared = download.asked_for("wan-animate")
    assert {w.file for w in meant} >= {"wan_2.1_vae.safetensors"} and all("lora" in w.folder for w in spared)
    assert [w.file for w in download.asked_for("yolox")[0]] == ["yolox_l.onnx"]
    assert download.asked_for("yolox_l.onnx") == download.asked_for("YOLOX-L")
    with pytest.raises(UsageError, match="dwpose"):
        download.asked_for("nonsense")
    assert download.hub_place(download.asked_for("wan_2.1_vae.safetensors")[0][0]) == ("Comfy-Org/Wan_2.2_ComfyUI_Repackaged", "split_files/vae")  # fmt: skip
