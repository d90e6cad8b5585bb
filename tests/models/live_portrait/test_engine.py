"""The engine on stand-in networks: what it computes, whom it moves, what it says when it cannot."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_faces import FACE_PX, SIZE, face_points, motion_of, picture, track, write_film
from portrait_stubs import PX_PER_UNIT, StubNetworks

from motion_transfer.core import (
    FACE,
    BadMotionFile,
    Character,
    CharacterFilm,
    Finished,
    InputError,
    NoPersonFound,
    PoseTrack,
    Timeline,
    UsageError,
)
from motion_transfer.face_motion.portrait_crop import crop, network_input, square_around
from motion_transfer.face_motion.portrait_motion import key_points
from motion_transfer.face_motion.portrait_paste import feather, paste
from motion_transfer.models.live_portrait import source as source_module
from motion_transfer.models.live_portrait.engine import LivePortraitEngine
from motion_transfer.models.live_portrait.motion_codes import TEMPLATE, pack, unpack
from motion_transfer.models.live_portrait.spec import SPEC, LivePortraitSettings
from motion_transfer.run.host import LocalHost
from motion_transfer.video import open_video

FRAMES = 20


@pytest.fixture(autouse=True)
def one_face_in_the_picture(monkeypatch):
    """The detector of stills is another test's business, and takes a second."""
    found = [face_points(80, 96)]
    monkeypatch.setattr(source_module, "find_faces", lambda pixels, **_: list(found))
    return found


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "driver.mp4", FRAMES)


def a_character(place=(80.0, 96.0), *, scale=1.0, scores=0.9):
    pose = track(1)
    pose.points[0, FACE] = face_points(*place, FACE_PX * scale)
    pose.scores[0, FACE] = scores
    return Character(picture([place]), "0" * 64, pose=PoseTrack(pose.points, pose.scores, SIZE))


def an_engine(networks=None, **settings):
    told = []
    engine = LivePortraitEngine(LivePortraitSettings(**settings), LocalHost(device="cpu", on_note=told.append), networks or StubNetworks())  # fmt: skip
    engine.told = told
    return engine


def made(engine, character, motion, driving=None, after=None):
    enriched = engine.enrich(motion, driving)
    chunks = list(engine.transfer(character, enriched, after=after))
    start = 0 if after is None else after.num_frames
    assert [c.start for c in chunks] == list(range(start, start + 16 * len(chunks), 16))
    return np.concatenate([c.pixels for c in chunks])


def real_networks():
    """The real classes with seeded weights, W and G of an eighth of their width."""
    import torch
    from golden_networks import narrow, seeded

    from motion_transfer.models.live_portrait.networks import PortraitNetworks

    thin = ("warping", "generator")
    tensors = {name: narrow(name) if name in thin else seeded(name) for name in ("appearance", "motion", *thin, "stitching", "lip", "eye")}  # fmt: skip
    networks = PortraitNetworks(tensors, torch.float32)
    networks.codes_name, networks.fingerprint = "live-portrait/seeded", "seeded"
    return networks


@pytest.mark.parametrize("networks", [StubNetworks, pytest.param(real_networks, marks=pytest.mark.slow)])
def test_a_portrait_is_what_the_authors_formulas_make_of_it(film, networks):
    """Written out by hand: official order and formulas, nothing of the engine's own but networks, crop and paste."""
    networks, frames_made = networks(), FRAMES if networks is StubNetworks else 3
    motion, character = motion_of(film, frames_made), a_character()
    engine = an_engine(networks, driving_smooth=0, reference_frame="first", crop_factor=2.0)
    known = engine.enrich(motion, open_video(film))
    driver = unpack(known.face_codes[networks.codes_name]).motion
    frames = made(engine, character, known)
    matrix = square_around(character.pose.points[:, FACE], 2.3).matrices()[0]  # the authors' framing
    view = network_input(crop(character.pixels, matrix))
    source, kp = networks.motion(view[None])
    x_s, look = key_points(kp, source), networks.appearance(view)
    for k in (0, 2, frames_made - 1):
        turn = driver.rotation[k].astype(float) @ driver.rotation[0].T.astype(float) @ source.rotation[0].astype(float)
        expression = source.expression[0] + driver.expression[k] - driver.expression[0]
        scale = source.scale[0] * driver.scale[k] / driver.scale[0]
        place = source.translation[0] + driver.translation[k] - driver.translation[0]
        x_d = (scale * (kp[0] @ turn + expression) + [*place[:2], 0]).astype(np.float32)[None]
        image = networks.render(look, x_s, networks.stitch(x_s, x_d))[0]
        by_hand = paste(character.pixels, image, matrix, feather(16))
        # float32 key points in another order of sums: a hundredth of a pixel, one level on an edge
        assert np.abs(by_hand.astype(int) - frames[k]).max() <= 1
    if networks.codes_name == StubNetworks.codes_name:
        assert np.abs(frames[7].astype(int) - frames[0]).max() > 20  # and something moves


