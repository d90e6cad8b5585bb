"""`motion-transfer models`: what is here, what is not, and how much `get` will bring."""

from __future__ import annotations

import json

from motion_transfer.cli.main import main


def test_models_tells_what_is_here_and_what_is_not(capsys, light_engine, monkeypatch, tmp_path):
    from dataclasses import replace

    from motion_transfer.core import WeightFile

    weights = WeightFile(
        "big", "big.safetensors", "diffusion_models", "some/where", 12_300_000, None, "CC-BY-NC", False
    )
    monkeypatch.setattr(light_engine, "SPEC", replace(light_engine.SPEC, weights=(weights,)))
    assert main(["models", "--json"]) == 0
    found = {w["file"]: w for w in json.loads(capsys.readouterr().out)}
    assert found["big.safetensors"]["path"] is None and found["big.safetensors"]["commercial_use"] is False
    assert any(w["used_by"] == "detector" and w["licence"] == "Apache-2.0" for w in found.values())
    (tmp_path / "diffusion_models").mkdir()
    (tmp_path / "diffusion_models" / "big.safetensors").write_bytes(b"1")
    assert main(["models", "--json", "--weights", str(tmp_path)]) == 0
    found = {w["file"]: w for w in json.loads(capsys.readouterr().out)}
    assert found["big.safetensors"]["path"] == str(tmp_path / "diffusion_models" / "big.safetensors")
    assert main(["models", "--weights", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "big.safetensors" in told
    assert f"Looked for in {tmp_path}, " in told.splitlines()[-1], "places in the table count from somewhere"


def test_models_get_says_how_much_will_come_and_where_to(capsys, tmp_path, monkeypatch):
    from motion_transfer.run import download

    monkeypatch.setattr(download, "fetch", lambda weights, folder, host: [folder / weights.file])
    assert main(["models", "get", "dwpose", "yolox", "--weights", str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"2 files, about 0.4 GB, into {tmp_path}"
    assert main(["models", "get", "yolox", "--weights", str(tmp_path)]) == 0
    assert "files," not in capsys.readouterr().out
    assert main(["models", "get", "restore-faces", "--commercial-use-only", "--weights", str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Only for other settings") and "codeformer.pth" in told[0] and "GFPGANv1.4.pth" in told[1]
