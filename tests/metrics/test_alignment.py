# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from metric_goldens import assert_near, load_golden

from unimo_hf.metrics.alignment import fit_similarity, procrustes_align
from unimo_hf.metrics.pose import pa_mpjpe


@pytest.fixture(scope="module")
def world():
    return load_golden("world")


def body(frames: int = 1) -> torch.Tensor:
    return torch.randn(frames, 22, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_procrustes_align_golden():
    camera = load_golden("camera")
    aligned = procrustes_align(camera["pred_joints24"], camera["gt_joints24"])
    assert_near(aligned, camera["exp_procrustes_aligned_j24"], 1e-5)


def test_similarity_golden(world):
    found = fit_similarity(world["pred_joints24"].flatten(0, 1), world["gt_joints24"].flatten(0, 1))
    assert_near(found.scale[None], world["exp_umeyama_scale"], 1e-4)
    assert_near(found.rotation, world["exp_umeyama_R"], 1e-4)
    assert_near(found.translation, world["exp_umeyama_t"], 1e-3)


def test_rigid_alignment_golden(world):
    found = fit_similarity(world["pred_joints24"][:, 0], world["gt_joints24"][:, 0], with_scale=False)
    assert found.scale == 1
    assert_near(found.rotation, world["exp_rigid_R"], 1e-4)
    assert_near(found.translation, world["exp_rigid_t"], 1e-3)


def test_a_similarity_is_found_again():
    turn = torch.linalg.matrix_exp(torch.tensor([[0.0, -1, 2], [1, 0, -0.5], [-2, 0.5, 0]], dtype=torch.float64))
    scale, shift = torch.tensor([0.3, 2.0]).double(), torch.tensor([[1.0, 2, 3], [0, 0, -4]]).double()
    points = body(2)
    found = fit_similarity(points, scale[:, None, None] * points @ turn.T + shift[:, None])
    assert_near(found.scale, scale, 1e-12)
    assert_near(found.rotation, turn.expand(2, -1, -1), 1e-12)
    assert_near(found.translation, shift, 1e-12)


@pytest.mark.filterwarnings("error")
def test_degenerate_targets_and_flat_bodies_stay_finite():
    flat = body(2) * torch.tensor([1.0, 1.0, 0.0])
    line = body(2) * torch.tensor([1.0, 0.0, 0.0])
    point = torch.zeros(2, 22, 3)
    for target in (flat, line, point):
        assert torch.isfinite(pa_mpjpe(body(2), target)).all()
        assert torch.isfinite(pa_mpjpe(flat, target)).all()


def test_coinciding_points_are_put_on_the_centre():
    target = body()
    with pytest.warns(UserWarning, match="coincide"):
        aligned = procrustes_align(torch.ones(1, 22, 3), target)
    assert_near(aligned, target.mean(dim=1, keepdim=True).expand_as(target), 1e-12)
