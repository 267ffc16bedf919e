# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math
import warnings

import pytest
import torch
from metric_goldens import EXPECTED, load_golden

from unimo_hf.metrics.distribution import diversity, frechet_distance, normalise_features

GOLDEN = {"rel": 1e-4}


@pytest.fixture(scope="module")
def golden():
    return load_golden("fid")


@pytest.mark.parametrize("kind", ["kinetic", "manual"])
def test_golden(golden, kind):
    generated, real = golden[f"pred_{kind}"], golden[f"gt_{kind}"]
    sets = normalise_features(generated, real)
    expected = EXPECTED["fid"]
    assert frechet_distance(*sets) == pytest.approx(expected[f"fid_{kind}"], **GOLDEN)
    assert frechet_distance(generated, real) == pytest.approx(expected[f"fid_{kind}_unnormalised"], **GOLDEN)
    assert diversity(sets.generated) == pytest.approx(expected[f"div_{kind}"], **GOLDEN)
    assert diversity(sets.generated) == pytest.approx(expected[f"div2_{kind}"], **GOLDEN)
    assert diversity(sets.real) == pytest.approx(expected[f"div_gt_{kind}"], **GOLDEN)


def test_fewer_motions_than_features_golden(golden):
    sets = normalise_features(golden["pred_kinetic"][:30], golden["gt_kinetic"][:40])
    expected = EXPECTED["fid"]
    with pytest.warns(UserWarning, match="from 30 motions is too large; it needs 73"):
        assert frechet_distance(*sets) == pytest.approx(expected["fid_small_kinetic"], **GOLDEN)
    assert diversity(sets.generated) == pytest.approx(expected["div_small_kinetic"], **GOLDEN)
    assert diversity(sets.real) == pytest.approx(expected["div_gt_small_kinetic"], **GOLDEN)


def test_a_set_has_no_distance_from_itself_golden(golden):
    sets = normalise_features(golden["gt_kinetic"], golden["gt_kinetic"])
    assert abs(frechet_distance(*sets)) < 1e-6
    assert EXPECTED["fid"]["fid_identical_kinetic"] == pytest.approx(0, abs=1e-6)


def test_frechet_distance_by_hand():
    points = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # covariance 2/3
    assert frechet_distance(points + torch.tensor([3.0, 4]), points) == pytest.approx(25)
    assert frechet_distance(points * 2, points) == pytest.approx(2 * (2 / 3) * (2 - 1) ** 2)
    assert frechet_distance(points * torch.tensor([1.0, 3]), points) == pytest.approx((2 / 3) * (3 - 1) ** 2)


def test_diversity_by_hand():
    assert diversity(torch.tensor([[0.0, 0], [3, 4], [0, 0]])) == pytest.approx(10 / 3)


def test_a_feature_that_is_constant_in_the_real_set():
    real = torch.tensor([[0.1, 5.0], [0.1, 7.0], [0.1, 9.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = normalise_features(real, real)
        assert torch.isfinite(same.generated).all()
        dropped = normalise_features(real + 0.2, real, drop_constant=True)
    assert dropped.real.shape == (3, 1)
    with pytest.warns(UserWarning, match=r"Features \[0\] are the same in all 3 real motions"):
        assert normalise_features(real + 0.2, real).generated[:, 0].min() > 1e8


def test_one_motion():
    one = torch.ones(1, 4)
    with pytest.warns(UserWarning, match="no diversity"):
        assert diversity(one) == 0
    with pytest.raises(ValueError, match="needs 2 of each"):
        frechet_distance(one, torch.randn(5, 4))
    assert torch.isfinite(normalise_features(one, one).generated).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diversity(torch.zeros(3)), r"at least 1 motion, features"),
        (lambda: diversity(torch.full((2, 2), math.nan)), "not finite"),
        (lambda: normalise_features(torch.zeros(2, 3), torch.zeros(2, 4)), "3 generated features and 4 real"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
