"""The mesh covers what it should; relaxation keeps what is rigid rigid."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_transfer.models.puppet.arap import Relaxation
from motion_transfer.models.puppet.mesh import lattice


@pytest.fixture(scope="module")
def blob():
    mask = np.zeros((120, 160), np.uint8)
    cv2.ellipse(mask, (80, 60), (60, 35), 20, 0, 360, 1, -1)
    return mask > 0


def test_every_pixel_of_the_mask_lies_in_a_triangle(blob):
    mesh = lattice(blob, 7.0)
    covered = np.zeros(blob.shape, np.uint8)
    for t in mesh.triangles:
        cv2.fillConvexPoly(covered, np.rint(mesh.vertices[t] * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    assert not (blob & (covered == 0)).any()


def test_triangles_are_equal_and_of_one_orientation(blob):
    mesh = lattice(blob, 7.0)
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert np.allclose(np.abs(area), np.sqrt(3) / 2 * 49, rtol=1e-3)  # float32 coordinates
    assert (np.sign(area) == np.sign(area[0])).all()


def test_an_empty_mask_gives_an_empty_mesh():
    assert len(lattice(np.zeros((20, 20), bool), 5.0).triangles) == 0


def test_relaxation_leaves_a_rigid_motion_alone(blob):
    mesh = lattice(blob, 7.0)
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rest = mesh.vertices.astype(np.float64)
    target = rest @ turn.T + (30, -5)
    relaxed = Relaxation(len(rest), mesh.edges, np.full(len(rest), 0.1)).relax(rest, target)
    assert np.abs(relaxed - target).max() < 1e-6  # exact but for rounding in the solve


def test_relaxation_spreads_a_dent_that_only_loose_vertices_have(blob):
    mesh = lattice(blob, 7.0)
    rest = mesh.vertices.astype(np.float64)
    middle = int(np.argmin(np.hypot(*(rest - (80, 60)).T)))
    target, pull = rest.copy(), np.ones(len(rest))
    target[middle] += (0, 20)
    pull[middle] = 0.02
    relaxed = Relaxation(len(rest), mesh.edges, pull).relax(rest, target, rounds=4)
    assert np.hypot(*(relaxed[middle] - rest[middle])) < 1.0  # six springs of 1 against a pull of 0.02
