"""Face codes read with a true encoder (random weights, small pictures) from the film, and shaped for the model."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_inputs import a_film, a_motion

sys.path.insert(0, str(Path(__file__).parents[2] / "face_motion"))

from stock_lmd import random_official

from motion_transfer.models.wan_animate.engine import WanAnimateEngine
from motion_transfer.models.wan_animate.faces import Faces
from motion_transfer.models.wan_animate.spec import WanAnimateSettings
from motion_transfer.run.host import LocalHost


@pytest.fixture
def faces(monkeypatch):
    monkeypatch.undo()  # the other tests' encoder
    weights = random_official(side_px=64)
    return Faces(SimpleNamespace(face_weights=lambda: weights), LocalHost())


def test_codes_are_read_from_the_film_and_kept_under_the_encoders_name(faces):
    motion = faces.read(a_motion(7, codes=False), a_film(7))
    (name, codes), *others = motion.face_codes.items()
    assert name == faces.encoder.encoder_id and not others
    assert codes.shape == (7, 20) and codes.dtype == np.float32 and np.ptp(codes, axis=0).max() > 0


def test_strength_stretches_and_smoothing_calms(faces):
    motion = faces.read(a_motion(40, codes=False), a_film(40))
    plain, double, none = (faces.shaped(motion, s, 0.0) for s in (1.0, 2.0, 0.0))
    assert torch.equal(plain, torch.from_numpy(motion.face_codes[faces.encoder.encoder_id]))
    assert float(double.std(0).sum()) == pytest.approx(2 * float(plain.std(0).sum()), rel=1e-3)
    assert none.std(0).max() < 1e-6
    calm = faces.shaped(motion, 1.0, 5.0)
    assert calm.diff(dim=0).abs().mean() < plain.diff(dim=0).abs().mean()


def test_codes_of_another_encoder_are_not_used(faces):
    assert faces.shaped(a_motion(7), 1.0, 0.0) is None


def test_the_engine_reads_them_when_the_film_is_there(faces):
    backend = SimpleNamespace(face_weights=faces._backend.face_weights, fingerprint="x")
    engine = WanAnimateEngine("move", WanAnimateSettings(), LocalHost(), 0, backend)
    motion = engine.enrich(a_motion(5, codes=False), a_film(5))
    assert list(motion.face_codes) == [engine.enrichment] and engine.enrich(motion, None) is motion
