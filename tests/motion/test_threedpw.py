# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
from motion_files import BODY_PELVIS, SMPL_PELVIS, matrices, python2_pickle

from unimo_hf.motion import Motion, MotionError, load_collection

FRAMES = 6


def sequence(**changes):
    generator = np.random.default_rng(1)
    cameras = np.tile(np.eye(4), (FRAMES, 1, 1))
    cameras[:, :3, :3] = matrices(generator.normal(0, 1, (FRAMES, 3)))[:, 0]
    cameras[:, :3, 3] = generator.normal(0, 3, (FRAMES, 3))
    cameras[2] = 0  # no camera was found
    people = 2
    return {
        "sequence": "courtyard_dancing_00",
        "poses": [generator.normal(0, 0.4, (FRAMES, 72)) for _ in range(people)],
        "trans": [generator.normal(0, 2, (FRAMES, 3)) for _ in range(people)],
        "betas": [generator.normal(0, 1, 300) for _ in range(people)],
        "genders": ["m", "f"],
        "campose_valid": [np.array([1, 1, 0, 1, 1, 1])] * 2,
        "cam_poses": cameras,
        "img_frame_ids": np.arange(FRAMES),
    } | changes


def write(tmp_path, **changes):
    content = sequence(**changes)
    (tmp_path / "dance.pkl").write_bytes(python2_pickle(content))
    return content, tmp_path / "dance.pkl"


def test_the_pelvis_is_seen_where_it_is(tmp_path):
    content, path = write(tmp_path)
    motions = dict(load_collection(path))
    assert list(motions) == [f"dance_{person}_frame{frame:06d}" for person in (0, 1) for frame in (0, 3)]
    assert {(motion.fps, motion.coordinates, motion.up) for motion in motions.values()} == {(30, "camera", "-y")}
    for name, person, frames in (("dance_0_frame000003", 0, slice(3, 6)), ("dance_1_frame000000", 1, slice(0, 2))):
        motion, camera = motions[name], content["cam_poses"][frames]
        world = content["trans"][person][frames] + SMPL_PELVIS["mf"[person]]
        seen = np.einsum("tij,tj->ti", camera[:, :3, :3], world) + camera[:, :3, 3]
        np.testing.assert_allclose(motion.transl + BODY_PELVIS, seen, atol=1e-3)
        root = camera[:, :3, :3] @ matrices(content["poses"][person][frames, :3])[:, 0]
        np.testing.assert_allclose(matrices(motion.global_orient)[:, 0], root, atol=1e-6)
        np.testing.assert_array_equal(motion.body_pose, content["poses"][person][frames, 3:66].astype(np.float32))
        assert not motion.betas.any()


def test_the_world_has_no_gaps(tmp_path):
    content, path = write(tmp_path)
    motion = Motion.load(path, name="dance_0", coordinates="world")
    assert (len(motion), motion.coordinates, motion.up) == (FRAMES, "world", "y")
    np.testing.assert_array_equal(motion.global_orient, content["poses"][0][:, :3].astype(np.float32))
    np.testing.assert_allclose(motion.transl + BODY_PELVIS, content["trans"][0] + SMPL_PELVIS["m"], atol=1e-3)
    assert Motion.load(path, name="dance_0", coordinates="world", up="z").up == "z"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cam_poses": np.zeros((3, 4, 4))}, r"cam_poses has shape \(3, 4, 4\)"),
        ({"cam_poses": np.full((FRAMES, 4, 4), "1")}, "cam_poses has shape .* of <U1; it must be .* real numbers"),
        ({"cam_poses": np.zeros((FRAMES, 4, 4))}, "rotation is not a rotation"),
        ({"poses": [np.zeros((FRAMES, 156))] * 2}, r"poses has shape \(6, 156\)"),
        ({"trans": [np.zeros((FRAMES, 3))]}, "trans is no list with an entry a person"),
        ({"trans": [np.zeros((FRAMES, 4))] * 2}, r"trans has shape \(6, 4\)"),
        ({"campose_valid": [np.ones(2)] * 2}, r"campose_valid has shape \(2,\)"),
        ({"campose_valid": [np.full(FRAMES, np.nan)] * 2}, "campose_valid has .* of float64; it must be .* of 0 or 1"),
        ({"campose_valid": [np.full(FRAMES, "1")] * 2}, "campose_valid has .* of <U1; it must be .* of 0 or 1"),
        ({"campose_valid": [np.zeros(FRAMES)] * 2}, "no frame whose camera is known"),
        ({"trans": [np.zeros((3, 3))] * 2}, r"trans has shape \(3, 3\) of float64; it must be \(6, 3\)"),
        ({"trans": [np.full((FRAMES, 3), np.inf)] * 2}, "transl holds"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_bad_files(tmp_path, changes, message):
    _, path = write(tmp_path, **changes)
    with pytest.raises(MotionError, match=message) as caught:
        load_collection(path)
    assert "dance.pkl" in str(caught.value)
