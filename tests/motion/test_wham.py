# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pickle
from pathlib import Path

import numpy as np
import pytest
from motion_files import BODY_PELVIS, SMPL_PELVIS

from unimo_hf.motion import Motion, MotionError, load_collection

WRITTEN_BY_JOBLIB = Path(__file__).parent / "files" / "wham_output.pkl"
SHIFT = np.subtract(SMPL_PELVIS["n"], BODY_PELVIS)


def array(rows, columns, start):
    return ((np.arange(rows * columns).reshape(rows, columns) + start) / 1000).astype(np.float32)


def person(frames=4, **changes):
    generator = np.random.default_rng(0)
    shapes = {"pose": 72, "trans": 3, "pose_world": 72, "trans_world": 3, "betas": 10}
    fields = {name: generator.normal(0, 0.3, (frames, columns)) for name, columns in shapes.items()}
    return fields | {"frame_ids": np.arange(frames)} | changes


def write(path, content):
    path.write_bytes(pickle.dumps(content))
    return path


def test_two_people_and_a_gap():
    motions = load_collection(WRITTEN_BY_JOBLIB)
    names = ["wham_output_0", "wham_output_1_frame000003", "wham_output_1_frame000009"]
    assert [name for name, _ in motions] == names
    assert [len(motion) for _, motion in motions] == [5, 3, 4]
    assert {(motion.fps, motion.coordinates, motion.up) for _, motion in motions} == {(30, "camera", "-y")}
    first, _, last = (motion for _, motion in motions)
    np.testing.assert_array_equal(first.global_orient, array(5, 72, 0)[:, :3])
    np.testing.assert_array_equal(first.body_pose, array(5, 72, 0)[:, 3:66])
    np.testing.assert_array_equal(last.body_pose, array(7, 72, 1)[3:, 3:66])
    np.testing.assert_allclose(first.transl, array(5, 3, 10) + SHIFT, atol=1e-3)
    assert not first.betas.any(), "the shape of SMPL is not that of SMPL-X"


def test_one_of_them_in_the_world():
    motion = Motion.load(WRITTEN_BY_JOBLIB, name="wham_output_0", coordinates="world", fps=25)
    assert (motion.fps, motion.coordinates, motion.up) == (25, "world", "y")
    np.testing.assert_array_equal(motion.global_orient, array(5, 72, 20)[:, :3])
    np.testing.assert_allclose(motion.transl, array(5, 3, 30) + SHIFT, atol=1e-3)


def test_which_one_has_to_be_said():
    with pytest.raises(MotionError, match=r"holds 3 motions: 'wham_output_0', .*name one of them \(name=…\)"):
        Motion.load(WRITTEN_BY_JOBLIB)
    with pytest.raises(MotionError, match="'me' is none of them"):
        Motion.load(WRITTEN_BY_JOBLIB, name="me")
    with pytest.raises(MotionError, match="up is 'z'; in the camera frame"):
        Motion.load(WRITTEN_BY_JOBLIB, name="wham_output_0", up="z")


def test_a_plain_pickle_of_one_person(tmp_path):
    one = person()
    motion = Motion.load(write(tmp_path / "a.pkl", {7: one}))
    np.testing.assert_array_equal(motion.global_orient, one["pose"][:, :3].astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pose": np.zeros((4, 66))}, r"pose of person 0 has shape \(4, 66\).*\(frames, 72\)"),
        ({"trans": np.zeros((4, 2))}, r"trans of person 0 has shape \(4, 2\)"),
        ({"trans": np.zeros((3, 3))}, r"trans of person 0 has shape \(3, 3\) of float64; it must be \(4, 3\)"),
        ({"trans": np.full((4, 3), "1")}, "trans of person 0 has shape .* of <U1; it must be .* real numbers"),
        ({"trans": np.full((4, 3), np.nan)}, "transl holds 12 of 12 values that are NaN"),
        ({"frame_ids": np.array([0, 1, 1, 2])}, "must be whole and rise"),
        ({"frame_ids": np.arange(3)}, r"frame_ids of person 0 has shape \(3,\) of int64; it must be \(4,\)"),
        ({"frame_ids": np.array(4)}, r"frame_ids of person 0 has shape \(\)"),
        ({"pose": [1, 2]}, "pose is list; it must be an array"),
        ({"pose": np.zeros((0, 72)), "trans": np.zeros((0, 3)), "frame_ids": np.arange(0)}, "0 frames"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    with pytest.raises(MotionError, match=message) as caught:
        Motion.load(write(tmp_path / "a.pkl", {0: person(**changes)}))
    assert "a.pkl" in str(caught.value)


def test_a_person_without_a_world(tmp_path):
    one = person()
    del one["pose_world"]
    with pytest.raises(MotionError, match="person 0 has no pose_world and trans_world"):
        Motion.load(write(tmp_path / "a.pkl", {0: one}), coordinates="world")


@pytest.mark.parametrize("content", [{}, [1], {"a": np.zeros(3)}, {0: {"pose": np.zeros((1, 72))}}])
def test_other_contents(tmp_path, content):
    with pytest.raises(MotionError, match=r"holds no motion of WHAM, 3DPW, AIST\+\+ or RICH; found"):
        Motion.load(write(tmp_path / "a.pkl", content))
