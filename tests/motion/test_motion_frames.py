# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motions to the frames of the motion tokenizer and back."""

import numpy as np
import pytest
import torch

from unimo_hf import Motion, MotionVQVAEConfig
from unimo_hf.motion.motion_frames import frames_to_motions, motions_to_frames


def random_motion(seed, frames=5):
    generator = np.random.default_rng(seed)
    parameters = {name: generator.normal(size=(frames, size)) * 0.3 for name, size in Motion.PARAMETERS.items()}
    return Motion(**parameters, betas=generator.normal(size=10), fps=24)


@pytest.mark.parametrize(("rotation", "coordinates", "up"), [("6d", "camera", "-y"), ("axis_angle_6d", "world", "y")])
def test_there_and_back(rotation, coordinates, up):
    motions = [random_motion(0), random_motion(1)]
    frames = motions_to_frames(motions, rotation).requires_grad_()
    assert torch.equal(frames[1], motions_to_frames(motions[1:], rotation)[0])
    config = MotionVQVAEConfig(rotation=rotation, coordinates=coordinates)
    for motion, back in zip(motions, frames_to_motions(frames, config, fps=15), strict=True):
        assert (back.fps, back.coordinates, back.up) == (15, coordinates, up)
        for name in (*Motion.PARAMETERS, "betas"):
            np.testing.assert_allclose(getattr(back, name), getattr(motion, name), atol=1e-5)