@pytest.mark.parametrize("settings", [{"retargeting_factor": 0.0}, {"pose_factor": 0.0, "expression_factor": 0.0, "eyes_factor": 0.0, "lips_factor": 0.0}])  # fmt: skip
def test_factor_0_is_the_picture_itself(film, settings):
    character = a_character()
    frames = made(an_engine(**settings), character, motion_of(film, FRAMES), open_video(film))
    # a crop of 512 px from this soft picture and back: interpolation, one level
    assert np.abs(frames.astype(int) - character.pixels).max() <= 1
    assert (frames == frames[0]).all()


def test_the_factor_grows_what_is_seen_and_leaves_all_outside_of_the_square(film):
    motion, character = motion_of(film, FRAMES), a_character()
    matrix = square_around(character.pose.points[:, FACE], 1.15 * 1.7).matrices()[0]
    touched = cv2.warpAffine(np.full((512, 512), 255, np.uint8), np.linalg.inv(matrix)[:2], SIZE) > 0
    before = 0.0
    for factor in (0.5, 1.0, 2.0):
        frames = made(an_engine(retargeting_factor=factor), character, motion, open_video(film))
        moved = np.abs(frames[5].astype(int) - character.pixels).sum()
        assert moved > 1.2 * before
        before = moved
        assert (frames[:, ~touched] == character.pixels[~touched]).all()


def test_a_still_driver_leaves_every_pixel_within_a_level(film):
    networks = StubNetworks()
    known = an_engine(networks).enrich(motion_of(film, FRAMES), open_video(film))
    head = unpack(known.face_codes[networks.codes_name]).motion
    still = replace(motion_of(film, 3), face_codes={TEMPLATE: pack(head.at([3, 3, 3]))})
    for settings in ({}, {"colour_match": 1.0}, {"feather": 0}, {"feather": 128}):
        character = a_character()
        frames = made(an_engine(**settings), character, still)
        assert np.abs(frames.astype(int) - character.pixels).max() <= 1, settings


def test_going_on_gives_the_very_pixels_of_an_unbroken_run(film):
    done = 16
    motion, character = motion_of(film, FRAMES), a_character()
    whole = made(an_engine(), character, motion, open_video(film))
    rest = made(an_engine(), character, motion, open_video(film), Finished(done, whole[:0], None))
    assert np.array_equal(whole[done:], rest) and len(rest) == FRAMES - done
    assert np.array_equal(made(an_engine(batch=5), character, motion, open_video(film)), whole)


def test_frames_without_a_face_are_bridged_and_told_once(film):
    networks = StubNetworks()
    motion = motion_of(film, FRAMES, unseen=(0, 10, 11, 12, 19))
    engine = an_engine(networks)
    known = engine.enrich(motion, open_video(film))
    coded = unpack(known.face_codes[networks.codes_name])
    assert coded.seen.sum() == FRAMES - 5 and networks.calls["motion"] == FRAMES - 5
    between = coded.motion.translation[[9, 13]]
    assert np.allclose(coded.motion.translation[11], between.mean(0), atol=1e-6)
    assert len(made(engine, a_character(), known)) == FRAMES
    assert engine.told == ["5 of 20 driving frames show no face: they are bridged from their neighbours."]


