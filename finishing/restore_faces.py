"""Restored faces: each one taken out upright, given to the restorer, held still, and put back under a soft mask.

What lies outside of the mask keeps its very values. Nothing is restored in frames in which nobody's face is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import DETECTORS, FrameChunk, Host, NoPersonFound, Settings, choice, number, switch, text
from ..face_motion.portrait_paste import paste
from .face_align import at_size_of_frame, face_mask, take
from .face_steady import guide_of, reach_frames, steadied, with_light_of
from .face_survey import FaceTrack, face_tracks, find_faces
from .face_weights import CODEFORMER, FACE_WEIGHTS, GFPGAN, find_restorer
from .finisher import Clip, Finisher, FinisherSpec, Survey, changed

RESTORER = "face restorer"
"""What a host that has the network already lends: an object with `restore(crop, host)`, as `FaceRestorer`."""


@dataclass(frozen=True)
class RestoreFacesSettings(Settings):
    strength: float = number(
        0.8, 0.0, 1.0, help="How much of the restored face is taken; 1 = all of it, 0.5 = half, which keeps more of the person."
    )  # fmt: skip
    model: str = choice(
        GFPGAN, tuple(FACE_WEIGHTS), help="gfpgan: Apache-2.0, calm. restoreformer: Apache-2.0, keeps more of the face it sees. codeformer: sharp, NON-COMMERCIAL (S-Lab License), needs accept_non_commercial."
    )  # fmt: skip
    faces: str = choice("main", ("main", "all"), help="main: the first person's face. all: everybody's, with a detector that follows everybody (dwpose, vitpose).")  # fmt: skip
    steadiness: float = number(
        0.8, 0.0, 1.0, help="Averages what the restorer invents over the frames around, only where the face does not move; 0 = each frame for itself, which flickers."
    )  # fmt: skip
    keep_light: bool = switch(True, help="The frame's own light and colours under the restored detail; off: the restorer's.")  # fmt: skip
    follow: float = number(2.0, 0.0, 10.0, step=0.1, help="How calmly the crop follows the face; 0 = as found, which trembles.", advanced=True)  # fmt: skip
    feather: float = number(0.35, 0.05, 1.0, help="Width of the soft edge around the face, as a share of its half width.", advanced=True)  # fmt: skip
    fidelity: float = number(0.5, 0.0, 1.0, help="CodeFormer only: 0 = the best picture, 1 = nearest to the face that came in.", advanced=True)  # fmt: skip
    detector: str = choice("auto", DETECTORS, help="Who finds the faces: auto is MediaPipe.", advanced=True)
    dtype: str = choice("auto", ("auto", "fp32", "bf16"), help="auto: bf16 on GPUs that compute in it, else fp32. There is no fp16: GFPGAN overflows in it.", advanced=True)  # fmt: skip
    model_file: str = text("", help="A file of your own in models/facerestore_models instead (GFPGAN, RestoreFormer or CodeFormer by its tensors). Empty: the published one.", advanced=True)  # fmt: skip
    accept_non_commercial: bool = switch(False, help="CodeFormer only: I use the result for nothing commercial, as its licence asks.", advanced=True)  # fmt: skip


class RestoreFaces(Finisher):
    needs_survey = True

    def __init__(self, settings: RestoreFacesSettings, host: Host) -> None:
        self._settings, self._host = settings, host
        self._restorer: Any = host.lend(RESTORER)
        self._mask = face_mask(settings.feather)
        self._tracks: list[FaceTrack] = []
        self._matrices: list[np.ndarray] = []
        self._made: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        # found now, so that a missing file is told before any work
        self._path = None
        if self._restorer is None:
            s = settings
            self._path = find_restorer(host, s.model, s.model_file, accepted=s.accept_non_commercial)

    def survey(self, clip: Clip, frames: Iterator[FrameChunk]) -> Survey:
        return find_faces(clip, frames, self._settings.detector, self._settings.faces == "all", self._host)

    def begin(self, clip: Clip, found: Survey) -> Clip:
        self.clip = clip
        self._tracks = face_tracks(found, clip, self._settings.follow)
        if not self._tracks:
            raise NoPersonFound(
                f"No face was found in the {clip.num_frames} frames of {clip.size[0]}x{clip.size[1]}, so there is none "
                "to restore: faces wider than some 24 px work, drawn ones often with another detector (dwpose)."
            )
        self._matrices = [track.square.matrices() for track in self._tracks]
        reach = reach_frames(float(clip.timeline.rate)) if self._settings.steadiness > 0 else 0
        self.before = self.after = reach
        self._made.clear()
        return clip

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        s, out = self._settings, given.pixels[start - given.start : stop - given.start].copy()
        if s.strength == 0:
            return changed(given, start, out)
        if self._restorer is None:
            self._restorer = self._open()
        for key in [k for k in self._made if k[1] < start - self.before]:
            del self._made[key]
        network = getattr(self._restorer, "network", None)
        with nullcontext() if network is None else self._host.on_device(network):
            for t in range(start, stop):
                for face, track in enumerate(self._tracks):
                    share = s.strength * float(track.weight[t])
                    if share > 0:
                        self._restore(out[t - start], face, t, given, share)
        return changed(given, start, out)

    def _restore(self, frame: np.ndarray, face: int, t: int, given: FrameChunk, share: float) -> None:
        """Into `frame`, whose face is still the one that came in."""
        weight = self._tracks[face].weight
        first, last = self.clip.shot_of(t)
        near = range(max(first, t - self.before), min(last, t + self.after + 1))
        near = [k for k in near if weight[k] > 0]
        restored, guides = zip(*(self._one(face, k, given) for k in near), strict=True)
        made = steadied(restored, guides, [k - t for k in near], self._settings.steadiness)
        made = np.clip(np.rint(made), 0, 255).astype(np.uint8)
        mask = np.rint(self._mask * share).astype(np.uint8)
        made, mask, matrix = at_size_of_frame(made, mask, self._matrices[face][t])
        paste(frame, made, matrix, mask, out=frame)

    def _one(self, face: int, t: int, given: FrameChunk) -> tuple[np.ndarray, np.ndarray]:
        """The restored face of a frame and the guide; remembered, because eight frames around ask for it."""
        key = (face, t)
        if key not in self._made:
            crop = take(given.pixels[t - given.start], self._matrices[face][t])
            restored = self._restorer.restore(crop, self._host)
            if self._settings.keep_light:
                restored = with_light_of(restored, crop)
            self._made[key] = (restored, guide_of(crop))
        return self._made[key]

    def _open(self) -> Any:
        from .face_restorers import open_restorer

        s = self._settings
        assert self._path is not None
        return open_restorer(self._path, accepted=s.accept_non_commercial, fidelity=s.fidelity, dtype=s.dtype)


def _identity(settings: RestoreFacesSettings, host: Host) -> str:
    lent = host.lend(RESTORER)
    if lent is not None:
        return str(getattr(lent, "id", "lent"))
    path = find_restorer(host, settings.model, settings.model_file, accepted=settings.accept_non_commercial)
    return f"{path.name}/{path.stat().st_size}"


SPEC = FinisherSpec(
    name="restore-faces",
    title="Restore Faces",
    summary="Sharpens faces with GFPGAN or RestoreFormer, held still from frame to frame.",
    settings=RestoreFacesSettings,
    open=RestoreFaces,
    version="1",
    main="strength",
    identity=_identity,
    weights=tuple(FACE_WEIGHTS.values()),
    licence=f"Apache-2.0; {FACE_WEIGHTS[CODEFORMER].name}: {FACE_WEIGHTS[CODEFORMER].licence}",
)
