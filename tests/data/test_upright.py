# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Whatever frame of reference a motion is in, the person stands upright on the floor of the clip."""

import numpy as np
import pytest
import torch

from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.data.upright import stand_up
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import load_collection


@pytest.fixture(scope="module")
def body():
    return Body.load()


@pytest.fixture(scope="module")
def motion(assets):
    return load_collection(assets / "motions" / "test")[0][1][:60]


def before_a_camera(motion, body):
    """Seen by a level camera 1.5 m above the floor that stands 4 m off."""
    rest_pelvis = body.rest_pelvis(torch.as_tensor(motion.betas)).numpy()
    return motion.change_frame(np.diag((1.0, -1.0, -1.0)), np.array((0.0, 1.5, 4.0)), rest_pelvis, "camera")


def test_a_motion_that_stands_stays_as_it_is(motion, body):
    assert stand_up(motion, body) is motion


@pytest.mark.parametrize("up", ["z", "-y"])
def test_another_axis_up(motion, body, up):
    upright = stand_up(motion.to_world_up(up, body), body)
    assert (upright.coordinates, upright.up) == ("world", "y")
    np.testing.assert_allclose(upright.joints(body), motion.joints(body), atol=1e-5)


def test_a_motion_before_a_camera_is_set_down(motion, body):
    upright = stand_up(before_a_camera(motion, body), body)
    joints, expected = upright.joints(body), motion.joints(body)
    assert joints[:, :22, 1].min() == pytest.approx(0, abs=1e-3)
    for axis in range(3):
        difference = joints[..., axis] - expected[..., axis]
        np.testing.assert_allclose(difference, difference.mean(), atol=1e-5)


def test_a_floor_elsewhere(motion, body):
    rest_pelvis = body.rest_pelvis(torch.as_tensor(motion.betas)).numpy()
    raised = motion.change_frame(np.eye(3), np.array((0.0, 7.0, 0.0)), rest_pelvis, "world", "y")
    assert stand_up(raised, body).joints(body)[:, :22, 1].min() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("as_given", [lambda motion, body: motion.to_world_up("z", body), before_a_camera])
def test_clips_are_those_of_the_upright_motion(motion, body, as_given):
    settings = ClipSettings(frames=9, size=32)
    expected, found = (
        ClipSource([("a", one)], settings, seed=2, body=body) for one in (motion, as_given(motion, body))
    )
    for index in range(4):
        clips = [body.joints(**source.parameters(index)) for source in (expected, found)]
        aligned = [joints - joints[:, :1] for joints in clips]
        torch.testing.assert_close(*aligned, atol=0.03, rtol=0)
        pelvis = [joints[:, 0] for joints in clips]
        torch.testing.assert_close(*pelvis, atol=0.15, rtol=0)


def test_clips_in_the_world(motion, body):
    settings = ClipSettings(frames=9, mirror=False, shape=0.0)
    source = ClipSource([("a", motion)], settings, seed=0, body=body)
    for index in range(3):
        joints = body.joints(**source.parameters(index, "world"))
        assert float((joints[:, 15] - joints[:, 0])[:, 1].min()) > 0.3  # the head is above the pelvis
        assert float(joints[:, :22, 1].min()) == pytest.approx(0, abs=0.25)
