"""The driver's expression as the model takes it: twenty numbers a frame, read from the film once and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...core import Host, Motion, VideoSource
from ...face_motion.encode_clip import encode_clip
from ...face_motion.face_codes import neutral_code, scale_about, smooth
from ...face_motion.lmd_encoder import LmdEncoder
from .backend import WanBackend


class Faces:
    """Reads and shapes face codes; the encoder is loaded when it is first asked for."""

    def __init__(self, backend: WanBackend, host: Host) -> None:
        self._backend, self._host = backend, host
        self._encoder: LmdEncoder | None = None

    @property
    def encoder(self) -> LmdEncoder:
        if self._encoder is None:
            self._encoder = LmdEncoder(self._backend.face_weights())
        return self._encoder

    def read(self, motion: Motion, driving: VideoSource) -> Motion:
        """The motion with the codes of its main person."""
        name, codes = encode_clip(driving, motion.main, self.encoder, self._host, cuts=motion.cuts)
        return replace(motion, face_codes={**motion.face_codes, name: codes})

    def shaped(self, motion: Motion, strength: float, smoothing: float) -> torch.Tensor | None:
        """float32 `[T,20]` for the whole clip; None where the motion has no codes of this encoder."""
        codes = motion.face_codes.get(self.encoder.encoder_id)
        if codes is None:
            return None
        codes = smooth(codes, motion.timeline.rate, smoothing, motion.cuts)
        if strength != 1.0:
            codes = scale_about(codes, neutral_code(codes), strength)
        return torch.from_numpy(np.ascontiguousarray(codes, np.float32))
