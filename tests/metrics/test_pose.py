# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
import torch
from metric_goldens import EXPECTED, assert_near, load_golden

from unimo_hf.metrics.pose import accel, joint_speed, mpjpe, pa_mpjpe, pve

JOINT_SETS = {"j24": "smpl24", "j14": "lsp14"}


@pytest.fixture(scope="module")
def camera() -> dict[str, torch.Tensor]:
    return load_golden("camera")


def joints(camera, suffix):
    number = suffix.removeprefix("j")
    return camera[f"pred_joints{number}"], camera[f"gt_joints{number}"]


def check(values, exact, mean, tolerance=0.01):
    assert_near(values, exact, tolerance)
    assert values.mean().item() == pytest.approx(mean, abs=tolerance)


@pytest.mark.parametrize("suffix", JOINT_SETS)
def test_mpjpe_golden(camera, suffix):
    values = mpjpe(*joints(camera, suffix), JOINT_SETS[suffix])
    check(values, camera[f"exp_mpjpe_{suffix}"], EXPECTED["camera"][f"mpjpe_{suffix}_mm"])


@pytest.mark.parametrize("suffix", JOINT_SETS)
def test_pa_mpjpe_golden(camera, suffix):
    values = pa_mpjpe(*joints(camera, suffix))
    check(values, camera[f"exp_pa_mpjpe_{suffix}"], EXPECTED["camera"][f"pa_mpjpe_{suffix}_mm"])


def test_pa_mpjpe_of_a_mirrored_prediction_golden(camera):
    values = pa_mpjpe(camera["pred_joints24_mirrored"], camera["gt_joints24"])
    check(values, camera["exp_pa_mpjpe_mirrored"], EXPECTED["camera"]["pa_mpjpe_mirrored_j24_mm"])


@pytest.mark.parametrize("suffix", JOINT_SETS)
def test_pve_golden(camera, suffix):
    values = pve(camera["pred_verts"], camera["gt_verts"], *joints(camera, suffix), JOINT_SETS[suffix])
    check(values, camera[f"exp_pve_{suffix}"], EXPECTED["camera"][f"pve_{suffix}_mm"])


@pytest.mark.parametrize("suffix", JOINT_SETS)
def test_accel_golden(camera, suffix):
    values = accel(*joints(camera, suffix), 30, joint_set=JOINT_SETS[suffix])
    check(values, camera[f"exp_accel_untrimmed_{suffix}"], EXPECTED["camera"][f"accel_gvhmr_{suffix}_m_s2"])
    trimmed = accel(*joints(camera, suffix), 30, joint_set=JOINT_SETS[suffix], variant="wham")
    check(trimmed, camera[f"exp_accel_untrimmed_{suffix}"][1:-1], EXPECTED["camera"][f"accel_wham_{suffix}_m_s2"])


def test_accel_of_visible_frames_golden(camera):
    values = accel(*joints(camera, "j24"), 30, joint_set="smpl24", aligned=False, visible=camera["vis_mask"])
    check(values, camera["exp_accel_masked_j24"], EXPECTED["camera"]["accel_masked_noalign_j24_m_s2"])


def test_a_batch_equals_its_clips(camera):
    predicted, target = (part[:40].unflatten(0, (2, 20)) for part in joints(camera, "j24"))
    batched = accel(predicted, target, 30, joint_set="smpl24")
    assert batched.shape == (2, 18)
    torch.testing.assert_close(batched[1], accel(predicted[1], target[1], 30, joint_set="smpl24"))
    torch.testing.assert_close(pa_mpjpe(predicted, target)[1], pa_mpjpe(predicted[1], target[1]))


