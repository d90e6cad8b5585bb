"""The files of the face restorers, under every name that people have them by. Looking at this list loads nothing."""

from __future__ import annotations

from pathlib import Path

from ..core import Host, UsageError, WeightFile

FOLDER = "facerestore_models"
"""As ReActor and the face restore packs have it."""
GFPGAN, GFPGAN_OLDER, RESTOREFORMER, CODEFORMER = "gfpgan-1.4", "gfpgan-1.3", "restoreformer", "codeformer"
_FIRST = "GFPGAN 1.4"

# The code of both is Apache-2.0 and nothing else is said of the weights; the pictures that they learned from (FFHQ)
# are CC BY-NC-SA, which people who sell should know.
_APACHE = "Apache-2.0 (learned from FFHQ, which is CC BY-NC-SA)"


def _file(name: str, file: str, num_bytes: int, sha256: str | None, licence: str, repository: str, *also: str) -> WeightFile:  # fmt: skip
    stem = file.removesuffix(".pth")
    others = (f"{stem}.safetensors", *also, f"face_restoration/{file}", f"gfpgan/{file}", f"facerestore/{file}")
    return WeightFile(
        name,
        file,
        FOLDER,
        repository,
        num_bytes,
        sha256,
        licence,
        licence is _APACHE,
        others,
        by_default=name == _FIRST,
    )


FACE_WEIGHTS = {
    GFPGAN: _file(
        _FIRST, "GFPGANv1.4.pth", 348_632_874,
        "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad", _APACHE, "leonelhs/gfpgan",
    ),
    GFPGAN_OLDER: _file(
        "GFPGAN 1.3", "GFPGANv1.3.pth", 348_632_874,
        "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70", _APACHE, "leonelhs/gfpgan",
    ),
    RESTOREFORMER: _file(
        "RestoreFormer", "RestoreFormer.pth", 290_785_322,
        "07404d446d62ca3d5ed38b1de09a947a1e77d46dbccec961a74d713a8f24ace0", _APACHE, "leonelhs/gfpgan",
    ),
    CODEFORMER: _file(
        "CodeFormer", "codeformer.pth", 376_637_898,
        "1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7",
        "S-Lab License 1.0: not for commercial use", "leonelhs/codeformer", "codeformer-v0.1.0.pth", "CodeFormer.pth",
    ),
}  # fmt: skip
"""Model -> its file. Sizes and digests as several public lists state them alike."""


def face_weights(model: str, model_file: str = "") -> WeightFile:
    """The file of `model`, or the user's own one of that name, whose terms nobody has told us."""
    if not model_file:
        return FACE_WEIGHTS[model]
    known = [w for w in FACE_WEIGHTS.values() if model_file in (w.file, *w.also)]
    if known:
        return known[0]
    if Path(model_file).suffix not in (".pth", ".safetensors"):
        raise UsageError(f"model_file is {model_file!r}, but a face restorer is a .pth or .safetensors file.")
    terms = "its author's terms, which are not known here"
    return WeightFile(model_file, model_file, FOLDER, "(wherever you had it from)", None, None, terms, False)


def find_restorer(host: Host, model: str, model_file: str, *, accepted: bool) -> Path:
    """Where the file is. UsageError for CodeFormer without `accepted`; MissingWeights."""
    weights = face_weights(model, model_file)
    if weights is FACE_WEIGHTS[CODEFORMER]:
        require_consent(accepted)
    return host.find_weights(weights)


def require_consent(accepted: bool) -> None:
    """UsageError: CodeFormer may not be used without saying that one may use it."""
    if not accepted:
        raise UsageError(
            "CodeFormer is for non-commercial use only (S-Lab License 1.0): switch accept_non_commercial on if yours "
            f"is, or take model {GFPGAN} or {RESTOREFORMER}."
        )
