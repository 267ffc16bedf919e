# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Parameters to frames and back, against the goldens, in every rotation format."""

import numpy as np
import pytest
import roma
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unimo_hf.model.motion_features import (
    ROTATION_CHANNELS,
    ROTATION_FORMATS,
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
    torch.testing.assert_close(
        matrix_to_rotation(matrix, "6d_columns"), rotations["exp_rot6d_cols"].to(dtype), **close
    )
    torch.testing.assert_close(
        rotation_to_matrix(rotations["raw6d"].to(dtype), "6d_columns"),
        rotations["exp_matrix_from_raw6d_cols"].to(dtype),
        **close,
    )


def test_quaternions_golden(rotations):
    found = roma.quat_xyzw_to_wxyz(roma.rotvec_to_unitquat(rotations["axis_angle"]))  # what resampling goes through
    expected = rotations["exp_quat_wxyz"]
    same_side = torch.sign((found * expected).sum(dim=1, keepdim=True))
    torch.testing.assert_close(found * same_side, expected, atol=1e-9, rtol=0)


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


@pytest.mark.parametrize(
    ("rotation", "channels"),
    [("6d", 145), ("6d_columns", 145), ("matrix", 211), ("axis_angle", 79), ("axis_angle_6d", 82)],
)
@given(frames=st.integers(1, 9), seed=st.integers(0, 99))
def test_there_and_back(rotation, channels, frames, seed):
    parameters = random_parameters(frames, seed)
    packed = parameters_to_frames(**parameters, rotation=rotation)
    assert packed.shape == (frames, channels)
    assert sum(expert_channels(rotation).values()) == channels
    for key, value in frames_to_parameters(packed, rotation).items():
        torch.testing.assert_close(value, parameters[key], atol=2e-5, rtol=0)


@pytest.mark.parametrize("rotation", ROTATION_FORMATS)
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


def test_a_body_that_turns_past_half_a_turn_does_not_jump():
    """Which is why `axis_angle_6d` writes the whole body in six numbers and its joints in three."""
    turns = torch.linspace(3.1, 3.2, 11)[:, None] * torch.tensor([1.0, 0.0, 0.0])
    still = {"body_pose": torch.full((11, 63), 0.1), "betas": torch.zeros(11, 10), "transl": torch.zeros(11, 3)}
    steps = {
        rotation: parameters_to_frames(**still, global_orient=turns, rotation=rotation).diff(dim=0).abs().max()
        for rotation in ("axis_angle", "axis_angle_6d")
    }
    assert steps["axis_angle"] > 6
    assert steps["axis_angle_6d"] < 0.011


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


# Properties: what holds for every rotation, every clip and every path.

numbers = st.floats(-3, 3)


@st.composite
def rotation_vectors(draw, largest=np.pi - 1e-3):
    """Axis-angle `(n, 3)` of any length from 0 (and very near it) up to `largest`."""
    axes = draw(arrays(np.float64, st.tuples(st.integers(1, 4), st.just(3)), elements=numbers))
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    small = draw(st.sampled_from([1.0, 1e-3, 1e-6, 1e-9]))
    return torch.from_numpy(axes * small * np.minimum(1, largest / np.maximum(lengths, 1e-12)))


def assert_rotations(matrices):
    identity = torch.eye(3, dtype=matrices.dtype).expand_as(matrices)
    torch.testing.assert_close(matrices @ matrices.mT, identity, atol=1e-9, rtol=0)
    torch.testing.assert_close(
        torch.linalg.det(matrices), torch.ones(matrices.shape[:-2], dtype=matrices.dtype), atol=1e-9, rtol=0
    )


@given(vectors=rotation_vectors())
def test_every_rotation_vector_comes_back(vectors):
    matrices = axis_angle_to_matrix(vectors)
    assert_rotations(matrices)
    torch.testing.assert_close(matrix_to_axis_angle(matrices), vectors, atol=1e-7, rtol=0)


@given(vectors=rotation_vectors(largest=3 * np.pi))
def test_angles_come_back_between_0_and_pi(vectors):
    matrices = axis_angle_to_matrix(vectors)
    found = matrix_to_axis_angle(matrices)
    assert (found.norm(dim=-1) <= np.pi + 1e-9).all()
    torch.testing.assert_close(axis_angle_to_matrix(found), matrices, atol=1e-7, rtol=0)


@pytest.mark.parametrize("rotation", ROTATION_CHANNELS)
@given(vectors=rotation_vectors())
def test_every_format_keeps_the_rotation(rotation, vectors):
    matrices = axis_angle_to_matrix(vectors)
    values = matrix_to_rotation(matrices, rotation)
    assert values.shape == (len(vectors), ROTATION_CHANNELS[rotation])
    torch.testing.assert_close(rotation_to_matrix(values, rotation), matrices, atol=1e-7, rtol=0)


@given(
    values=arrays(np.float64, (3, 6), elements=numbers),
    first=st.floats(0.1, 9),
    second=st.floats(0.1, 9),
    lean=numbers,
)
def test_six_numbers_are_a_rotation_whatever_their_length_and_lean(values, first, second, lean):
    """Gram-Schmidt takes only the direction of the first row, and of the second only what is across the first."""
    x, y = torch.from_numpy(values).split(3, dim=-1)
    assume((torch.linalg.cross(x, y, dim=-1).norm(dim=-1) > 1e-2).all())
    found = rotation_to_matrix(torch.cat((x, y), dim=-1), "6d")
    assert_rotations(found)
    changed = rotation_to_matrix(torch.cat((first * x, second * y + lean * x), dim=-1), "6d")
    torch.testing.assert_close(changed, found, atol=1e-7, rtol=0)


@pytest.mark.parametrize("rotation", ROTATION_FORMATS)
@given(clips=st.integers(1, 3), frames=st.integers(1, 6), seed=st.integers(0, 99))
def test_clips_are_packed_one_by_one(rotation, clips, frames, seed):
    each = [random_parameters(frames, seed + clip) for clip in range(clips)]
    together = {key: torch.stack([parameters[key] for parameters in each]) for key in each[0]}
    packed = parameters_to_frames(**together, rotation=rotation)
    for clip, parameters in enumerate(each):
        torch.testing.assert_close(packed[clip], parameters_to_frames(**parameters, rotation=rotation))


# Sixteenths of a metre add up without rounding, so that equality can be asked for.
paths = st.integers(1, 40).flatmap(lambda frames: arrays(np.int64, (frames, 3), elements=st.integers(-(10**5), 10**5)))


@given(path=paths, shift=arrays(np.int64, 3, elements=st.integers(-(10**5), 10**5)), cut=st.integers(0, 39))
def test_prefix_sums(path, shift, cut):
    transl, shift = torch.from_numpy(path / 16), torch.from_numpy(shift / 16)
    code = positions_to_root_code(transl)
    assert torch.equal(root_code_to_positions(code), transl)
    assert torch.equal(code[0], transl[0])
    # Moving the whole path changes frame 0 alone; a clip that is cut out begins with an absolute frame again.
    moved = positions_to_root_code(transl + shift)
    assert torch.equal(moved[0], code[0] + shift)
    assert torch.equal(moved[1:], code[1:])
    cut = min(cut, len(path) - 1)
    clip = positions_to_root_code(transl[cut:])
    assert torch.equal(clip[0], transl[cut])
    assert torch.equal(clip[1:], code[cut + 1 :])
    assert torch.equal(root_code_to_positions(clip), transl[cut:])


def test_steps_in_the_frame_of_the_body_golden(goldens):
    """GVHMR's velocities are our steps of the root, seen from the body; the last step is repeated there."""
    with np.load(goldens / "motion" / "frames.npz") as archive:
        names = ("global_orient", "transl", "exp_gvhmr_local_vel", "exp_gvhmr_rollout")
        orient, transl, velocity, path = (torch.as_tensor(archive[name]) for name in names)
    turn, steps = axis_angle_to_matrix(orient), positions_to_root_code(transl)[1:]
    found = torch.einsum("tji,tj->ti", turn, torch.cat((steps, steps[-1:])))
    torch.testing.assert_close(found, velocity, atol=1e-5, rtol=0)
    back = torch.cat((path[:1], torch.einsum("tij,tj->ti", turn[:-1], velocity[:-1])))
    torch.testing.assert_close(root_code_to_positions(back), path, atol=1e-5, rtol=0)


def test_root_code_golden(goldens):
    with np.load(goldens / "motion" / "frames.npz") as archive:
        transl, expected = (torch.as_tensor(archive[key]) for key in ("transl", "exp_velocity_code"))
    torch.testing.assert_close(positions_to_root_code(transl), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(root_code_to_positions(expected), transl, atol=1e-5, rtol=0)
