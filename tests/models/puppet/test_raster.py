"""Drawing: exact where nothing moves, whole where something does, right where pieces overlap."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.models.puppet.mesh import lattice
from motion_transfer.models.puppet.raster import draw_mesh, inverse_maps, lay_over, lay_over_clear


@pytest.fixture(scope="module")
def sheet():
    random = np.random.default_rng(3)
    texture = random.integers(0, 256, (90, 120, 4)).astype(np.uint8)
    texture[..., 3] = 255
    mesh = lattice(np.ones((90, 120), bool), 8.0)
    return texture, mesh


def drawn(texture, mesh, vertices, size=(120, 90)):
    corners = vertices[mesh.triangles]
    maps, area = inverse_maps(mesh.vertices.astype(np.float64)[mesh.triangles], corners)
    return draw_mesh(corners, maps, np.arange(len(area)), texture, size), area


def test_at_rest_the_texture_comes_back_exactly(sheet):
    texture, mesh = sheet
    (piece, origin), _ = drawn(texture, mesh, mesh.vertices.astype(np.float64))
    assert origin == (0, 0)
    # float32 maps put a sample up to 1e-4 px beside its pixel; remap rounds to 1/32 px, so nothing is left of that.
    assert np.array_equal(piece, texture)


@pytest.mark.parametrize("seed", range(6))
def test_there_are_no_cracks_between_triangles(sheet, seed):
    texture, mesh = sheet
    random = np.random.default_rng(seed)
    angle = random.uniform(-3, 3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * random.uniform(0.6, 1.6)
    bent = (mesh.vertices - (60, 45)) @ turn.T
    bent += 4 * np.sin(bent[:, ::-1] / 15) + (150, 150)
    found, area = drawn(texture, mesh, bent, (300, 300))
    assert (area * area[0] > 0).all()
    alpha = np.zeros((300, 300), np.uint8)
    piece, (x, y) = found
    alpha[y : y + piece.shape[0], x : x + piece.shape[1]] = piece[..., 3]
    # Points well inside the sheet, carried along, must all be opaque.
    inner = mesh.triangles[
        ((mesh.vertices[mesh.triangles] > 3) & (mesh.vertices[mesh.triangles] < (116, 86))).all((1, 2))
    ]
    weights = random.dirichlet((1, 1, 1), 40)
    points = np.rint(np.einsum("kc,tcd->tkd", weights, bent[inner])).astype(int).reshape(-1, 2)
    assert (alpha[points[:, 1], points[:, 0]] == 255).all()


def test_what_is_off_the_canvas_draws_nothing(sheet):
    texture, mesh = sheet
    found, _ = drawn(texture, mesh, mesh.vertices + 1000.0)
    assert found is None


def test_compositing_is_source_over(sheet):
    canvas = np.full((4, 4, 3), 100, np.uint8)
    piece = np.zeros((2, 2, 4), np.uint8)
    piece[..., :3], piece[0, 0, 3], piece[0, 1, 3] = 200, 255, 128
    lay_over(canvas, piece, (1, 1))
    assert canvas[1, 1].tolist() == [200] * 3
    assert canvas[1, 2].tolist() == [150] * 3  # 100 + 128/255 of 100, rounded
    assert canvas[2, 1].tolist() == [100] * 3 and canvas[0, 0].tolist() == [100] * 3


def test_compositing_onto_nothing_keeps_straight_colours():
    canvas, alpha = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)
    piece = np.full((2, 2, 4), 90, np.uint8)
    piece[..., 3] = [[255, 128], [3, 0]]
    lay_over_clear(canvas, alpha, piece, (0, 0))
    assert alpha.tolist() == [[255, 128], [3, 0]]
    assert canvas[0, 1].tolist() == [90] * 3 and canvas[1, 0].tolist() == [90] * 3  # no darker halo
    lay_over_clear(canvas, alpha, piece, (0, 0))
    assert alpha[0, 1] == 192  # 1 - (1 - 128/255)^2
