"""Face Motion: the driver's expression as twenty numbers a frame, read once, kept in the motion."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
from comfy_api.latest import Input, io

from ..core import Motion
from ..face_motion.face_codes import neutral_code, scale_about, smooth
from ..video import open_video
from .comfy_host import comfy_host
from .places import video_file
from .wires import CATEGORY, motion_input, motion_output

_KEPT = 4
_read: OrderedDict[str, np.ndarray] = OrderedDict()
"""The last few clips' codes as they were read, 80 B a frame: shaping them anew reads nothing again."""


class FaceMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_FaceMotion",
            display_name="Face Motion",
            category=CATEGORY,
            description="Reads the driver's expression with Wan-Animate's own face encoder, once a clip, and smooths, scales and keeps it in the motion.",
            search_aliases=["expression", "face codes", "lmd", "linear motion decomposition", "face strength", "facial motion"],
            inputs=[
                io.Video.Input("video", tooltip="The driving video that the motion was extracted from."),
                motion_input(),
                io.Model.Input("model", tooltip="Wan2.2-Animate-14B from any loader; only its small face encoder is used."),
                io.Float.Input("face_smooth", default=0.0, min=0.0, max=10.0, step=0.1, tooltip="Smoothing of the expression over time; Wan-Animate (Long Video) smooths by itself, so 0 is right before it."),
                io.Float.Input("face_strength", default=1.0, min=0.0, max=2.0, step=0.05, tooltip="Stretches the expression about the neutral face: 0 a still face, 1 as read, 2 twice as strong."),
                io.Combo.Input("neutral", options=["median", "frame"], default="median", tooltip="The neutral face: the middle of the whole clip, or the face of one frame."),
                io.Int.Input("neutral_frame", default=0, min=0, max=1_000_000, advanced=True, tooltip="The frame with the neutral face, where that is chosen."),
            ],
            outputs=[motion_output("The motion with its face codes: for Wan-Animate (Long Video), and for Save Motion.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        video: Input.Video,
        motion: Motion,
        model: Any,
        face_smooth: float,
        face_strength: float,
        neutral: str,
        neutral_frame: int,
    ) -> io.NodeOutput:
        from ..face_motion.encode_clip import encode_clip
        from ..face_motion.lmd_encoder import LmdEncoder
        from .wan_backend import face_weights_of, require_wan_animate

        require_wan_animate(model)
        encoder = LmdEncoder(face_weights_of(model))
        key = _key(motion, encoder.encoder_id)
        if key not in _read:
            path, begin, end = video_file(video)
            source = open_video(path, start_seconds=begin, stop_seconds=end)
            with comfy_host() as host:
                _, _read[key] = encode_clip(source, motion.main, encoder, host, cuts=motion.cuts)
            while len(_read) > _KEPT:
                _read.popitem(last=False)
        codes = smooth(_read[key], motion.timeline.rate, face_smooth, motion.cuts)
        calm = neutral_code(codes, frame=neutral_frame if neutral == "frame" else None)
        codes = scale_about(codes, calm, face_strength)
        return io.NodeOutput(replace(motion, face_codes={**motion.face_codes, encoder.encoder_id: codes}))


def _key(motion: Motion, encoder_id: str) -> str:
    told = hashlib.sha256(f"{encoder_id} {motion.source.sha256} {motion.source.start_seconds}".encode())
    told.update(np.ascontiguousarray(motion.main.points).tobytes())
    return told.hexdigest()
