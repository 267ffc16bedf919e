# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
import torch
from evaluation_fakes import FakeBody, make_motion

from unimo_hf.evaluation.motion_distribution import DISTRIBUTION_UNITS, MotionDistribution, upright_joints
from unimo_hf.metrics.distribution import diversity, frechet_distance, normalise_features
from unimo_hf.metrics.features import kinetic_features, manual_features
from unimo_hf.motion.body import Body

pytestmark = pytest.mark.filterwarnings("ignore:FID of")


def distribution(made, real, batch=4):
    found, body = MotionDistribution(), FakeBody()
    for start in range(0, max(len(made), len(real)), batch):
        found.add(made[start : start + batch], real[start : start + batch], body)
    return found


def test_real_motions_are_at_no_distance_from_themselves():
    motions = [make_motion(number) for number in range(8)]
    found = distribution(motions, motions)
    numbers = found.metrics()
    assert set(numbers) == set(DISTRIBUTION_UNITS) == set(found.protocol())
    assert abs(numbers["fid_kinetic"]) < 1e-6
    assert numbers["div_kinetic"] == pytest.approx(found.real_metrics()["div_kinetic"])
    assert 5 < numbers["div_kinetic"] < 14  # about the root of twice 72
    assert found.protocol()["fid_manual"]["variant"] == "8 generated, 8 real"
    assert "of 32 manual features" in found.protocol()["fid_manual"]["points"]


def test_which_features_are_which_and_the_kinetic_pair_comes_first():
    made, real = ([make_motion(number) for number in numbers] for numbers in (range(8), range(20, 28)))
    found, joints = (
        distribution(made, real).metrics(),
        [upright_joints(motions, FakeBody()) for motions in (made, real)],
    )
    assert list(found) == ["fid_kinetic", "div_kinetic", "fid_manual", "div_manual"]
    for kind, features in (("kinetic", kinetic_features), ("manual", manual_features)):
        sets = normalise_features(*map(features, joints), drop_constant=True)
        assert found[f"fid_{kind}"] == pytest.approx(frechet_distance(*sets), rel=1e-6)
        assert found[f"div_{kind}"] == pytest.approx(diversity(sets.generated), rel=1e-6)
    assert found["fid_kinetic"] != pytest.approx(found["fid_manual"], rel=0.1)


def test_people_who_stand_still_are_far_from_real_ones():
    real = [make_motion(number) for number in range(8)]
    still = [make_motion(0, still=True)] * 8
    numbers = distribution(still, real).metrics()
    assert numbers["fid_kinetic"] > 20
    assert numbers["div_kinetic"] == 0


def test_the_camera_frame_is_turned_upright():
    body, motion = Body.load(), make_motion(3)
    joints = upright_joints([motion, motion.to_world_up("z", body)], body)
    torch.testing.assert_close(joints[0], joints[1], atol=1e-5, rtol=0)
    expected = motion.to_world_up("y", body).joints(body)
    np.testing.assert_allclose(joints[0, :, :22], (expected - expected[0, 0])[:, :22], atol=1e-5)
    # What is horizontal and what is vertical differs between y up and z up.
    assert kinetic_features(joints[0])[1] != pytest.approx(float(kinetic_features(joints[0][..., [0, 2, 1]])[1]))


@pytest.mark.parametrize("frames", [1, 2])
def test_clips_too_short_for_features(frames):
    motions = [make_motion(number, frames=frames) for number in range(3)]
    found = distribution(motions, motions)
    with pytest.warns(UserWarning, match="too few motions"):
        assert set(found.metrics().values()) == {None}
    assert found.real_metrics() == {}
    assert found.protocol()["fid_kinetic"]["variant"] == "too few motions, or too much alike"


def test_one_motion_alone():
    with pytest.warns(UserWarning, match="too few motions"):
        assert distribution([make_motion(0)], [make_motion(1)]).metrics()["fid_kinetic"] is None
