"""The weight files of the person finders and pose networks: names as people have them, sizes, hashes, licences."""

from __future__ import annotations

from ..core import WeightFile

FOLDER = "detection"
"""Where the packs for Wan-Animate keep them. Newer ComfyUI lists only other endings there; we look ourselves."""
_AUX = "custom_nodes/comfyui_controlnet_aux/ckpts"
_EASY = "JunkyByte/easy_ViTPose"


def _elsewhere(*files: str) -> tuple[str, ...]:
    """The places under all models where other packs keep `files`, each with its bare name first."""
    return tuple(f"{place}{file}" for file in files for place in ("", "onnx/", "dwpose/", "DWPose/", "vitpose/"))


YOLOX_L = WeightFile(
    name="YOLOX-L", file="yolox_l.onnx", folder=FOLDER, repository="yzd-v/DWPose", num_bytes=216_746_733,
    sha256="7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411",
    licence="Apache-2.0", commercial_use=True,
    also=(*_elsewhere("yolox_l.onnx"), f"{_AUX}/yzd-v/DWPose/yolox_l.onnx"),
)  # fmt: skip

YOLOV10M = WeightFile(
    name="YOLOv10m", file="yolov10m.onnx", folder=FOLDER, repository="Wan-AI/Wan2.2-Animate-14B/tree/main/process_checkpoint/det",
    num_bytes=61_659_689, sha256=None,
    # AGPL: whoever serves it to others must publish their program; with anything closed that means no.
    licence="AGPL-3.0", commercial_use=False,
    also=(*_elsewhere("yolov10m.onnx", "yolov8m.onnx"), "process_checkpoint/det/yolov10m.onnx",
          "Wan2.2-Animate-14B/process_checkpoint/det/yolov10m.onnx"),
)  # fmt: skip

DWPOSE = WeightFile(
    name="DWPose", file="dw-ll_ucoco_384.onnx", folder=FOLDER, repository="yzd-v/DWPose", num_bytes=134_399_116,
    sha256="724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843",
    licence="Apache-2.0", commercial_use=True,
    also=(*_elsewhere("dw-ll_ucoco_384.onnx"), f"{_AUX}/yzd-v/DWPose/dw-ll_ucoco_384.onnx",
          *_elsewhere("dw-ll_ucoco.onnx"), f"{_AUX}/hr16/UnJIT-DWPose/dw-ll_ucoco.onnx"),
)  # fmt: skip


def _vitpose(size: str, letter: str, num_bytes: int) -> WeightFile:
    file = f"vitpose-{letter}-wholebody.onnx"
    return WeightFile(
        name=f"ViTPose {size}", file=file, folder=FOLDER, repository=f"{_EASY}/tree/main/onnx/wholebody", num_bytes=num_bytes,
        sha256=None, licence="Apache-2.0", commercial_use=True,
        also=_elsewhere(file, f"vitpose_{letter}_wholebody.onnx", f"vitpose_{letter}_wholebody_model.onnx"),
    )  # fmt: skip


def _vitpose_torch(size: str, letter: str, num_bytes: int) -> WeightFile:
    file = f"vitpose-{letter}-wholebody.pth"
    return WeightFile(
        name=f"ViTPose {size} (torch)", file=file, folder=FOLDER, repository=f"{_EASY}/tree/main/torch/wholebody",
        num_bytes=num_bytes, sha256=None, licence="Apache-2.0", commercial_use=True,
        also=_elsewhere(f"vitpose-{letter}-wholebody.safetensors", file), by_default=False,
    )  # fmt: skip


VITPOSE_ONNX = {
    "vitpose-s": _vitpose("small", "s", 97_427_067),
    "vitpose-b": _vitpose("base", "b", 360_242_862),
    "vitpose-l": _vitpose("large", "l", 1_234_579_166),
    # Both files of Kijai's, or Wan's own folder with some 440 weight files beside its end2end.onnx.
    "vitpose-h": WeightFile(
        name="ViTPose huge (with vitpose_h_wholebody_data.bin beside it)", file="vitpose_h_wholebody_model.onnx",
        beside=("vitpose_h_wholebody_data.bin",),
        folder=FOLDER, repository="Kijai/vitpose_comfy/tree/main/onnx",
        num_bytes=420_252 + 2_548_958_740, sha256=None, licence="Apache-2.0", commercial_use=True,
        also=(*_elsewhere("vitpose_h_wholebody_model.onnx", "vitpose_h_wholebody.onnx", "vitpose-h-wholebody.onnx"),
              "process_checkpoint/pose2d/vitpose_h_wholebody.onnx",
              "Wan2.2-Animate-14B/process_checkpoint/pose2d/vitpose_h_wholebody.onnx"),
    ),
}  # fmt: skip

VITPOSE_TORCH = {
    "vitpose-s": _vitpose_torch("small", "s", 97_000_000),
    "vitpose-b": _vitpose_torch("base", "b", 360_000_000),
    "vitpose-l": _vitpose_torch("large", "l", 1_234_000_000),
    "vitpose-h": _vitpose_torch("huge", "h", 2_549_000_000),
}
"""Sizes are rounded: the same weights as float32."""

POSE_WEIGHTS: tuple[tuple[str, WeightFile], ...] = (
    ("yolox", YOLOX_L),
    ("yolov10", YOLOV10M),
    ("dwpose", DWPOSE),
    *VITPOSE_ONNX.items(),
    *VITPOSE_TORCH.items(),
)
"""Which finder or network each one serves."""
