"""Frames between frames through our backend and through core's own node, by the same models, on the CPU.

Run by ComfyUI's interpreter in its folder:  python between_against_core.py PACK MODELS  prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

WIDTH, HEIGHT = 224, 128  # 224 is no multiple of what RIFE's levels need, so it has to be padded


def compare(pack: Path, models: Path) -> dict[str, dict[str, float]]:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import folder_paths
    import numpy as np
    import torch
    from comfy_extras.nodes_frame_interpolation import FrameInterpolate, FrameInterpolationModelLoader
    from wan_against_core import load_pack

    load_pack(pack)
    from pack.nodes.interpolate_backend import ComfyBetween

    folder_paths.add_model_folder_path("frame_interpolation", str(models / "frame_interpolation"), is_default=True)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin((x + 9 * t) / 11 + c) * np.cos((y - 5 * t) / 7 - c) for t in range(3) for c in range(3)]
    frames = np.stack(waves).reshape(3, 3, HEIGHT, WIDTH).transpose(0, 2, 3, 1)
    frames = np.ascontiguousarray(np.rint((frames + 1) * 127.5).astype(np.uint8))
    told = {}
    for name in ("rife", "film"):
        model = FrameInterpolationModelLoader.execute(f"{name}_random.safetensors").result[0]
        with torch.inference_mode():
            core = FrameInterpolate.execute(model, torch.from_numpy(frames).float() / 255, 2).result[0].numpy() * 255
        ours = ComfyBetween(model)
        made = [ours.between(frames[k], frames[k + 1], [0.5])[0] for k in (0, 1)]
        afresh = ComfyBetween(model).between(frames[1], frames[2], [0.25, 0.5, 0.9])
        told[name] = {
            "difference": float(max(np.abs(made[k] - core[2 * k + 1]).max() for k in (0, 1))),
            "from_mixing": float(np.abs(core[1] - (core[0] + core[2]) / 2).mean()),
            "afresh": float(np.abs(afresh[1].astype(int) - made[1]).max()),
            "moment_matters": float(np.abs(afresh[0].astype(int) - afresh[2]).mean()),
            "same_fingerprint": float(ComfyBetween(model).fingerprint == ours.fingerprint),
        }
    return told


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    print(json.dumps(compare(Path(sys.argv[1]), Path(sys.argv[2]))))