def test_a_driver_of_one_frame_is_an_expression(film):
    one = motion_of(film, 1)
    frames = made(an_engine(), a_character(), one, open_video(film))
    assert frames.shape == (1, *SIZE[::-1], 3)


def test_codes_serve_any_character_without_the_film(film):
    networks = StubNetworks()
    known = an_engine(networks).enrich(motion_of(film, FRAMES), open_video(film))
    assert networks.calls["motion"] == FRAMES
    engine = an_engine(networks)
    assert engine.enrich(known, None) is known
    made(engine, a_character((70.0, 90.0)), known)
    assert networks.calls["motion"] == FRAMES + 1  # the picture


def test_codes_of_another_network_without_their_film_are_refused_in_one_line(film):
    codes = unpack(an_engine().enrich(motion_of(film, FRAMES), open_video(film)).face_codes["live-portrait/stub"])
    motion = motion_of(None, FRAMES, codes={"live-portrait/other": pack(coded_motion := codes.motion)})
    with pytest.raises(InputError, match=r"other networks \(live-portrait/other\).*give the driving video") as refusal:
        an_engine().enrich(motion, None)
    assert "\n" not in str(refusal.value)
    template = replace(motion, face_codes={TEMPLATE: pack(coded_motion)})
    assert an_engine().enrich(template, None) is template
    with pytest.raises(InputError, match="no live-portrait/stub codes"):  # the template is of people
        an_engine(weights="animals", face_box="10,10,50,60").enrich(template, None)
    broken = replace(motion, face_codes={TEMPLATE: np.ones((FRAMES, 80), np.float32)})
    with pytest.raises(BadMotionFile, match="no rotation"):
        made(an_engine(), a_character(), broken)


@pytest.mark.parametrize(
    ("character", "words", "told"),
    [
        ({"scores": 0.0}, {}, "No face was found.*face_box"),
        ({"scale": 0.2}, {}, "10 px from brow to chin"),
        ({"place": (-20.0, 96.0)}, {}, "Most of the face lies outside"),
        ({}, {"faces": "3"}, "asks for face 3.*shows 1"),
        ({}, {"reference_frame": "20"}, "has 20 frames: 0 to 19"),
        ({}, {"face_box": "500,10,20,20"}, "lies outside"),
        ({}, {"face_box": "50,10,8,9"}, "9 px from brow to chin"),
    ],
)
def test_what_cannot_be_moved_is_refused_in_one_line(film, character, words, told):
    with pytest.raises((InputError, UsageError), match=told) as refusal:
        made(an_engine(**words), a_character(**character), motion_of(film, FRAMES), open_video(film))
    assert "\n" not in str(refusal.value)


def test_a_driver_without_a_face_is_refused_and_a_small_one_told(film):
    with pytest.raises(NoPersonFound, match="None of the 20 frames"):
        an_engine().enrich(motion_of(film, FRAMES, unseen=range(FRAMES)), open_video(film))
    engine = an_engine()
    small = replace(motion_of(film, FRAMES), tracks=(track(FRAMES, scale=0.4),))
    engine.enrich(small, open_video(film))
    assert any("only 2" in note and "brow to chin" in note for note in engine.told)
    with pytest.raises(InputError, match="only 20 frames and its motion 30"):
        an_engine().enrich(motion_of(film, 30), open_video(film))


def test_a_box_shows_a_face_that_no_detector_finds(film):
    nobody = replace(a_character(), pose=None)
    frames = made(an_engine(face_box="58,60,44,62"), nobody, motion_of(film, FRAMES), open_video(film))
    assert np.abs(frames[5].astype(int) - nobody.pixels).max() > 10
    with pytest.raises(UsageError, match="needs the character's joints"):
        made(an_engine(), nobody, motion_of(film, FRAMES), open_video(film))


