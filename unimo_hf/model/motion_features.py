# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""SMPL-X parameter tensors to the channels of the motion tokenizer, and back (UniMo paper, appendix A).

Channel layout of a frame, with 6, 9 or 3 numbers a rotation: `[21 rotations of body_pose | 10 betas | global_orient |
3 root]`; 145 channels for 6 numbers. The root code is the absolute `transl` at frame 0 and metres *per frame* after.
"""

import torch

NUM_POSE_JOINTS = 21
NUM_BETAS = 10
ROTATION_CHANNELS = {"6d": 6, "6d_columns": 6, "matrix": 9, "axis_angle": 3}
# How a frame writes rotations: those of the joints and that of the whole body. The last takes the best of two: an
# axis-angle has the fewest numbers, but jumps at half a turn, which no joint reaches and a body before a camera does.
ROTATION_FORMATS = {name: (name, name) for name in ROTATION_CHANNELS} | {"axis_angle_6d": ("axis_angle", "6d")}


def expert_channels(rotation: str) -> dict[str, int]:
    """Channels of each expert decoder, in frame order, for a format of `ROTATION_FORMATS`."""
    if rotation not in ROTATION_FORMATS:
        raise ValueError(f"rotation is {rotation!r}; allowed are {sorted(ROTATION_FORMATS)}.")
    of_joint, of_body = (ROTATION_CHANNELS[part] for part in ROTATION_FORMATS[rotation])
    return {"body_pose": NUM_POSE_JOINTS * of_joint, "betas": NUM_BETAS, "global_orient": of_body, "transl": 3}


def matrix_to_rotation(matrix: torch.Tensor, rotation: str) -> torch.Tensor:
    """Matrices `(..., 3, 3)` to `(..., R)` in a format of `ROTATION_CHANNELS`; `6d` is the first two *rows*."""
    if rotation == "6d":
        return matrix[..., :2, :].flatten(-2)
    if rotation == "6d_columns":
        return matrix_to_rotation(matrix.mT, "6d")
    if rotation == "matrix":
        return matrix.flatten(-2)
    return matrix_to_axis_angle(matrix)


def rotation_to_matrix(values: torch.Tensor, rotation: str) -> torch.Tensor:
    """Inverse of [`matrix_to_rotation`]; what is not orthonormal becomes so (6D: Gram-Schmidt, matrix: Procrustes)."""
    if rotation == "6d":
        first, second = values[..., :3], values[..., 3:]
        x = torch.nn.functional.normalize(first, dim=-1)
        y = torch.nn.functional.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
        return torch.stack((x, y, torch.linalg.cross(x, y, dim=-1)), dim=-2)
    if rotation == "6d_columns":
        return rotation_to_matrix(values, "6d").mT
    if rotation == "matrix":
        import roma

        return roma.special_procrustes(values.unflatten(-1, (3, 3)))
    return axis_angle_to_matrix(values)


def axis_angle_to_matrix(axis_angle: torch.Tensor) -> torch.Tensor:
    """Axis-angle `(..., 3)` in radians to matrices `(..., 3, 3)`."""
    import roma

    return roma.rotvec_to_rotmat(axis_angle)


def matrix_to_axis_angle(matrix: torch.Tensor) -> torch.Tensor:
    """Matrices `(..., 3, 3)` to axis-angle `(..., 3)` in radians, angle in [0, pi]."""
    import roma

    return roma.rotmat_to_rotvec(matrix)


def positions_to_root_code(transl: torch.Tensor) -> torch.Tensor:
    """Keep frame 0, replace later positions by the difference to the frame before.

    Args:
        transl (`torch.Tensor` of shape `(..., T, 3)`): Metres.

    Returns:
        `torch.Tensor` of shape `(..., T, 3)`: Frame 0 in metres, later frames in metres per frame.

    Raises:
        ValueError: If there are no frames.
    """
    if transl.shape[-2] == 0:
        raise ValueError("transl has 0 frames; at least 1 is needed.")
    return torch.cat((transl[..., :1, :], transl[..., 1:, :] - transl[..., :-1, :]), dim=-2)


def root_code_to_positions(code: torch.Tensor) -> torch.Tensor:
    """Prefix sum: inverse of [`positions_to_root_code`]."""
    return code.cumsum(dim=-2)


def parameters_to_frames(
    body_pose: torch.Tensor,
    betas: torch.Tensor,
    global_orient: torch.Tensor,
    transl: torch.Tensor,
    rotation: str = "6d",
) -> torch.Tensor:
    """Pack SMPL-X parameters into tokenizer frames.

    Args:
        body_pose (`torch.Tensor` of shape `(..., T, 63)`): Axis-angle, radians.
        betas (`torch.Tensor` of shape `(..., T, 10)`): Shape coefficients.
        global_orient (`torch.Tensor` of shape `(..., T, 3)`): Axis-angle, radians.
        transl (`torch.Tensor` of shape `(..., T, 3)`): Metres.
        rotation (`str`, *optional*, defaults to `"6d"`): A format of `ROTATION_FORMATS`.

    Returns:
        `torch.Tensor` of shape `(..., T, C)`, C = 145 for 6D, 211 for matrices, 79 for axis-angle and 82 for
        `axis_angle_6d`.
    """
    expert_channels(rotation)
    of_joint, of_body = ROTATION_FORMATS[rotation]
    pose = axis_angle_to_matrix(body_pose.unflatten(-1, (NUM_POSE_JOINTS, 3)))
    return torch.cat(
        (
            matrix_to_rotation(pose, of_joint).flatten(-2),
            betas,
            matrix_to_rotation(axis_angle_to_matrix(global_orient), of_body),
            positions_to_root_code(transl),
        ),
        dim=-1,
    )


def split_frames(frames: torch.Tensor, rotation: str = "6d") -> dict[str, torch.Tensor]:
    """Frames `(..., C)` to the channels of each expert; raises `ValueError` on a wrong channel count."""
    channels = expert_channels(rotation)
    if frames.shape[-1] != sum(channels.values()):
        raise ValueError(
            f"frames have {frames.shape[-1]} channels; rotation {rotation!r} has {sum(channels.values())}."
        )
    return dict(zip(channels, frames.split(list(channels.values()), dim=-1), strict=True))


def frames_to_matrices(frames: torch.Tensor, rotation: str = "6d") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames `(..., T, C)` to joint rotations, shape and position.

    Returns:
        `tuple`: rotations `(..., T, 22, 3, 3)` with the pelvis first, betas `(..., T, 10)`, transl `(..., T, 3)` in
        metres.
    """
    parts = split_frames(frames, rotation)
    of_joint, of_body = ROTATION_FORMATS[rotation]
    joints = rotation_to_matrix(parts["body_pose"].unflatten(-1, (NUM_POSE_JOINTS, -1)), of_joint)
    body = rotation_to_matrix(parts["global_orient"], of_body)
    rotations = torch.cat((body.unsqueeze(-3), joints), dim=-3)
    return rotations, parts["betas"], root_code_to_positions(parts["transl"])


def frames_to_parameters(frames: torch.Tensor, rotation: str = "6d") -> dict[str, torch.Tensor]:
    """Frames `(..., T, C)` to SMPL-X parameters: inverse of [`parameters_to_frames`].

    Returns:
        `dict`: `body_pose` (..., T, 63), `betas` (..., T, 10), `global_orient` (..., T, 3), `transl` (..., T, 3).
    """
    rotations, betas, transl = frames_to_matrices(frames, rotation)
    axis_angle = matrix_to_axis_angle(rotations)
    return {
        "body_pose": axis_angle[..., 1:, :].flatten(-2),
        "betas": betas,
        "global_orient": axis_angle[..., 0, :],
        "transl": transl,
    }
