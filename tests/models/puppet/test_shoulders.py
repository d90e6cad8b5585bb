"""Shoulders that a detector put beside the arm are found again; where the outline does not tell, they stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_transfer.core import Character
from motion_transfer.models.puppet.puppet import Puppet
from motion_transfer.pose.shoulders import settled_shoulders


def beside(character: Character, inwards_px: float, down_px: float) -> Character:
    """The same with shoulders that far inwards and down."""
    assert character.pose is not None
    points = character.pose.points.copy()
    points[0, 5] += (-inwards_px, down_px)
    points[0, 6] += (inwards_px, down_px)
    return replace(character, pose=replace(character.pose, points=points))


def off(character: Character, truth: Character) -> np.ndarray:
    """px: how far each shoulder is from where it is."""
    assert character.pose is not None and truth.pose is not None and character.alpha is not None
    found = settled_shoulders(character.pose, character.alpha).points[0, [5, 6]]
    return np.hypot(*(found - truth.pose.points[0, [5, 6]]).T)


@pytest.mark.parametrize(("inwards", "down"), [(22, -9), (10, 12), (-7, -3), (0, 0)])
def test_a_shoulder_beside_its_arm_comes_back_to_the_arms_middle_line(character_of, inwards, down):
    """22 px inwards and 9 up is what the robot's outline alone gives, at this size."""
    truth = character_of("robot")
    assert off(beside(truth, inwards, down), truth).max() < max(1.5, 0.6 * np.hypot(inwards, down))
    assert truth.pose is not None and truth.alpha is not None
    moved = settled_shoulders(beside(truth, inwards, down).pose, truth.alpha).points[0]
    line = truth.pose.points[0, 7] - truth.pose.points[0, 5]
    across = np.array([-line[1], line[0]]) / np.hypot(*line)
    assert abs((moved[5] - truth.pose.points[0, 5]) @ across) < 3  # along the arm the outline tells less


def test_where_the_arm_lies_on_the_body_nothing_moves(character_of):
    mascot = character_of("mascot")
    assert mascot.pose is not None and mascot.alpha is not None
    assert np.array_equal(settled_shoulders(mascot.pose, mascot.alpha).points, mascot.pose.points)


def test_only_shoulders_move_and_unseen_ones_stay(character_of):
    truth = beside(character_of("robot"), 22, -9)
    assert truth.pose is not None and truth.alpha is not None
    scores = truth.pose.scores.copy()
    scores[0, 5] = 0
    moved = settled_shoulders(replace(truth.pose, scores=scores), truth.alpha).points[0]
    assert set(np.nonzero((moved != truth.pose.points[0]).any(1))[0]) == {6}


@pytest.mark.parametrize("value", [0, 255])
def test_an_outline_that_says_nothing_changes_nothing(character_of, value):
    truth = character_of("robot")
    assert truth.pose is not None and truth.alpha is not None
    blank = np.full_like(truth.alpha, value)
    assert np.array_equal(settled_shoulders(truth.pose, blank).points, truth.pose.points)


def test_a_lifted_arm_takes_no_piece_of_the_chest_along(character_of):
    """With joints beside the arms, a quarter of the robot's chest went up with them."""
    truth = character_of("robot")
    rough = beside(truth, 22, -9)
    assert rough.pose is not None and rough.alpha is not None
    puppet = Puppet(replace(rough, pose=settled_shoulders(rough.pose, rough.alpha)))
    scale = truth.size[0] / 820  # the robot's picture is 820 px wide; its chest plate, within the outline
    x, y = (np.array([[285, 535], [435, 570]]) * scale + puppet.shift[:, None]).round().astype(int)
    chest = puppet.labels[y[0] : y[1], x[0] : x[1]]
    assert np.isin(chest, [3, 4]).mean() < 0.02
