# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Joints of HumanML3D's 263 numbers a frame (arXiv 2205.08537, 20 fps).

Its rotations come from inverse kinematics without twist and are none of SMPL-X, so that a [`Motion`] can't be made of
them; its joints can be told from root-relative positions and compared.
"""

import numpy as np

from unimo_hf.motion.errors import MotionError

FEATURES = 263
FPS = 20.0
NUM_JOINTS = 22


def humanml3d_joints(features: np.ndarray) -> np.ndarray:
    """Joints of a person in the world.

    A frame is half the turn about y to the next frame, the step in the ground plane as the person sees it, the height
    of the root, 21 positions relative to the root and without the heading, and 193 numbers that are not needed here.

    Args:
        features (`np.ndarray` of shape `(T, 263)`): Not normalised.

    Returns:
        `np.ndarray` of shape `(T, 22, 3)`: Metres, float64, y up; the first frame over the origin.

    Raises:
        MotionError: If the shape is wrong or a value is not finite.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] != FEATURES or not len(features):
        raise MotionError(f"features has shape {features.shape}; it must be (at least 1 frame, {FEATURES}).")
    if not np.isfinite(features).all():
        raise MotionError("features holds values that are not finite.")
    half_turn, position = root_path(features)
    offsets = features[:, 4 : 4 + 3 * (NUM_JOINTS - 1)].reshape(len(features), NUM_JOINTS - 1, 3)
    joints = _turn_back(half_turn[:, None], offsets)
    joints[..., [0, 2]] += position[:, None, [0, 2]]
    return np.concatenate((position[:, None], joints), axis=1)


def root_path(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the heading `(T,)`, radians (quaternion cos, 0, sin, 0), and the root's place `(T, 3)`, metres."""
    half_turn = np.concatenate(([0.0], features[:-1, 0].cumsum()))
    step = np.zeros((len(features), 3))
    step[1:, [0, 2]] = features[:-1, 1:3]
    position = _turn_back(half_turn, step).cumsum(axis=0)
    position[:, 1] = features[:, 3]
    return half_turn, position


def _turn_back(half_turn: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Turn points by minus the heading about y."""
    cosine, sine = np.cos(2 * half_turn), np.sin(2 * half_turn)
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack((cosine * x - sine * z, y, sine * x + cosine * z), axis=-1)
