# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Varied poses: whose limbs they are, how far and how smoothly joints are turned, and that clips use them."""

import numpy as np
import pytest
import torch

from unimo_hf.data import pose_variation
from unimo_hf.data.pose_variation import LEFT_ARM, RIGHT_ARM, TRUNK, vary_poses
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.model.motion_features import axis_angle_to_matrix
from unimo_hf.motion.motion import load_collection

FRAMES = 17
LEGS = sorted(set(range(1, 22)) - {*TRUNK, *LEFT_ARM, *RIGHT_ARM})


def still(angle):
    return {"body_pose": torch.full((FRAMES, 63), angle), "global_orient": torch.full((FRAMES, 3), angle)}


def joints(parameters):
    return parameters["body_pose"].unflatten(-1, (21, 3))[0, :, 0]


def test_limbs_come_from_other_motions_and_legs_do_not(monkeypatch):
    monkeypatch.setattr(pose_variation, "TURN", 0.0)
    found = {"trunk": set(), "left": set(), "right": set()}
    for seed in range(40):
        angles = iter((0.2, 0.3, 0.4))
        varied = joints(vary_poses(still(0.1), lambda: still(next(angles)), np.random.default_rng(seed)))  # noqa: B023
        assert torch.allclose(varied[[joint - 1 for joint in LEGS]], torch.tensor(0.1), atol=1e-5)
        for name, limb in (("trunk", TRUNK), ("left", LEFT_ARM), ("right", RIGHT_ARM)):
            values = varied[[joint - 1 for joint in limb]]
            assert torch.allclose(values, values[0], atol=1e-5)
            found[name].add(round(float(values[0]), 3))
    assert found["trunk"] == {0.1, 0.2}
    assert found["left"] >= {0.1, 0.2, 0.3}
    assert found["right"] >= {0.1, 0.2, 0.3, 0.4}


def test_turns_are_small_and_smooth():
    generator, angles = np.random.default_rng(0), []
    for _ in range(50):
        varied = vary_poses(still(0.0), lambda: still(0.0), generator)
        rotations = axis_angle_to_matrix(varied["body_pose"].unflatten(-1, (21, 3)))
        angle = varied["body_pose"].unflatten(-1, (21, 3)).norm(dim=-1)
        angles.append(angle)
        steps = (rotations[1:] - rotations[:-1]).flatten(-2).norm(dim=-1)
        assert steps.max() < 3 * pose_variation.TURN * 2 * np.pi * pose_variation.CYCLES / (FRAMES - 1)
    angles = torch.stack(angles)
    assert 0.02 < angles.mean() < pose_variation.TURN
    assert angles.amax(dim=(1, 2)).std() > 0.05  # some clips are turned more than others


def test_clips_are_varied_when_the_settings_say_so(assets):
    motions = load_collection(assets / "motions" / "test")
    plain = ClipSource(motions, ClipSettings(FRAMES), seed=0)
    varied = ClipSource(motions, ClipSettings(FRAMES, varied=1.0), seed=0)
    half = ClipSource(motions, ClipSettings(FRAMES, varied=0.5), seed=0)

    def poses(source):
        return torch.stack([source.parameters(index)["body_pose"] for index in range(20)])

    assert torch.equal(poses(varied), poses(varied))
    assert poses(varied).isfinite().all()
    changed = (poses(varied) != poses(plain)).flatten(1).any(dim=1)
    assert changed.all()
    assert 0 < int((poses(half) == poses(plain)).flatten(1).all(dim=1).sum()) < 20


def test_a_share_beyond_one():
    with pytest.raises(ValueError, match=r"varied is 1\.5; it is a share"):
        ClipSettings(varied=1.5)
