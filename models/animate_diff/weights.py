"""The weight files of AnimateDiff: motion modules by name, and what they move and are led by.

Sizes are rounded as their pages give them. Looking at this list loads nothing. Which licence a file has, and whether it
may be used commercially, is told as far as it was read; what was not read counts as not allowed.
"""

from __future__ import annotations

from ...core import WeightFile

MODULES_FOLDER = "animatediff_models"
FIRST_MODULE = "mm_sd_v15_v2.ckpt"
"""The one to begin with."""
NOT_READ = "terms of its page"
OPENRAIL = "CreativeML OpenRAIL-M"


def _module(file: str, size: int, *also: str) -> WeightFile:
    stem = file.split(".")[0]
    return WeightFile(
        name=f"AnimateDiff motion module {stem}",
        file=file,
        folder=MODULES_FOLDER,
        repository="guoyww/animatediff",
        num_bytes=size,
        sha256=None,
        licence="Apache-2.0",
        commercial_use=True,
        also=(
            f"{stem}.safetensors",
            f"{stem}.fp16.safetensors",
            *also,
            f"custom_nodes/ComfyUI-AnimateDiff-Evolved/models/{file}",
        ),
        by_default=file == FIRST_MODULE,
    )


MODULES = {
    "mm_sd_v15_v2": _module(FIRST_MODULE, 1_820_000_000, "mm_sd15_v2.safetensors"),
    "v3_sd15_mm": _module("v3_sd15_mm.ckpt", 1_670_000_000, "mm_sd15_v3.safetensors"),
    "temporaldiff-v1": WeightFile(
        name="TemporalDiff motion module",
        file="temporaldiff-v1-animatediff.safetensors",
        folder=MODULES_FOLDER,
        repository="CiaraRowles/TemporalDiff",
        num_bytes=1_670_000_000,
        sha256=None,
        licence=NOT_READ,
        commercial_use=False,
        also=("temporaldiff-v1-animatediff.ckpt",),
        by_default=False,
    ),
    "mm_sd_v15": _module("mm_sd_v15.ckpt", 1_670_000_000, "mm_sd15_v1.safetensors"),
    "mm_sd_v14": _module("mm_sd_v14.ckpt", 1_670_000_000),
    "mm_sdxl_v10_beta": _module("mm_sdxl_v10_beta.ckpt", 950_000_000),
}
"""By the names that users choose them by; the first is the one to begin with."""

CHECKPOINT = WeightFile(
    name="Stable Diffusion 1.5 checkpoint",
    file="v1-5-pruned-emaonly-fp16.safetensors",
    folder="checkpoints",
    repository="Comfy-Org/stable-diffusion-v1-5-archive",
    num_bytes=2_130_000_000,
    sha256=None,
    licence=OPENRAIL,
    commercial_use=True,
    also=("v1-5-pruned-emaonly.safetensors", "v1-5-pruned.safetensors"),
)

CHECKPOINT_XL = WeightFile(
    name="Stable Diffusion XL checkpoint",
    file="sd_xl_base_1.0.safetensors",
    folder="checkpoints",
    repository="stabilityai/stable-diffusion-xl-base-1.0",
    num_bytes=6_940_000_000,
    sha256=None,
    licence="CreativeML OpenRAIL++-M",
    commercial_use=True,
    by_default=False,
)

OPENPOSE = WeightFile(
    name="OpenPose ControlNet for SD1.5",
    file="control_v11p_sd15_openpose_fp16.safetensors",
    folder="controlnet",
    repository="comfyanonymous/ControlNet-v1-1_fp16_safetensors",
    num_bytes=723_000_000,
    sha256=None,
    licence=OPENRAIL,
    commercial_use=True,
    also=("control_v11p_sd15_openpose.pth", "control_v11p_sd15_openpose.safetensors", "control_sd15_openpose.pth"),
)

OPENPOSE_XL = WeightFile(
    name="OpenPose ControlNet for SDXL",
    file="OpenPoseXL2.safetensors",
    folder="controlnet",
    repository="thibaud/controlnet-openpose-sdxl-1.0",
    num_bytes=5_000_000_000,
    sha256=None,
    licence=NOT_READ,
    commercial_use=False,
    by_default=False,
)

INSIGHTFACE = WeightFile(
    name="InsightFace models for FaceID",
    file="buffalo_l",
    folder="insightface",
    repository="github.com/deepinsight/insightface",
    num_bytes=326_000_000,
    sha256=None,
    licence="non-commercial research only",
    commercial_use=False,
    also=("insightface/models/buffalo_l",),
)
"""What the IPAdapter pack finds faces with for identity=faceid. InsightFace itself downloads it, so it is not in `ALL`."""

ALL = (*MODULES.values(), CHECKPOINT, CHECKPOINT_XL, OPENPOSE, OPENPOSE_XL)


def is_sdxl(module: str) -> bool:
    """Of a name in `MODULES`."""
    return "sdxl" in module


def needed(module: str) -> dict[str, WeightFile]:
    """Role -> file, for a motion module by name: the module, the checkpoint it moves, the ControlNet that leads it."""
    xl = is_sdxl(module)
    return {
        "motion_module": MODULES[module],
        "checkpoint": CHECKPOINT_XL if xl else CHECKPOINT,
        "controlnet": OPENPOSE_XL if xl else OPENPOSE,
    }
