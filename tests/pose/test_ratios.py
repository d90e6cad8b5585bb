"""The ratio table: read as it is written, overridden where the user says so, and clear about what it does not know."""

from __future__ import annotations

import numpy as np
import pytest
from retarget_cases import case, group_lengths, hide, whole

from motion_transfer.core import UsageError
from motion_transfer.pose.ratios import read_ratios, write_ratios
from motion_transfer.pose.retarget import plan_retarget


@pytest.fixture(scope="module")
def walk():
    driver, character, _, _ = case("A adult to child", gaps=False)
    return driver, character, plan_retarget(driver, character, rate=24)


def test_words_become_ratios():
    assert read_ratios("upper arm = 1.1, foot = 0.9") == {"upper_arm": 1.1, "foot": 0.9}
    assert read_ratios(" Upper_Arm=1.1;\n\n  HEAD = 2 \n") == {"upper_arm": 1.1, "head": 2.0}
    assert read_ratios("") == read_ratios(" \n, ") == {}


def test_what_is_written_is_read_back(walk):
    ratios = walk[2].ratios
    assert read_ratios(write_ratios(ratios)) == pytest.approx(ratios, abs=6e-4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("uper arm = 1", "'uper arm'; there are torso, shoulder"),
        ("foot 0.9", "'foot 0.9' is no ratio"),
        ("foot = big", "'foot = big' is no ratio"),
        ("foot = ", "is no ratio"),
        ("foot = 0", "0.05 to 20"),
        ("foot = nan", "0.05 to 20"),
        ("foot = 1, Foot = 2", "twice, 1 and 2"),
        ("foot = 1.1 hand = 2", "is no ratio"),
    ],
)
def test_bad_words_are_told_in_one_line(text, told):
    with pytest.raises(UsageError, match=told) as raised:
        read_ratios(text)
    assert "\n" not in str(raised.value)


def test_an_override_sets_that_bone_and_no_other(walk):
    driver, character, plain = walk
    plan = plan_retarget(driver, character, rate=24, ratios={"forearm": 1.5 * plain.ratios["forearm"]})
    before, after = group_lengths(whole(plain).points), group_lengths(whole(plan).points)
    for group in before:
        assert after[group] / before[group] == pytest.approx(1.5 if group == "forearm" else 1.0, abs=1e-3), group
    assert "forearm from you" in plan.report["stand_ins"]


@pytest.mark.parametrize("group", ["head", "hand", "neck", "shoulder", "foot", "torso", "hip"])
def test_every_group_can_be_overridden(walk, group):
    driver, character, plain = walk
    plan = plan_retarget(driver, character, rate=24, ratios={group: 1.3 * plain.ratios[group]})
    ends = {"head": (50, 31), "hand": (91, 100), "neck": None, "shoulder": (5, 6), "hip": (11, 12), "foot": (15, 17)}
    found = []
    for points in (whole(plain).points.astype(float), whole(plan).points.astype(float)):
        neck, pelvis = points[:, [5, 6]].mean(1), points[:, [11, 12]].mean(1)
        if group in ("neck", "torso"):
            vector = (
                points[:, [3, 4]].mean(1) - neck if group == "neck" else neck - pelvis
            )  # a neck reaches to the ears
        else:
            a, b = ends[group]
            vector = points[:, a] - points[:, b]
        found.append(np.linalg.norm(vector, axis=-1))
    share = found[1] / found[0]
    # standing feet are the legs' similarity until somebody asks for a size of their own
    expected = 1.3 * plain.ratios["foot"] / plain.ratios["leg"] if group == "foot" else 1.3
    assert np.abs(share - expected).max() < 0.01


def test_the_body_scales_what_is_not_named_and_the_leg_both_bones(walk):
    driver, character, plain = walk
    plan = plan_retarget(driver, character, rate=24, ratios={"body": 2 * plain.ratios["body"], "head": 1.0})
    for group, ratio in plain.ratios.items():
        assert plan.ratios[group] == pytest.approx({"head": 1.0, "depth": ratio}.get(group, 2 * ratio))
    legs = plan_retarget(driver, character, rate=24, ratios={"leg": 0.9 * plain.ratios["leg"]})
    assert legs.ratios["thigh"] == pytest.approx(0.9 * plain.ratios["thigh"])
    thighs = plan_retarget(driver, character, rate=24, ratios={"thigh": 1.2 * plain.ratios["thigh"]})
    assert plain.ratios["leg"] < thighs.ratios["leg"] < 1.2 * plain.ratios["leg"]


def test_a_hidden_limb_rests_in_the_length_that_was_asked_for(walk):
    driver, character, plain = walk
    gone = hide(driver, slice(None), [7, 9, *range(91, 112)])
    plan = plan_retarget(gone, character, rate=24, ratios={"upper_arm": 1.5 * plain.ratios["upper_arm"]})
    arms = [np.linalg.norm(t.points[:, 7] - t.points[:, 5], axis=-1) for t in (whole(plan), character)]
    assert np.abs(arms[0] / arms[1] - 1.5).max() < 0.02


def test_an_override_that_changes_nothing_changes_nothing(walk):
    driver, character, plain = walk
    same = plan_retarget(driver, character, rate=24, ratios={"forearm": plain.ratios["forearm"]})
    assert np.array_equal(whole(same).points, whole(plain).points)


def test_unknown_groups_are_told_to_programs_too(walk):
    with pytest.raises(UsageError, match="no bone group 'tail'"):
        plan_retarget(walk[0], walk[1], rate=24, ratios={"tail": 1.0})
