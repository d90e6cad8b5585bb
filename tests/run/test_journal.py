"""The journal keeps whole pieces, drops damaged ones, and survives whatever the disk does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from motion_transfer.core import CannotWrite, FrameChunk
from motion_transfer.run.journal import Journal


def write_raw(chunk, path):
    path.write_bytes(chunk.pixels.tobytes())


def chunk_at(start, length=3, value=0):
    return FrameChunk(np.full((length, 4, 6, 3), start + value, np.uint8), start, state={"at": start})


def filled(folder, overlap=0, count=4):
    journal = Journal(folder, suffix=".raw", overlap=overlap)
    for k in range(count):
        journal.commit(chunk_at(3 * k), write_raw)
    return journal


def test_a_new_journal_has_nothing_to_go_on_from(tmp_path):
    journal = Journal(tmp_path / "key", suffix=".raw")
    assert journal.finished() is None and journal.num_frames == 0 and journal.files == []


def test_what_was_committed_is_there_after_opening_again(tmp_path):
    filled(tmp_path / "key")
    journal = Journal(tmp_path / "key", suffix=".raw")
    assert journal.num_frames == 12
    assert [f.read_bytes()[0] for f in journal.files] == [0, 3, 6, 9]
    done = journal.finished()
    assert done is not None and done.num_frames == 12 and done.state == {"at": 9}
    assert done.tail.shape == (0, 4, 6, 3)


def test_the_tail_is_the_last_frames_exactly(tmp_path):
    filled(tmp_path / "key", overlap=2)
    done = Journal(tmp_path / "key", suffix=".raw", overlap=2).finished()
    assert done is not None
    np.testing.assert_array_equal(done.tail, np.full((2, 4, 6, 3), 9, np.uint8))


def test_a_tail_longer_than_the_last_piece_reaches_into_the_one_before(tmp_path):
    journal = Journal(tmp_path / "key", suffix=".raw", overlap=2)
    journal.commit(chunk_at(0), write_raw)
    journal.commit(chunk_at(3, length=1), write_raw)
    done = Journal(tmp_path / "key", suffix=".raw", overlap=2).finished()
    assert done is not None and done.tail[:, 0, 0, 0].tolist() == [0, 3]


@pytest.mark.parametrize("overlap", [0, 2])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone", "record gone", "record garbage", "record foreign"])
def test_the_first_damaged_piece_and_all_after_it_are_dropped(tmp_path, harm, overlap):
    filled(tmp_path / "key", overlap=overlap)
    piece, record = tmp_path / "key" / "piece-00000006.raw", tmp_path / "key" / "piece-00000006.json"
    data = piece.read_bytes()
    if harm == "cut":
        piece.write_bytes(data[:-1])
    elif harm == "flip":
        piece.write_bytes(data[:-1] + b"\x7f")
    elif harm == "gone":
        piece.unlink()
    elif harm == "record gone":
        record.unlink()
    elif harm == "record garbage":
        record.write_bytes(b"\x00{")
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "file": "../../elsewhere.raw"}))
    journal = Journal(tmp_path / "key", suffix=".raw", overlap=overlap)
    assert journal.num_frames == 6
    assert {p.name.split(".")[0] for p in (tmp_path / "key").iterdir()} == {"piece-00000000", "piece-00000003"}
    done = journal.finished()
    assert done is not None and done.state == {"at": 3} and len(done.tail) == overlap
    journal.commit(chunk_at(6), write_raw)
    assert Journal(tmp_path / "key", suffix=".raw", overlap=overlap).num_frames == 9


def test_a_damaged_tail_drops_its_piece_only(tmp_path):
    filled(tmp_path / "key", overlap=2)
    (tmp_path / "key" / "piece-00000009.npz").write_bytes(b"PK\x03\x04 nonsense")
    assert Journal(tmp_path / "key", suffix=".raw", overlap=2).num_frames == 9


def test_what_a_kill_left_between_piece_and_record_is_swept_away(tmp_path):
    filled(tmp_path / "key", count=2)
    (tmp_path / "key" / "piece-00000006.raw").write_bytes(b"x")
    (tmp_path / "key" / ".piece-00000006.json.ab.tmp").write_bytes(b"{")
    journal = Journal(tmp_path / "key", suffix=".raw")
    assert journal.num_frames == 6 and len(list(journal.folder.iterdir())) == 4


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path):
    journal = filled(tmp_path / "key", count=2)

    def no_room(chunk, path):
        raise OSError(28, "No space left on device")

    with pytest.raises(CannotWrite, match="disk is full"):
        journal.commit(chunk_at(6), no_room)
    assert journal.num_frames == 6
    journal.commit(chunk_at(6), write_raw)  # after room was made
    assert Journal(tmp_path / "key", suffix=".raw").num_frames == 9


def test_pieces_must_follow_each_other(tmp_path):
    journal = filled(tmp_path / "key", count=1)
    with pytest.raises(ValueError, match="begins at frame 3"):
        journal.commit(chunk_at(4), write_raw)


def test_frames_begun_behind_a_piece_come_back_to_the_bit(tmp_path):
    """For engines that fade sections into one another: of the last whole piece, not of a damaged one behind it."""
    drawn = np.random.default_rng(1).integers(0, 256, (3, 2, 4, 6, 3)).astype(np.uint8)
    journal = Journal(tmp_path / "key", suffix=".raw")
    for k, ahead in enumerate([drawn[0], drawn[1], None]):
        journal.commit(replace(chunk_at(3 * k), ahead=ahead), write_raw)
    done = Journal(tmp_path / "key", suffix=".raw").finished()
    assert done is not None and done.num_frames == 9 and done.ahead is None
    (tmp_path / "key" / "piece-00000006.raw").unlink()
    done = Journal(tmp_path / "key", suffix=".raw").finished()
    assert done is not None and done.num_frames == 6
    np.testing.assert_array_equal(done.ahead, drawn[1])
    (tmp_path / "key" / "piece-00000003.npz").write_bytes(b"harmed")
    done = Journal(tmp_path / "key", suffix=".raw").finished()
    assert done is not None and done.num_frames == 3
    np.testing.assert_array_equal(done.ahead, drawn[0])
