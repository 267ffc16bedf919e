# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Frames of reference: what a rigid change of frame does to `global_orient` and `transl`."""

import numpy as np

from .errors import MotionError

# Rotations that carry each frame into the frame with y up; their columns are the old axes.
_TO_Y_UP = {
    "y": np.eye(3),
    "-y": np.diag([1.0, -1.0, -1.0]),  # a half turn about x: (x, y, z) -> (x, -y, -z)
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),  # a quarter turn about x: (x, z, -y)
}
UPS = tuple(_TO_Y_UP)


def up_rotation(up: str, new_up: str) -> np.ndarray:
    """Give the rotation `(3, 3)` from a frame whose axis `up` points up into one whose axis `new_up` does."""
    for name, value in (("up", up), ("new_up", new_up)):
        if value not in _TO_Y_UP:
            raise MotionError(f"{name} is {value!r}; it must be one of {', '.join(UPS)}.")
    return _TO_Y_UP[new_up].T @ _TO_Y_UP[up]


def change_frame(
    global_orient: np.ndarray,
    transl: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    rest_pelvis: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Express the root of SMPL-X in another frame of reference, x' = R x + t.

    The body turns about its rest pelvis J0, so transl' = R(transl + J0) + t - J0 and global_orient' = R global_orient.

    Args:
        global_orient (`np.ndarray` of shape `(T, 3)`): Axis-angle, radians.
        transl (`np.ndarray` of shape `(T, 3)`): Metres.
        rotation (`np.ndarray` of shape `(3, 3)` or `(T, 3, 3)`): R.
        translation (`np.ndarray` of shape `(3,)` or `(T, 3)`): t, metres.
        rest_pelvis (`np.ndarray` of shape `(3,)`): J0, metres.

    Returns:
        `tuple[np.ndarray, np.ndarray]`: `global_orient` (angles in [0, pi]) and `transl` in the new frame, float64.

    Raises:
        MotionError: If a shape is wrong or `rotation` is not a rotation.
    """
    import roma
    import torch

    frames = len(transl)
    rotation = _shaped("rotation", rotation, (3, 3), frames)
    translation = _shaped("translation", translation, (3,), frames)
    rest_pelvis = _shaped("rest_pelvis", rest_pelvis, (3,), 1)[0]
    error = np.abs(rotation @ rotation.swapaxes(-1, -2) - np.eye(3)).max()
    if error > 1e-3 or (np.linalg.det(rotation) < 0).any():
        raise MotionError("rotation is not a rotation: its matrix must be orthonormal with determinant +1.")
    turned = rotation @ roma.rotvec_to_rotmat(torch.from_numpy(global_orient.astype(np.float64))).numpy()
    pelvis = transl.astype(np.float64) + rest_pelvis
    return (
        roma.rotmat_to_rotvec(torch.from_numpy(turned)).numpy(),
        np.einsum("tij,tj->ti", rotation, pelvis) + translation - rest_pelvis,
    )


def _shaped(name: str, value: np.ndarray, shape: tuple[int, ...], frames: int) -> np.ndarray:
    """Broadcast to `(frames, *shape)` in float64; raises `MotionError` on a wrong shape or a value not finite."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in (shape, (frames, *shape)):
        raise MotionError(f"{name} has shape {array.shape}; it must be {shape} or {(frames, *shape)}.")
    if not np.isfinite(array).all():
        raise MotionError(f"{name} holds values that are not finite.")
    return np.broadcast_to(array, (frames, *shape))