def test_the_crop_alone_and_several_of_them(film, one_face_in_the_picture):
    one_face_in_the_picture[:] = [face_points(50, 96, 30), face_points(110, 96, 30)]
    crops = made(an_engine(paste_back=False), a_character(), motion_of(film, FRAMES), open_video(film))
    assert crops.shape == (FRAMES, 512, 512, 3)
    both = made(an_engine(paste_back=False, faces="all"), a_character(), motion_of(film, FRAMES), open_video(film))
    assert both.shape == (FRAMES, 512, 1024, 3)


def test_a_mask_says_which_faces_are_meant(film, one_face_in_the_picture):
    one_face_in_the_picture[:] = [face_points(40, 96, 30), face_points(120, 96, 30)]
    alpha = np.zeros(SIZE[::-1], np.uint8)
    alpha[:, 80:] = 255
    masked = replace(a_character(), alpha=alpha)
    engine = an_engine(faces="all")
    frames = made(engine, masked, motion_of(film, 3), open_video(film))
    assert engine.report["faces"] == 1 and (frames[:, :, :60] == masked.pixels[:, :60]).all()
    with pytest.raises(InputError, match="No face was found in the visible part"):
        made(an_engine(faces="all"), replace(masked, alpha=np.zeros_like(alpha)), motion_of(film, 3), open_video(film))


def test_each_face_has_its_own_driver_from_left_to_right(tmp_path, one_face_in_the_picture):
    shifts = ((30.0, 0.0), (-38.0, 10.0))  # the main one is on the right
    film = write_film(tmp_path / "two.mp4", 20, shifts=shifts)
    motion = motion_of(film, 20, people=shifts)
    one_face_in_the_picture[:] = [face_points(40, 96, 30), face_points(120, 96, 30)]
    portrait = Character(picture([(40, 96), (120, 96)], face_px=30), "0" * 64, pose=a_character().pose)
    engine = an_engine(faces="all")
    known = engine.enrich(motion, open_video(film))
    assert set(known.face_codes) == {"live-portrait/stub", "live-portrait/stub/2"}
    assert engine.enrichment == "live-portrait/stub/everybody"
    frames = made(engine, portrait, known)
    assert engine.report["faces"] == 2 and engine.report["drivers"] == 2
    swapped = made(an_engine(faces="1,2"), portrait, known)  # the first that is named takes the main driver
    assert not np.array_equal(frames, swapped)
    assert np.array_equal(swapped, made(an_engine(faces="1,2"), portrait, known))
    mirrored = made(an_engine(faces="2,1"), portrait, known)  # the right one takes the main one, who stands right
    assert np.array_equal(mirrored, frames)
    told = an_engine()
    made(told, portrait, known)
    assert told.told == ["character shows 2 faces; the main one moves. faces=all moves them all, faces=2 the second from the left."]  # fmt: skip


def test_lids_and_lips_by_measured_ratios_leave_the_head_s_motion_alone(film):
    networks, character = StubNetworks(), a_character()
    plain, points = an_engine(networks, stitching=False), {}
    known = plain.enrich(motion_of(film, FRAMES), open_video(film))
    for name, words in (("plain", {}), ("lips", {"lip_retargeting": True}), ("eyes", {"eye_retargeting": True})):
        engine = an_engine(networks, stitching=False, driving_smooth=0, **words)
        source, performances = engine._prepare(character, known, known.timeline)
        points[name] = performances[0].points(0, FRAMES, source._faces[0].rest, networks)
    from motion_transfer.face_motion.portrait_motion import EYE_POINTS, LIP_POINTS

    head = [k for k in range(21) if k not in (*EYE_POINTS, *LIP_POINTS)]
    for name, own in (("lips", LIP_POINTS), ("eyes", EYE_POINTS)):
        assert np.allclose(points[name][:, head], points["plain"][:, head], atol=1e-6), name
        assert np.abs(points[name][:, list(own)] - points["plain"][:, list(own)]).max() > 1e-3, name
    shut = points["eyes"][:, EYE_POINTS[0], 1] - points["plain"][:, EYE_POINTS[0], 1]
    assert shut[9] < shut[4] - 1e-3  # the driver shuts his eyes in every ninth frame