def body(frames: int = 1) -> torch.Tensor:
    return torch.randn(frames, 22, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_mpjpe_by_hand():
    target = body()
    predicted = target + torch.tensor([5.0, -2.0, 9.0])  # a shift does not count
    predicted[0, 15] += torch.tensor([0.0, 0.3, 0.4])  # one of 22 joints is off by 0.5 m
    assert mpjpe(predicted, target).item() == pytest.approx(500 / 22)
    predicted[0, 1] += torch.tensor([0.2, 0.0, 0.0])  # a hip moves: the root with it, by 0.1 m
    by_hand = (19 * 0.1 + 0.1 + 0.1 + math.hypot(0.1, 0.3, 0.4)) / 22 * 1000
    assert mpjpe(predicted, target).item() == pytest.approx(by_hand)


def test_pa_mpjpe_removes_a_similarity_but_not_a_reflection():
    target = body(3)
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -1, 2], [1, 0, -0.5], [-2, 0.5, 0]], dtype=torch.float64))
    assert pa_mpjpe(0.3 * target @ turn.T + 4, target).max() < 1e-9
    assert pa_mpjpe(target * torch.tensor([-1.0, 1, 1]), target).min() > 100


def test_pve_takes_the_root_of_the_joints():
    joints, vertices = body(), torch.zeros(1, 4, 3)
    shift = torch.tensor([0.0, 0.0, 2.0])
    assert pve(vertices + shift, vertices, joints + shift, joints).item() == pytest.approx(0, abs=1e-9)
    assert pve(vertices + shift, vertices, joints, joints).item() == pytest.approx(2000)


def test_accel_by_hand():
    time = torch.arange(6, dtype=torch.float64)[:, None, None] / 10
    target = body().expand(6, -1, -1)
    predicted = target + 0.5 * 3.0 * time**2 * torch.tensor([1.0, 0, 0])  # all joints fall with 3 m/s²
    assert accel(predicted, target, 10).abs().max() < 1e-9  # the root falls too
    torch.testing.assert_close(accel(predicted, target, 10, aligned=False), torch.full((4,), 3.0).double())
    assert accel(predicted, target, 10, aligned=False, variant="wham").shape == (2,)


def test_joint_speed_by_hand():
    joints = body().expand(5, -1, -1) + torch.arange(5)[:, None, None] * torch.tensor([0.03, 0.0, 0.04])
    torch.testing.assert_close(joint_speed(joints, 15), torch.full((4,), 0.75).double())
    assert joint_speed(joints, 15, aligned=True).max() < 1e-9


@pytest.mark.parametrize(
    "metric",
    [
        mpjpe,
        pa_mpjpe,
        lambda predicted, target: pve(predicted, target, predicted, target),
        lambda predicted, target: accel(predicted, target, 30),
        lambda predicted, target: accel(predicted, target, 30, aligned=False),
        lambda predicted, _: joint_speed(predicted, 30),
    ],
)
def test_float32_is_computed_in_float64(metric):
    # A kilometre away, where float32 has steps of 0.06 mm.
    predicted, target = body(6).float() + 1000, body(6).flip(0).float() + 1000
    found = metric(predicted, target)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, metric(predicted.double(), target.double()), atol=1e-9, rtol=0)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_a_short_clip_has_no_acceleration(frames):
    with pytest.warns(UserWarning, match=f"{frames} frames"):
        assert accel(body(frames), body(frames), 30).shape == (0,)
    assert mpjpe(body(frames), body(frames)).shape == (frames,)
    assert pa_mpjpe(body(frames), body(frames)).shape == (frames,)


def test_nothing_visible_warns():
    with pytest.warns(UserWarning, match="visible"):
        assert accel(body(4), body(4), 30, visible=torch.tensor([1, 1, 0, 1]).bool()).shape == (0,)


def test_coinciding_points_are_put_on_the_centre():
    target = body()
    with pytest.warns(UserWarning, match="coincide"):
        error = pa_mpjpe(torch.ones(1, 22, 3), target)
    spread = (target - target.mean(dim=1, keepdim=True)).norm(dim=-1).mean() * 1000
    assert error.item() == pytest.approx(spread.item())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mpjpe(body(2), body(3)), "must be equal"),
        (lambda: mpjpe(body()[:, :14], body()[:, :14]), r"\(\.\.\., T, 22, 3\)"),
        (lambda: mpjpe(body() * torch.nan, body()), "not finite"),
        (lambda: mpjpe(body(), body(), "coco17"), "coco17"),
        (lambda: accel(body(5), body(5), 0), "fps is 0"),
        (lambda: accel(body(5), body(5), 30, variant="slahmr"), "slahmr"),
        (lambda: accel(body(5), body(5), 30, visible=torch.ones(4).bool()), r"must be \(5,\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
