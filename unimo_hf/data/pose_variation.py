# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""More poses than were captured: limbs of several motions on one body, and every joint turned a little.

Half an hour of motion capture holds too few poses for a tokenizer to generalise from. A person's legs, trunk and arms
are nearly independent of each other, so their combinations are poses that people make, too.
"""

from collections.abc import Callable

import numpy as np
import torch

LEFT_ARM = (13, 16, 18, 20)
RIGHT_ARM = (14, 17, 19, 21)
TRUNK = (3, 6, 9, 12, 15)  # spine, neck and head
TURN = 0.3  # radians: standard deviation of the largest turns
CYCLES = 1.5  # a turn swings at most so often in a clip

Parameters = dict[str, torch.Tensor]


def vary_poses(parameters: Parameters, cut: Callable[[], Parameters], generator: np.random.Generator) -> Parameters:
    """Put limbs of other motions on a person and turn every joint a little, smoothly in time.

    Root and legs stay those of one motion, so that the feet still stand on the floor but for the small turns.

    Args:
        parameters (`dict`): `body_pose` (T, 63), `global_orient` (T, 3) in radians, and more that is left as it is.
        cut (`Callable`): Gives the parameters of another motion, of as many frames.
        generator (`np.random.Generator`): Source of randomness.

    Returns:
        `dict`: The parameters with another `body_pose` and a slightly turned `global_orient`.
    """
    pose = parameters["body_pose"].unflatten(-1, (21, 3)).clone()
    for limb, share in ((TRUNK + LEFT_ARM + RIGHT_ARM, 0.7), (LEFT_ARM, 0.4), (RIGHT_ARM, 0.4)):
        if generator.random() < share:
            rows = [joint - 1 for joint in limb]
            pose[:, rows] = cut()["body_pose"].unflatten(-1, (21, 3))[:, rows]
    rotations = torch.cat((parameters["global_orient"][:, None], pose), dim=1)
    turned = _turn(rotations, generator)
    return parameters | {"global_orient": turned[:, 0], "body_pose": turned[:, 1:].flatten(-2)}


def _turn(rotations: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Axis-angle `(T, J, 3)` after a turn of each joint that is constant plus a slow swing."""
    from unimo_hf.model.motion_features import axis_angle_to_matrix, matrix_to_axis_angle

    frames, joints, _ = rotations.shape
    scale = TURN * generator.uniform() * generator.uniform(0, 2, size=(joints, 1)) / 2
    constant, swing = generator.normal(size=(2, joints, 3)) * scale
    phase = generator.uniform(0, 2 * np.pi, size=(joints, 1))
    cycles = generator.uniform(0, CYCLES, size=(joints, 1))
    time = np.linspace(0, 1, frames)[:, None, None]
    turns = constant + swing * np.sin(2 * np.pi * cycles * time + phase)
    turns = torch.as_tensor(turns, dtype=torch.float32)
    return matrix_to_axis_angle(axis_angle_to_matrix(rotations) @ axis_angle_to_matrix(turns))