def film_character(path, frames, *, rate=25, unseen=()):
    motion = motion_of(path, frames, rate=rate, unseen=unseen)
    video = open_video(path)
    first = next(video.chunks(1)).pixels[0]
    pose = motion.main.cut(0, 1)
    return Character(first, "1" * 64, pose=pose, film=CharacterFilm(video, motion))


def test_a_film_keeps_its_frames_and_stamps_whatever_the_driver_s_rate(film, tmp_path):
    source = write_film(tmp_path / "source.mp4", 26, rate=30)
    character = film_character(source, 26, rate=30)
    driver = motion_of(film, FRAMES)  # 0.8 s at 25 = 24 frames at 30
    for length, wanted in (("shorter", 24), ("hold", 26), ("ping-pong", 26)):
        engine = an_engine(length=length)
        shown = SPEC.timeline(engine.settings, character, driver)
        assert shown.num_frames == wanted and shown.rate == 30
        assert np.array_equal(shown.pts, character.film.motion.timeline.pts[:wanted])
        networks = engine.networks
        frames = made(engine, character, driver, open_video(film))
        assert len(frames) == wanted and networks.calls["appearance"] == wanted + 1
        assert len(engine.told) == (1 if length == "shorter" else 0)
    still = made(an_engine(retargeting_factor=0.0, length="hold"), character, driver, open_video(film))
    own = np.concatenate([c.pixels for c in open_video(source).chunks(64)])
    assert np.abs(still.astype(int) - own).max() <= 2  # a crop and back of each frame, and its 8 bits of YUV


def test_a_film_goes_on_in_the_middle(film, tmp_path):
    source = write_film(tmp_path / "source.mp4", 19)
    character, driver = film_character(source, 19), motion_of(film, FRAMES)
    whole = made(an_engine(), character, driver, open_video(film))
    rest = made(an_engine(), character, driver, open_video(film), Finished(16, whole[:0], None))
    assert np.array_equal(whole[16:], rest)


def test_a_film_s_frames_without_a_face_stay_as_they_are(film, tmp_path):
    gone = range(12, 34)
    source = write_film(tmp_path / "source.mp4", 40, gone=gone)
    character = film_character(source, 40, unseen=gone)
    engine = an_engine(length="hold")
    frames = made(engine, character, motion_of(film, FRAMES), open_video(film))
    own = np.concatenate([c.pixels for c in open_video(source).chunks(64)])
    assert np.array_equal(frames[16:29], own[16:29])
    assert any("show no face and are left as they are" in note for note in engine.told)
    assert (source_module.presence(np.isin(np.arange(40), (20, 21, 22), invert=True), 25.0) == 1).all()
    with pytest.raises(InputError, match="No frame of the character's video shows a face"):
        made(an_engine(), film_character(source, 40, unseen=range(40)), motion_of(film, FRAMES), open_video(film))


def test_a_film_begins_where_the_sound_of_its_driver_does():
    from motion_transfer.models.live_portrait.shown import shown_timeline

    film, driver = Timeline.constant(4, 30), Timeline.constant(4, 25)
    late = replace(driver, pts=driver.pts + 5)  # his first frame is shown at 0.2 s
    assert shown_timeline(film, late, "hold").pts.tolist() == [6, 7, 8, 9]
    assert shown_timeline(film, driver, "hold") is film and shown_timeline(None, late, "hold") is late


def test_ping_pong_runs_there_and_back():
    from motion_transfer.models.live_portrait.shown import driver_times

    driver, shown = Timeline.constant(5, 25), Timeline.constant(12, 25)
    times = driver_times(shown, driver, (), "ping-pong", film=True)
    assert np.allclose(times.wanted * 25, [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3])


def test_key_points_of_the_stand_in_move_what_is_seen():
    networks = StubNetworks()
    look = networks.appearance(network_input(crop(picture([(80, 96)]), square_around(face_points(80, 96)[None], 2).matrices()[0])))  # fmt: skip
    x_s = np.zeros((1, 21, 3), np.float32)
    shifted = networks.render(look, x_s, x_s + np.float32([16 / PX_PER_UNIT, 0, 0]))
    assert np.array_equal(shifted[0][:, 16:], networks.render(look, x_s, x_s)[0][:, :-16])
