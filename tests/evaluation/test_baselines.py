# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
import torch

from unimo_hf.evaluation import baselines
from unimo_hf.metrics import pose as metrics_pose
from unimo_hf.model.motion_features import axis_angle_to_matrix

LEVELS = (8, 5)


def test_constant_repeats_the_mean():
    mean = torch.arange(66.0).reshape(22, 3)
    joints = baselines.constant_joints(mean, 4)
    assert joints.shape == (4, 22, 3)
    assert (joints == mean).all()
    with pytest.raises(ValueError, match=r"\(22, 3\)"):
        baselines.constant_joints(mean[:21], 4)


def test_mean_pose_turns_with_the_root():
    mean = torch.zeros(22, 3)
    mean[15] = torch.tensor([0.0, 1.0, 0.0])  # a head above the hips
    quarter_turns = torch.tensor([[0.0, 0.0, 0.0], [math.pi / 2, 0, 0], [math.pi, 0, 0]])
    head = baselines.mean_pose_joints(mean, quarter_turns)[:, 15]
    torch.testing.assert_close(head, torch.tensor([[0, 1, 0], [0, 0, 1], [0, -1, 0]]).double(), atol=1e-7, rtol=0)


def test_pelvis_frame_and_mean_pose_are_inverse():
    generator = torch.Generator().manual_seed(0)
    rest, turn = torch.randn(22, 3, generator=generator), torch.randn(5, 3, generator=generator)
    joints = rest @ axis_angle_to_matrix(turn).mT + 3
    seen = baselines.joints_in_pelvis_frame(joints, turn)
    torch.testing.assert_close(seen[0], seen[4], atol=1e-5, rtol=0)
    assert metrics_pose.mpjpe(baselines.mean_pose_joints(seen[2], turn), joints.double()).max() < 1e-2


def test_code_vectors_by_hand():
    # Index = d0 + 8 d1; code = (digit - levels // 2) / (levels // 2).
    vectors = baselines.code_vectors(torch.tensor([0, 7, 39, 4 + 8 * 2]), LEVELS)
    torch.testing.assert_close(vectors, torch.tensor([[-1, -1], [0.75, -1], [0.75, 1], [0, 0]]))
    with pytest.raises(ValueError, match="0 to 39"):
        baselines.code_vectors(torch.tensor([40]), LEVELS)


def test_code_vectors_are_those_of_the_video_tokenizer():
    from unimo_hf.model.finite_scalar_quantizer import FiniteScalarQuantizer

    levels = (8, 8, 8, 5, 5, 5)
    quantizer = FiniteScalarQuantizer(list(levels))
    quantizer.basis.copy_(quantizer.compute_basis())
    quantizer.level_sizes.copy_(torch.tensor(levels))
    codes = torch.randint(64000, (2, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    expected = quantizer.indices_to_codes(codes).movedim(1, -1)
    torch.testing.assert_close(baselines.code_vectors(codes, levels), expected)


def test_nearest_clip_by_hand():
    bank = torch.tensor([[0, 0], [7, 0], [39, 39]]).reshape(3, 2, 1, 1)
    queries = torch.tensor([[6, 0], [38, 39], [0, 0]]).reshape(3, 2, 1, 1)
    indices, distances = baselines.nearest_clips(queries, bank, LEVELS)
    assert indices.tolist() == [1, 2, 0]
    torch.testing.assert_close(distances, torch.tensor([0.25, 0.25, 0.0]))


def test_nearest_clip_does_not_depend_on_the_chunks(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    bank, queries = (torch.randint(40, (n, 2, 3, 3), generator=generator) for n in (23, 7))
    bank[20] = bank[4] = queries[0]  # of two equal clips the first is taken
    expected = baselines.nearest_clips(queries, bank, LEVELS)
    monkeypatch.setattr(baselines, "QUERY_CHUNK", 3)
    monkeypatch.setattr(baselines, "BANK_CHUNK", 5)
    found = baselines.nearest_clips(queries, bank, LEVELS)
    assert found[0].tolist() == expected[0].tolist()
    assert found[0][0] == 4


@pytest.mark.parametrize("bank", [torch.zeros(0, 2, 1, 1), torch.zeros(3, 1, 1, 1)])
def test_nearest_clip_needs_a_bank_of_the_same_shape(bank):
    with pytest.raises(ValueError, match="at least one clip"):
        baselines.nearest_clips(torch.zeros(1, 2, 1, 1).long(), bank.long(), LEVELS)


def test_no_query_finds_nothing():
    indices, distances = baselines.nearest_clips(
        torch.zeros(0, 2, 1, 1).long(), torch.zeros(1, 2, 1, 1).long(), LEVELS
    )
    assert indices.shape == distances.shape == (0,)


def test_video_baselines():
    video = torch.zeros(1, 2, 2, 2, 3, dtype=torch.uint8)
    video[0, 1] = torch.tensor([10, 20, 30], dtype=torch.uint8)
    assert baselines.mean_colour_video(video)[0, 0, 1, 1].tolist() == [5, 10, 15]
    assert baselines.first_frame_video(video).sum() == 0
