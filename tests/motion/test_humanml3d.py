# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.formats.humanml3d import humanml3d_joints, root_path


def test_golden(goldens):
    with np.load(goldens / "motion" / "humanml3d.npz") as golden:
        half_turn, position = root_path(golden["features"].astype(np.float64))
        quaternion = np.stack((np.cos(half_turn), 0 * half_turn, np.sin(half_turn), 0 * half_turn), axis=-1)
        np.testing.assert_allclose(quaternion, golden["exp_root_quat"], atol=1e-5)
        np.testing.assert_allclose(position, golden["exp_root_pos"], atol=1e-5)
        np.testing.assert_allclose(humanml3d_joints(golden["features"]), golden["exp_joints22"], atol=1e-5)


def test_a_walk_around_a_corner_by_hand():
    features = np.zeros((3, 263))
    features[:, 2] = 1.0  # a metre ahead each frame
    features[0, 0] = np.pi / 4  # then a quarter turn
    features[:, 3] = 0.9
    features[:, 4:7] = (0.0, 0.5, 0.2)  # the first joint: above, and a little ahead of the root
    joints = humanml3d_joints(features)
    np.testing.assert_allclose(np.abs(np.diff(joints[:, 0], axis=0)).sum(axis=1), [1, 1], atol=1e-12)
    np.testing.assert_allclose(joints[0, 1], [0, 0.5, 0.2], atol=1e-12)
    ahead = joints[2, 0] - joints[1, 0]
    np.testing.assert_allclose(joints[2, 1] - joints[2, 0] * [1, 0, 1], [0, 0.5, 0] + 0.2 * ahead, atol=1e-12)


@pytest.mark.parametrize("features", [np.zeros((0, 263)), np.zeros((4, 262)), np.zeros(263)])
def test_other_shapes_are_refused(features):
    with pytest.raises(MotionError, match=r"it must be \(at least 1 frame, 263\)"):
        humanml3d_joints(features)


def test_what_is_not_finite_is_refused():
    with pytest.raises(MotionError, match="not finite"):
        humanml3d_joints(np.full((2, 263), np.nan))
