# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The fitted start of the motion tokenizer: poses pass before anything was learned."""

import pytest
import torch

from unimo_hf import MotionVQVAE, MotionVQVAEConfig
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.model.modeling_motion_vqvae import decode_prefix
from unimo_hf.model.motion_features import frames_to_parameters, parameters_to_frames
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import load_collection
from unimo_hf.training.joints import joints_of_frames, mpjpe_mm
from unimo_hf.training.tiny.motion_vqvae_start import fit_start

SHAPE = {
    "factors": [1, 36],
    "widths": [80, 4],
    "codebook_dim": 3,
    "codebook_size": 64,
    "depth": 1,
    "frame_encoder": True,
    "unit_codes": True,
}


@pytest.fixture(scope="module")
def motion(assets):
    source = ClipSource(load_collection(assets / "motions" / "test"), ClipSettings(frames=5, fps=15.0), 0)
    return torch.stack([parameters_to_frames(**source.parameters(index)) for index in range(100)])


@pytest.fixture(scope="module")
def fitted(motion):
    torch.manual_seed(0)
    model = MotionVQVAE(MotionVQVAEConfig(**SHAPE))
    model.fit_statistics(motion[:80])
    fit_start(model, motion[:80], Body.load())
    return model.eval()


def error(frames, motion):
    joints, true_joints = (joints_of_frames(Body.load(), values, "6d")[0] for values in (frames, motion))
    return float(mpjpe_mm(joints, true_joints).mean())


@torch.no_grad()
def test_a_fitted_start_tells_poses(fitted, motion):
    held_out = motion[80:]
    mean_pose = error(fitted.mean.expand_as(held_out), held_out)
    assert error(fitted.decode(fitted.encode(held_out)), held_out) < 0.2 * mean_pose


@torch.no_grad()
def test_the_first_codes_say_most(fitted, motion):
    codes = fitted.encode(motion[80:])
    errors = [error(decode_prefix(fitted, codes, kept), motion[80:]) for kept in (1, 4, 12, 36)]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.75 * error(fitted.mean.expand_as(motion[80:]), motion[80:])


@torch.no_grad()
def test_a_missing_code_is_one_of_mean_numbers(fitted, motion):
    """With no code at all, the decoders say the mean frame, up to what the mean of the numbers is off zero."""
    frames = fitted.normalize(decode_prefix(fitted, fitted.encode(motion[:8]), 0))
    assert frames[..., :126].abs().mean() < 0.1


@torch.no_grad()
def test_frames_beside_it_mend_a_frame(fitted, motion):
    """Decoders take off some of what quantisation adds to a frame, which its neighbours do not share."""
    codes = fitted.encode(motion[80:])
    each_alone = fitted.decode(codes.flatten(0, 1)[:, None]).view_as(motion[80:])
    assert error(fitted.decode(codes), motion[80:]) < 0.97 * error(each_alone, motion[80:])


@torch.no_grad()
def test_few_people_are_far_and_the_first_position_is_still_told(fitted, motion):
    """Positions are written smaller than they vary, so that one three times as far as usual keeps its place."""
    far = motion[80:].clone()
    far[:, 0, -3:] = fitted.first_root_mean + 3 * (far[:, 0, -3:] - fitted.first_root_mean)
    told = fitted.decode(fitted.encode(far))
    error = (told - far)[:, 0, -3:].abs().mean()
    assert error < 0.1 * (far[:, 0, -3:] - fitted.first_root_mean).abs().mean()


@torch.no_grad()
def test_every_code_is_in_use(fitted, motion):
    assert fitted.encode(motion).unique().numel() == SHAPE["codebook_size"]


@pytest.mark.parametrize("codes", [1, 4, 12])
@torch.no_grad()
def test_any_number_of_codes(codes, motion):
    """Where few codes stand alone, the root is among the smaller numbers; where there is one, it is left out."""
    torch.manual_seed(0)
    model = MotionVQVAE(MotionVQVAEConfig(**{**SHAPE, "factors": [1, codes]}))
    model.fit_statistics(motion[:80])
    fit_start(model, motion[:80], Body.load())
    frames = model.decode(model.encode(motion[80:]))
    mean = model.denormalize(torch.zeros_like(motion[80:]))
    assert error(frames, motion[80:]) < error(mean, motion[80:])
    steps, mean_steps = ((values[:, 1:, -3:] - motion[80:, 1:, -3:]).square().mean() for values in (frames, mean))
    assert (steps < 0.9 * mean_steps) == (codes > 1)


@torch.no_grad()
def test_more_codes_than_pairs_of_channels(motion):
    """54 codes could hold 89 numbers, a frame in axis-angle has 79 channels: more codes hold one."""
    torch.manual_seed(0)
    joints = [frames_to_parameters(clip) for clip in motion]
    packed = torch.stack([parameters_to_frames(**clip, rotation="axis_angle") for clip in joints])
    shape = {"rotation": "axis_angle", "factors": [1, 54], "widths": [112, 4], "codebook_size": 512}
    model = MotionVQVAE(MotionVQVAEConfig(**SHAPE | shape))
    model.fit_statistics(packed[:80])
    fit_start(model, packed[:80], Body.load())
    frames, target = model.decode(model.encode(packed[:80])), packed[:80]
    assert (frames - target)[..., :63].square().mean() < 0.02 * target[..., :63].var()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"unit_codes": False}, "False, 3"),
        ({"codebook_dim": 2}, "True, 2"),
        ({"factors": [6, 6]}, r"\[6, 6\]"),
        ({"widths": [72, 4]}, r"above 72.*\[72, 4\]"),
    ],
)
def test_a_shape_that_holds_no_fitted_start_is_named(change, found, motion):
    model = MotionVQVAE(MotionVQVAEConfig(**{**SHAPE, **change}))
    with pytest.raises(ValueError, match=found):
        fit_start(model, motion, Body.load())
