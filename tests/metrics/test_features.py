# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
import torch
from metric_goldens import assert_near, load_golden

from unimo_hf.metrics.features import (
    JOINTS,
    UPPER_ARM,
    feature_joints,
    kinetic_features,
    manual_features,
)

SEQUENCES = range(4)


@pytest.fixture(scope="module")
def golden():
    return load_golden("features")


@pytest.mark.parametrize("number", SEQUENCES)
def test_features_golden(golden, number):
    joints = golden[f"seq{number}_joints55"]
    assert_near(feature_joints(joints), golden[f"seq{number}_joints24_centred"], 1e-5)
    for centred, suffix in ((True, ""), (False, "_uncentred")):
        reduced = feature_joints(joints, centred)
        kinetic = golden[f"exp_seq{number}_kinetic{suffix}"]
        assert_near(kinetic_features(reduced), kinetic, 1e-5 * kinetic.abs().max().item())
        assert_near(manual_features(reduced), golden[f"exp_seq{number}_manual{suffix}"], 1e-6)


def test_a_batch_equals_its_clips(golden):
    batch = torch.stack([golden[f"seq{number}_joints55"][:20] for number in SEQUENCES])
    for features in (kinetic_features, manual_features):
        assert_near(features(feature_joints(batch))[2], features(feature_joints(batch[2])), 1e-9)


def standing(frames: int = 6) -> torch.Tensor:
    return feature_joints(torch.randn(1, 55, 3, generator=torch.Generator().manual_seed(3)).expand(frames, -1, -1))


def test_kinetic_by_hand():
    time = torch.arange(6, dtype=torch.float64)[:, None] / 60
    joints = standing()
    joints[:, 5] += time * torch.tensor([3.0, 0.5, 4.0])  # a constant velocity
    joints[:, 9] += 0.5 * time**2 * torch.tensor([0.0, 7.0, 0.0])  # a constant acceleration
    exact = kinetic_features(joints, exact=True).unflatten(0, (24, 3))
    assert_near(exact[5], torch.tensor([25, 0.25, 0]), 1e-6)
    assert exact[9, 2].item() == pytest.approx(7)
    assert exact[7].abs().max() < 1e-6
    # The original's expenditure sees where a joint that stands still is; the exact one does not.
    assert kinetic_features(standing()).unflatten(0, (24, 3))[7, 2] > 100


def test_manual_by_hand():
    joints = standing()
    still = manual_features(joints)
    assert set(still.tolist()) <= {0.0, 1.0}
    assert still[[14 - 1, 14 - 2, 31]].tolist() == [0, 0, 0]  # nothing is fast
    step = 2.6 * UPPER_ARM / 120
    joints[3:, JOINTS["rwrist"]] += torch.tensor([0.0, 0.0, step])
    assert manual_features(joints)[12].item() == pytest.approx(1 / 5)  # in one of five frames
    joints[3:] += torch.tensor([step, 0.0, 0.0])
    assert manual_features(joints)[31].item() == pytest.approx(1 / 5)


def test_joints_that_coincide_hold_no_statement():
    features = manual_features(torch.zeros(4, 24, 3))
    assert torch.isfinite(features).all()
    assert features.tolist()[6:8] == [0, 0]  # no angle at the elbow


def test_the_two_shortest_clips(golden):
    joints = golden["seq0_joints55"]
    for features in (kinetic_features, manual_features):
        assert torch.isfinite(features(feature_joints(joints[:3]))).all()
        with pytest.raises(ValueError, match="T at least 3"):
            features(feature_joints(joints[:2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: feature_joints(torch.zeros(4, 24, 3)), r"\(\.\.\., T, 55, 3\)"),
        (lambda: kinetic_features(torch.zeros(4, 22, 3)), r"\(\.\.\., T, 24, 3\)"),
        (lambda: manual_features(torch.full((4, 24, 3), math.nan)), "not finite"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
