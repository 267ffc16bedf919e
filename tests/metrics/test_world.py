# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from metric_goldens import EXPECTED, assert_near, load_golden

from unimo_hf.metrics import world as metrics_world


@pytest.fixture(scope="module")
def world():
    return load_golden("world")


def path(frames: int, step: float = 0.01) -> torch.Tensor:
    """A body of 22 joints that walks along x."""
    joints = torch.randn(22, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return joints + torch.arange(frames)[:, None, None] * torch.tensor([step, 0, 0])


@pytest.mark.parametrize("name", ["w_mpjpe", "wa_mpjpe"])
def test_chunks_golden(world, name):
    values = getattr(metrics_world, name)(world["pred_joints24"], world["gt_joints24"])
    assert_near(values, world[f"exp_{name}"], 0.01)
    assert values.mean().item() == pytest.approx(EXPECTED["world"][f"{name}100_mm"], abs=0.01)


def test_rte_golden(world):
    values = metrics_world.rte(world["pred_joints24"][:, 0], world["gt_joints24"][:, 0])
    assert_near(values, world["exp_rte"], 0.01)
    assert values.mean().item() == pytest.approx(EXPECTED["world"]["rte_percent"], abs=0.01)


@pytest.mark.parametrize("name", ["pred", "gt"])
def test_jitter_golden(world, name):
    values = metrics_world.jitter(world[f"{name}_joints24"], 30)
    assert_near(values, world[f"exp_jitter_{name}"], 0.01)
    assert values.mean().item() == pytest.approx(EXPECTED["world"][f"jitter_{name}_10m_s3"], abs=0.01)


def test_foot_sliding_golden(world):
    values = metrics_world.foot_sliding(world["pred_feet"], world["gt_feet"])
    assert len(values) == metrics_world.foot_contacts(world["gt_feet"]).sum() == EXPECTED["world"]["foot_contacts"]
    assert_near(values, world["exp_foot_sliding"], 0.01)
    assert values.mean().item() == pytest.approx(EXPECTED["world"]["foot_sliding_mm"], abs=0.01)


def test_a_batch_equals_its_clips(world):
    predicted, target = (world[name][:220].unflatten(0, (2, 110)) for name in ("pred_joints24", "gt_joints24"))
    for name in ("w_mpjpe", "wa_mpjpe"):
        metric = getattr(metrics_world, name)
        assert_near(metric(predicted, target)[1], metric(predicted[1], target[1]), 1e-9)
    rte = metrics_world.rte(predicted[:, :, 0], target[:, :, 0])
    assert_near(rte[1], metrics_world.rte(predicted[1, :, 0], target[1, :, 0]), 1e-9)
    assert_near(metrics_world.jitter(target, 30)[1], metrics_world.jitter(target[1], 30), 1e-9)


def test_w_aligns_on_the_first_two_frames_of_each_chunk_only():
    target = path(150)
    predicted = target + torch.tensor([0.0, 5.0, 0.0])
    predicted[100:] += torch.tensor([0.0, 3.0, 0.0])  # a jump between chunks does not count
    assert metrics_world.w_mpjpe(predicted, target).max() < 1e-9
    predicted[102:, 0] += torch.tensor([0.022, 0.0, 0.0])
    values = metrics_world.w_mpjpe(predicted, target)
    assert values[:102].max() < 1e-9
    assert_near(values[102:], torch.ones(48), 1e-6)  # 22 mm in one of 22 joints
    assert metrics_world.wa_mpjpe(predicted, target)[100:].min() > 0.01


def test_rte_keeps_the_scale():
    target = path(11)[:, 0]
    assert metrics_world.rte(2 * target, target).max().item() == pytest.approx(50)
    assert metrics_world.rte(target.flip(-1) + 4, target).max() < 1e-4


def test_jitter_by_hand():
    time = torch.arange(6, dtype=torch.float64)[:, None, None] / 20
    joints = path(1).expand(6, -1, -1) + 30 * time**3 / 6 * torch.tensor([0.0, 1.0, 0.0])
    assert_near(metrics_world.jitter(joints, 20), torch.full((3,), 3.0), 1e-6)  # 30 m/s³


def test_foot_sliding_by_hand():
    target = torch.zeros(3, 4, 3)
    target[1:, 0, 0] = 0.5  # the left toe moves once, so the first step of it is no contact
    predicted = torch.zeros(3, 4, 3)
    predicted[1:, :2, 1] = 0.003
    assert_near(metrics_world.foot_sliding(predicted, target), torch.tensor([3.0, 0, 0, 0, 0, 0, 0]), 1e-6)
    assert metrics_world.foot_sliding(predicted, target, threshold=0.6).tolist()[:2] == pytest.approx([3.0, 3.0])


@pytest.mark.parametrize(
    "metric",
    [
        metrics_world.wa_mpjpe,
        metrics_world.w_mpjpe,
        lambda predicted, target: metrics_world.rte(predicted[:, 0], target[:, 0]),
        lambda predicted, _: metrics_world.jitter(predicted, 30),
        metrics_world.foot_sliding,
    ],
)
def test_float32_is_computed_in_float64(metric):
    # A kilometre away, where float32 has steps of 0.06 mm.
    predicted, target = (path(6, step).float() + 1000 for step in (0.02, 0.005))
    found = metric(predicted, target)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, metric(predicted.double(), target.double()), atol=1e-9, rtol=0)


def test_a_contact_is_found_in_float64():
    feet = torch.zeros(2, 4, 3)
    feet[1, :, 0] = 0.01  # which in float32 is a little less
    assert metrics_world.foot_contacts(feet).all()


def test_one_frame():
    one = path(1)
    assert metrics_world.wa_mpjpe(one + 1, one).max() < 1e-9
    with pytest.warns(UserWarning, match="shorter than 0.001 m"):
        assert metrics_world.rte(one[:, 0] + 1, one[:, 0]).tolist() == [0]
    with pytest.warns(UserWarning, match="1 frames has no jitter"):
        assert metrics_world.jitter(one, 30).shape == (0,)
    with pytest.warns(UserWarning, match="no foot sliding"):
        assert metrics_world.foot_sliding(one, one).shape == (0,)


def test_somebody_who_stands_has_a_finite_rte():
    still, moving = torch.zeros(3, 3), torch.tensor([[-0.001, 0, 0], [0, 0, 0], [0.001, 0, 0]])
    with pytest.warns(UserWarning, match="percent of 0.001 m"):
        assert_near(metrics_world.rte(moving, still), torch.tensor([100.0, 0, 100]), 1e-4)


def test_feet_that_never_stand():
    with pytest.warns(UserWarning, match="never stand"):
        assert metrics_world.foot_sliding(path(5, 0.02), path(5, 0.02)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics_world.wa_mpjpe(path(3), path(4)), "must be equal"),
        (lambda: metrics_world.w_mpjpe(path(1)[0], path(1)[0]), r"\(\.\.\., T, P, 3\)"),
        (lambda: metrics_world.rte(path(2)[:, 0] * torch.inf, path(2)[:, 0]), "not finite"),
        (lambda: metrics_world.jitter(path(5), 0), "fps is 0"),
        (lambda: metrics_world.foot_sliding(path(2)[..., :2], path(2)[..., :2]), r"\(\.\.\., P, 3\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
