# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pickle

import numpy as np
import pytest
from motion_files import BODY_PELVIS, SMPL_PELVIS

from unimo_hf.motion import Motion, MotionError

GENERATOR = np.random.default_rng(2)
DANCE = {
    "smpl_poses": GENERATOR.normal(0, 0.4, (5, 72)),
    "smpl_trans": GENERATOR.normal(0, 90, (5, 3)),
    "smpl_scaling": np.array([93.7]),
    "smpl_loss": 0.5,
}


def write(path, content):
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def test_metres_and_the_pelvis(tmp_path):
    motion = Motion.load(write(tmp_path / "gBR_sBM_cAll_d04_mBR0_ch01.pkl", DANCE))
    assert (motion.fps, motion.coordinates, motion.up, len(motion)) == (60, "world", "y", 5)
    np.testing.assert_allclose(motion.transl + BODY_PELVIS, DANCE["smpl_trans"] / 93.7 + SMPL_PELVIS["m"], atol=1e-3)
    np.testing.assert_array_equal(motion.body_pose, DANCE["smpl_poses"][:, 3:66].astype(np.float32))
    np.testing.assert_array_equal(motion.global_orient, DANCE["smpl_poses"][:, :3].astype(np.float32))
    assert not motion.betas.any()


def test_it_has_no_camera(tmp_path):
    with pytest.raises(MotionError, match=r"coordinates is 'camera'; .*a\.pkl has 'world'"):
        Motion.load(write(tmp_path / "a.pkl", DANCE), coordinates="camera")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"smpl_poses": np.zeros((5, 69))}, r"smpl_poses has shape \(5, 69\)"),
        ({"smpl_trans": np.zeros((4, 3))}, r"smpl_trans has shape \(4, 3\) of float64; it must be \(5, 3\)"),
        ({"smpl_trans": np.full((5, 3), "1")}, "smpl_trans has shape .* of <U1; it must be .* real numbers"),
        ({"smpl_scaling": np.array([0.0])}, "smpl_scaling is 0.0; it must be above 0 and finite"),
        ({"smpl_scaling": np.array([-93.7])}, "smpl_scaling is -93.7"),
        ({"smpl_scaling": np.array([np.nan])}, "smpl_scaling is nan"),
        ({"smpl_scaling": np.array([np.inf])}, "smpl_scaling is inf"),
        (
            {"smpl_scaling": np.array(["93.7"])},
            r"smpl_scaling is an array of shape \(1,\) of <U4; it must be one number",
        ),
        ({"smpl_scaling": np.array([1.0, 2.0])}, r"smpl_scaling is an array of shape \(2,\)"),
        ({"smpl_trans": np.full((5, 3), np.nan)}, "transl holds 15 of 15"),
    ],
)
def test_bad_files(tmp_path, changes, message):
    with pytest.raises(MotionError, match=message):
        Motion.load(write(tmp_path / "a.pkl", DANCE | changes))


def test_no_unit(tmp_path):
    content = {name: array for name, array in DANCE.items() if name != "smpl_scaling"}
    with pytest.raises(MotionError, match="lacks smpl_scaling"):
        Motion.load(write(tmp_path / "a.pkl", content))
