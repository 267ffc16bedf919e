# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motions to the frames of the motion tokenizer and back: where the record of a user meets the network."""

from collections.abc import Sequence

import numpy as np
import torch

from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.motion_features import frames_to_parameters, parameters_to_frames

from .motion import Motion


def motions_to_frames(motions: Sequence[Motion], rotation: str) -> torch.Tensor:
    """Motions of one length, in the frame of reference that they are in, to frames `(B, T, C)`.

    Args:
        motions (`Sequence[Motion]`): B motions of T frames.
        rotation (`str`): How the tokenizer writes rotations.
    """
    parameters = {
        name: torch.as_tensor(np.stack([getattr(motion, name) for motion in motions])) for name in Motion.PARAMETERS
    }
    betas = torch.as_tensor(np.stack([motion.betas for motion in motions]))
    betas = betas[:, None].expand(-1, parameters["transl"].shape[1], -1)
    return parameters_to_frames(**parameters, betas=betas, rotation=rotation)


def frames_to_motions(frames: torch.Tensor, config: MotionVQVAEConfig, fps: float) -> list[Motion]:
    """Decoded frames `(B, T, C)` to B motions in the frame of reference that the tokenizer was trained in."""
    of_clips = {
        key: value.cpu().numpy() for key, value in frames_to_parameters(frames.detach(), config.rotation).items()
    }
    up = "-y" if config.coordinates == "camera" else "y"
    motions = []
    for clip in range(len(frames)):
        parameters = {key: value[clip] for key, value in of_clips.items()}
        # A person keeps their shape: the mean over the frames is the estimate.
        parameters["betas"] = parameters["betas"].mean(axis=0)
        motions.append(Motion(**parameters, fps=fps, coordinates=config.coordinates, up=up))
    return motions
