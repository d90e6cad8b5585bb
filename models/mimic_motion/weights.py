"""The weight files of MimicMotion, under every name that people have them by. Looking at this list loads nothing.

Sizes are rounded as their pages give them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...core import Host, MissingWeights, NotForCommercialUse, WeightFile
from ...core.weight_files import find_all

STABILITY = "Stability AI's terms, as Stable Video Diffusion"
"""MimicMotion is fine-tuned from SVD and its page carries Stability's terms, which limit commercial use by revenue. A
re-upload that says Apache-2.0 cannot widen them."""
_LOOKED_AT_BYTES = 1 << 16

VERSIONS = {
    "1-1": WeightFile(
        name="MimicMotion 1-1",
        file="MimicMotion_1-1.pth",
        folder="diffusion_models",
        repository="tencent/MimicMotion",
        num_bytes=3_050_000_000,
        sha256=None,
        licence=STABILITY,
        commercial_use=False,
        also=(
            "MimicMotionMergedUnet_1-1-fp16.safetensors",
            "MimicMotion-fp16.safetensors",
            "mimicmotion/MimicMotion_1-1.pth",
            "mimicmotion/MimicMotionMergedUnet_1-1-fp16.safetensors",
            "mimicmotion/MimicMotion-fp16.safetensors",
        ),
    ),
    "1": WeightFile(
        name="MimicMotion 1",
        file="MimicMotion_1.pth",
        folder="diffusion_models",
        repository="tencent/MimicMotion",
        num_bytes=3_050_000_000,
        sha256=None,
        licence=STABILITY,
        commercial_use=False,
        also=(
            "MimicMotionMergedUnet_1-0-fp16.safetensors",
            "mimicmotion/MimicMotion_1.pth",
            "mimicmotion/MimicMotionMergedUnet_1-0-fp16.safetensors",
        ),
        by_default=False,
    ),
}
"""UNet and PoseNet in one file (Tencent's), or the UNet alone (Kijai's), which needs POSE_NET beside it."""
TILES = {"1-1": 72, "1": 16}
"""Frames that each version was trained on at once."""

SVD = WeightFile(
    name="Stable Video Diffusion XT 1.1",
    file="svd_xt_1_1.safetensors",
    folder="checkpoints",
    repository="stabilityai/stable-video-diffusion-img2vid-xt-1-1",
    num_bytes=4_780_000_000,
    sha256=None,
    licence="Stability AI's terms",
    commercial_use=False,
    also=(
        "svd_xt.safetensors",
        "svd.safetensors",
        "stable-video-diffusion-img2vid-xt-1-1",
        "stable-video-diffusion-img2vid-xt",
        "diffusers/stable-video-diffusion-img2vid-xt-1-1",
        "diffusers/stable-video-diffusion-img2vid-xt",
    ),
)
"""For its VAE and its CLIP; one file, or the folder that is published for diffusers."""

POSE_NET = WeightFile(
    name="MimicMotion PoseNet",
    file="mimic_motion_pose_net.safetensors",
    folder="diffusion_models",
    repository="tencent/MimicMotion",
    num_bytes=412_730,
    sha256=None,
    licence=STABILITY,
    commercial_use=False,
    also=(
        "mimicmotion/mimic_motion_pose_net.safetensors",
        "custom_nodes/ComfyUI-MimicMotionWrapper/models/mimic_motion_pose_net.safetensors",
    ),
)
"""Alone on GitHub only (kijai/ComfyUI-MimicMotionWrapper, models/); Tencent's own files have it in them."""

MODEL_ROLE, SVD_ROLE, POSE_ROLE = "model", "svd", "pose_net"


def version_of(file: str) -> str:
    """Which version a file of this name holds; one that nobody knows counts as the newer."""
    older = VERSIONS["1"]
    return "1" if file in {name.rsplit("/", 1)[-1] for name in (older.file, *older.also)} else "1-1"


def find_weights(host: Host, version: str) -> dict[str, Path]:
    """Role -> where it is; the separate PoseNet only where the model's file has none.

    MissingWeights tells of all that are not there; InputError for a file that is no MimicMotion.
    """
    found = find_all(host.find_weights, {MODEL_ROLE: VERSIONS[version], SVD_ROLE: SVD}, "mimic-motion")
    if not _has_pose_net(found[MODEL_ROLE]):
        found[POSE_ROLE] = find_pose_net(host, found[MODEL_ROLE])
    return found


def find_pose_net(host: Host, model: Path) -> Path:
    """The file of PoseNet alone, for a `model` without one."""
    beside = model.with_name(POSE_NET.file)
    try:
        return beside if beside.is_file() else host.find_weights(POSE_NET)
    except NotForCommercialUse:
        raise
    except MissingWeights:
        raise MissingWeights(
            f"{model.name} holds MimicMotion's UNet but not its PoseNet: put {POSE_NET.file} (0.4 MB, from models/ of "
            f"github.com/kijai/ComfyUI-MimicMotionWrapper) beside it, or take Tencent's MimicMotion_1-1.pth, which has both."
        ) from None


def _has_pose_net(model: Path) -> bool:
    from .files import has_pose_net

    return has_pose_net(model)


def names_and_marks(paths: dict[str, Path]) -> str:
    """Tells weights apart without reading gigabytes: role, name, size and four short looks into each file."""
    known = hashlib.sha256()
    for role, path in sorted(paths.items()):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            size = file.stat().st_size
            known.update(f"{role}\n{file.name}\n{size}\n".encode())
            with file.open("rb") as stream:
                for quarter in range(4):
                    stream.seek(max(0, size * quarter // 4 - _LOOKED_AT_BYTES))
                    known.update(stream.read(_LOOKED_AT_BYTES))
    return known.hexdigest()[:32]
