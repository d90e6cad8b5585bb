"""The face codes of a whole clip: the face is cut out of every frame and encoded once, a few frames at a time.

Memory stays at one batch of crops; 1000 frames become 80 kB. Afterwards no engine needs the driver's face pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import Host, InputError, PoseTrack, VideoSource
from ..pose.face_boxes import AREA_SCALE, cut_face, face_boxes, steady_face_boxes
from .face_codes import bridge
from .lmd_encoder import LmdEncoder

STAGE = "face"


def encode_clip(
    source: VideoSource,
    track: PoseTrack,
    encoder: LmdEncoder,
    host: Host,
    *,
    cuts: Sequence[int] = (),
    scale: float = AREA_SCALE,
    batch: int = 8,
) -> tuple[str, np.ndarray]:
    """(encoder id, codes float32 `[T,20]`) of the person of `track`, which was extracted from `source`.

    `track` is taken raw: the crop follows its face points steadily by itself. Frames without a face are bridged
    within their shot; where nobody ever shows a face, every frame gets the code of "no face", and the host notes
    it. `scale` is the area of the crop around the face points. Raises InputError where the video is shorter than
    the track, Cancelled where the host says so.
    """
    boxes, followed = steady_face_boxes(track, source.info.rate, scale=scale, cuts=cuts)
    seen = followed & face_boxes(track, scale)[1]  # where the box was only filled in, something may hide the face
    if not seen.any():
        host.note("No frame of the driving video shows a face: the character's face is left to the model.")
        return encoder.encoder_id, np.repeat(encoder.no_face()[None], track.num_frames, axis=0)
    codes = np.zeros((track.num_frames, encoder.num_codes), np.float32)
    done = 0
    with host.on_device(encoder):
        encoder.to(host.device)  # a plain host leaves the moving to us
        for chunk in source.chunks(batch):
            stop = min(chunk.stop, track.num_frames)
            wanted = [t for t in range(chunk.start, stop) if seen[t]]
            if wanted:
                pixels = chunk.pixels
                crops = np.stack([cut_face(pixels[t - chunk.start], boxes[t], encoder.side_px) for t in wanted])
                codes[wanted] = encoder.encode(crops)
                host.step(stop, track.num_frames, STAGE, _as_bytes(crops[-1]))
            else:
                host.step(stop, track.num_frames, STAGE)
            done = stop
            if done == track.num_frames:
                break
    if done < track.num_frames:
        raise InputError(f"The video has only {done} frames and the motion {track.num_frames}: they do not belong together.")  # fmt: skip
    return encoder.encoder_id, bridge(codes, seen, cuts)


def _as_bytes(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else (picture * 255 + 0.5).astype(np.uint8)
