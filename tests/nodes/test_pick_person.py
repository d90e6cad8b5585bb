"""Pick Person: number, point, box and mask as ComfyUI's nodes give them, and what the node gives out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion_transfer.core import NoPersonFound, UsageError
from motion_transfer.pose.motion_file import load_motion

DUET = Path(__file__).resolve().parents[2] / "demo" / "media" / "duet.motion"


@pytest.fixture(scope="module")
def duet():
    return load_motion(DUET)


@pytest.fixture
def pick(nodes, duet):
    node = next(n for n in nodes if n.define_schema().node_id == "MT_PickPerson")

    def pick(person=0, frame=0, **more):
        out = node.execute(duet, person, frame, **more)
        motion, count, report = out.args
        assert count == 2 and report.splitlines()[1].startswith("2: seen in 100 % of the frames, 0.0 to 6.0 s")
        return [next(i for i, t in enumerate(duet.tracks) if t is track) for track in motion.tracks]

    return pick


def masks(torch, frames, frame, x0, x1):
    mask = torch.zeros(frames, 72, 128)
    mask[frame, :, x0:x1] = 1
    return mask


def test_by_number(pick):
    assert pick() == pick(1) == [0, 1]
    assert pick(2) == [1, 0] and pick(2, alone=True) == [1]
    with pytest.raises(UsageError, match="no person 3; the motion has 2"):
        pick(3)


@pytest.mark.parametrize(
    "point", ["880,400", " 880.5 , 400 ", '[{"x": 880, "y": 400}, {"x": 3, "y": 4}]', "[[880, 400]]"]
)
def test_by_point(pick, point):
    assert pick(1, point=point) == [1, 0]


@pytest.mark.parametrize("point", ["880", "a,b", "[]", "{}", "1,2,3", "nan,3"])
def test_what_is_no_point_is_told(pick, point):
    with pytest.raises(UsageError):
        pick(point=point)


def test_by_a_box_in_each_of_the_forms_that_there_are(pick):
    right, left = ({"x": x, "y": 180, "width": 420, "height": 500} for x in (680, 170))
    for given in (right, [right, left], [[right, left]], [[left]] * 20 + [[right]]):
        assert pick(1, 20, bounding_box=given) == [1, 0]
    assert pick(2, 20, bounding_box=[]) == [1, 0] and pick(1, 20, bounding_box=[[]]) == [0, 1]
    with pytest.raises(UsageError, match="x, y, width and height"):
        pick(bounding_box={"x": 1})
    with pytest.raises(NoPersonFound, match="Nobody is at box:0,0,9,9@0"):
        pick(bounding_box={"x": 0, "y": 0, "width": 9, "height": 9})


def test_by_a_mask_before_box_and_point(pick, duet):
    torch = pytest.importorskip("torch")
    everything = {"bounding_box": {"x": 170, "y": 180, "width": 420, "height": 500}, "point": "390,400"}
    assert pick(1, 20, mask=masks(torch, 1, 0, 68, 110), **everything) == [1, 0]
    assert pick(1, 20, mask=masks(torch, duet.num_frames, 20, 68, 110), **everything) == [1, 0]
    assert pick(1, 20, mask=masks(torch, 1, 0, 68, 110)[0]) == [1, 0]
    assert pick(2, 20, mask=torch.zeros(1, 64, 64)) == [1, 0]  # what Load Image gives for no transparency
    with pytest.raises(UsageError, match="black in frame 21"):
        pick(1, 21, mask=masks(torch, duet.num_frames, 20, 68, 110))
    assert np.array_equal(duet.tracks[0].size, (1280, 720))
