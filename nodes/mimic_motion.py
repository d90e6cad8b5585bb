"""MimicMotion on the wires' own models: its file as a MODEL, and the whole transfer in one node."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..core import RESOLUTIONS
from ..models.mimic_motion.spec import BACKEND, MimicMotionSettings
from .comfy_host import comfy_host
from .engine_inputs import setting_input
from .mimic_files import mimic_files, mimic_path
from .motion_transfer import QUALITY_WORDS
from .wired_transfer import wired_job, wired_outputs, wired_transfer
from .wires import CATEGORY, MotionWire

SHAPING = (
    "pose_strength", "reference_strength", "temporal_consistency", "tile", "overlap", "face_points", "retarget",
    "driving_smooth", "guidance_start", "section", "noise_aug", "motion_bucket", "conditioning_fps", "decode_chunk",
)  # fmt: skip
"""The engine's settings that the wires do not decide; version and dtype come with the MODEL."""
_OPTIONS = {o.name: o for o in MimicMotionSettings.options()}


class LoadMimicMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_LoadMimicMotion",
            display_name="Load MimicMotion",
            category=CATEGORY,
            description="MimicMotion's file, Tencent's or Kijai's, as a native Stable Video Diffusion MODEL with its PoseNet. Stability AI's terms: commercial use is limited.",
            search_aliases=["mimicmotion loader", "mimic motion", "svd pose"],
            inputs=[
                io.Combo.Input("unet_name", options=mimic_files(), tooltip="MimicMotion_1-1.pth (huggingface.co/tencent/MimicMotion), or Kijai's MimicMotionMergedUnet with mimic_motion_pose_net.safetensors beside it; in models/diffusion_models or models/mimicmotion. Licence: Stability AI's."),
                io.Combo.Input("weight_dtype", options=["default", "fp8_e4m3fn", "fp8_e5m2"], default="default", advanced=True, tooltip="fp8 halves the weights' 3 GB on the GPU."),
            ],
            outputs=[io.Model.Output(id="model", display_name="model", tooltip="For MimicMotion (Long Video); LoRAs may lie between.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, unet_name: str, weight_dtype: str) -> io.NodeOutput:
        from .mimic_model import load_mimic_model, pose_net_beside

        path = mimic_path(unet_name)
        with comfy_host() as host:
            return io.NodeOutput(load_mimic_model(path, pose_net_beside(path, host), weight_dtype))


class MimicMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        import comfy.samplers

        return io.Schema(
            node_id="MT_MimicMotion",
            display_name="MimicMotion (Long Video)",
            category=CATEGORY,
            description="MimicMotion on ComfyUI's own Stable Video Diffusion: a picture dances after a driving video, any length at flat memory, cancelled runs go on.",
            search_aliases=["mimicmotion", "mimic motion", "svd", "pose video", "dance", "animate picture", "long video"],
            inputs=[
                io.Model.Input("model", tooltip="From Load MimicMotion; LoRAs may lie between."),
                io.Vae.Input("vae", tooltip="Stable Video Diffusion's own, from Image Only Checkpoint Loader with svd_xt_1_1.safetensors."),
                io.ClipVision.Input("clip_vision", tooltip="Stable Video Diffusion's own, from the same loader. The whole picture is shown to it, squashed, as in training."),
                io.Image.Input("character", tooltip="Picture of the character; the first of a batch. Its shape gives the video's, sides in multiples of 64."),
                io.MultiType.Input("driving", types=[io.Video, MotionWire], tooltip="The driving video, or a motion extracted from one before."),
                io.Combo.Input("resolution", options=list(RESOLUTIONS), default="720p", tooltip="Short side of the result; never enlarged. The model was trained on 576 px: a picture of 576x1024 with 'source' is the best."),
                setting_input(_OPTIONS["steps"]),
                io.Combo.Input("sampler_name", options=comfy.samplers.KSampler.SAMPLERS, default="euler", tooltip="euler is the original's."),
                io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS, default="karras", tooltip="karras is the original's."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=True, tooltip="All noise is drawn from this number."),
                *(setting_input(_OPTIONS[name]) for name in SHAPING),
                io.Combo.Input("quality", options=list(QUALITY_WORDS), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV."),
                io.Boolean.Input("also_images", default=False, advanced=True, tooltip="Give the whole clip as IMAGE too: 12 bytes a pixel in memory, 1.4 GB for 200 frames of 576x1024."),
                io.Sampler.Input("sampler", optional=True, tooltip="Your own sampler in place of sampler_name."),
                io.Sigmas.Input("sigmas", optional=True, tooltip="Your own steps in place of scheduler and steps."),
            ],
            outputs=wired_outputs("Sections, seams as measured, and what was noticed on the way (JSON)."),
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: Any,
        vae: Any,
        clip_vision: Any,
        character: Input.Image,
        driving: Any,
        resolution: str,
        steps: int,
        sampler_name: str,
        scheduler: str,
        seed: int,
        quality: str,
        also_images: bool,
        sampler: Any = None,
        sigmas: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from .mimic_backend import ComfyMimicBackend, Sampling
        from .mimic_model import parts_of

        settings |= {"steps": steps, "version": parts_of(model).version}
        job = wired_job(
            "MimicMotion", "mimic-motion", settings, character, driving, seed=seed, quality=quality,
            resolution=resolution,
        )  # fmt: skip
        sampling = Sampling(
            steps, sampler_name, scheduler, sampler, sigmas, settings["conditioning_fps"], settings["motion_bucket"],
            settings["noise_aug"],
        )  # fmt: skip
        backend = ComfyMimicBackend(model, vae, clip_vision, sampling)
        return wired_transfer("MimicMotion (Long Video)", job, BACKEND, backend, also_images=also_images)
