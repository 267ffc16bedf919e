# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Parameters to frames and back, against the goldens, in every rotation format."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unimo_hf.model.motion_features import (
    ROTATION_CHANNELS,
    axis_angle_to_matrix,
    expert_channels,
    frames_to_matrices,
    frames_to_parameters,
    matrix_to_axis_angle,
    matrix_to_rotation,
    parameters_to_frames,
    positions_to_root_code,
    root_code_to_positions,
    rotation_to_matrix,
    split_frames,
)


@pytest.fixture(scope="module")
def rotations(goldens):
    with np.load(goldens / "motion" / "rotations.npz") as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


@pytest.fixture(scope="module")
def packing(goldens):
    with np.load(goldens / "motion" / "packing.npz") as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


def random_parameters(frames, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = {"body_pose": 63, "betas": 10, "global_orient": 3, "transl": 3}
    # Angles stay below pi, where an axis-angle vector is the only one of its rotation.
    return {key: torch.rand(frames, size, generator=generator) * 3 - 1.5 for key, size in sizes.items()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_rotations_golden(rotations, dtype, tolerance):
    matrix = axis_angle_to_matrix(rotations["axis_angle"].to(dtype))
    close = {"atol": tolerance, "rtol": 0}
    torch.testing.assert_close(matrix, rotations["exp_matrix"].to(dtype), **close)
    torch.testing.assert_close(matrix_to_rotation(matrix, "6d"), rotations["exp_rot6d_rows"].to(dtype), **close)
    torch.testing.assert_close(
        rotation_to_matrix(rotations["raw6d"].to(dtype), "6d"),
        rotations["exp_matrix_from_raw6d_rows"].to(dtype),
        **close,
    )


def test_axis_angle_comes_back(rotations):
    expected = rotations["axis_angle"]
    found = matrix_to_axis_angle(rotations["exp_matrix"])
    ordinary = torch.ones(len(expected), dtype=torch.bool)
    ordinary[[5, 6]] = False  # so near to pi that only the matrices can be compared
    torch.testing.assert_close(found[ordinary], expected[ordinary], atol=1e-6, rtol=0)
    torch.testing.assert_close(axis_angle_to_matrix(found), rotations["exp_matrix"], atol=1e-6, rtol=0)


def test_packing_golden(packing):
    expected = packing.pop("exp_features")
    frames = parameters_to_frames(**packing)
    torch.testing.assert_close(frames, expected, atol=1e-5, rtol=0)
    back = frames_to_parameters(expected)
    for key in ("betas", "transl"):
        torch.testing.assert_close(back[key], packing[key], atol=1e-5, rtol=0)
    for key in ("body_pose", "global_orient"):
        torch.testing.assert_close(
            axis_angle_to_matrix(back[key].unflatten(-1, (-1, 3))),
            axis_angle_to_matrix(packing[key].unflatten(-1, (-1, 3))),
            atol=1e-5,
            rtol=0,
        )


@pytest.mark.parametrize(("rotation", "channels"), [("6d", 145), ("matrix", 211), ("axis_angle", 79)])
@settings(max_examples=8)
@given(frames=st.integers(1, 9), seed=st.integers(0, 99))
def test_there_and_back(rotation, channels, frames, seed):
    parameters = random_parameters(frames, seed)
    packed = parameters_to_frames(**parameters, rotation=rotation)
    assert packed.shape == (frames, channels)
    assert sum(expert_channels(rotation).values()) == channels
    for key, value in frames_to_parameters(packed, rotation).items():
        torch.testing.assert_close(value, parameters[key], atol=2e-5, rtol=0)


@pytest.mark.parametrize("rotation", ROTATION_CHANNELS)
def test_decoder_outputs_become_rotations(rotation):
    """What a network says is near a rotation, not one."""
    noisy = parameters_to_frames(**random_parameters(4), rotation=rotation)
    noisy = noisy + 0.1 * torch.randn(noisy.shape)
    matrices, betas, transl = frames_to_matrices(noisy[None], rotation)
    assert matrices.shape == (1, 4, 22, 3, 3)
    assert (betas.shape, transl.shape) == ((1, 4, 10), (1, 4, 3))
    identity = torch.eye(3).expand_as(matrices)
    torch.testing.assert_close(matrices @ matrices.mT, identity, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(1, 4, 22), atol=1e-5, rtol=0)


def test_root_code_is_absolute_once():
    transl = torch.tensor([[1.0, 2.0, 5.0], [1.5, 2.0, 4.0], [1.5, 2.0, 4.0]])
    code = positions_to_root_code(transl)
    assert code.tolist() == [[1.0, 2.0, 5.0], [0.5, 0.0, -1.0], [0.0, 0.0, 0.0]]
    torch.testing.assert_close(root_code_to_positions(code), transl)
    assert torch.equal(positions_to_root_code(transl[:1]), transl[:1])


def test_errors_say_what_is_allowed():
    with pytest.raises(ValueError, match="0 frames"):
        positions_to_root_code(torch.zeros(0, 3))
    with pytest.raises(ValueError, match=r"euler.*6d"):
        parameters_to_frames(**random_parameters(2), rotation="euler")
    with pytest.raises(ValueError, match=r"144 channels.*145"):
        split_frames(torch.zeros(2, 144))
