# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch

from unimo_hf.evaluation.body_points import BodyPoints
from unimo_hf.evaluation.world_scores import WORLD_UNITS, WorldScores


def points(clips: int = 2, frames: int = 5, slide: float = 0.0, with_feet: bool = True) -> BodyPoints:
    """People whose pelvis walks; the feet stand, or slide by `slide` metres a frame."""
    joints = torch.randn(22, 3, generator=torch.Generator().manual_seed(0)).expand(clips, frames, -1, -1).clone()
    joints[..., 0] += torch.arange(frames)[:, None] * 0.1
    feet = torch.zeros(clips, frames, 4, 3)
    feet[..., 0] += torch.arange(frames)[:, None] * slide
    return BodyPoints(joints, feet=feet if with_feet else None)


def test_the_truth_scores_zero():
    scores = WorldScores()
    scores.add(points(), points(), fps=30)
    means = scores.means()
    assert set(means) == set(WORLD_UNITS) == set(scores.protocol())
    assert max(means.values()) < 0.02
    assert scores.clips == 2


@pytest.mark.parametrize("fps", [15, 29.97])
def test_jitter_is_measured_at_the_rate_of_the_clips(fps):
    predicted, target = points(), points()
    predicted.joints[:, :, 3:5, 1] += 110 * (torch.arange(5)[:, None] / fps) ** 3 / 6  # 2 of 22 joints: 110 m/s³
    target.joints[:, :, 3, 1] += 110 * (torch.arange(5) / fps) ** 3 / 6
    scores = WorldScores()
    scores.add(predicted, target, fps)
    means = scores.means()
    assert means["jitter"] == pytest.approx(1.0, abs=0.02)
    assert means["true_jitter"] == pytest.approx(0.5, abs=0.02)


def test_sliding_feet_of_each_clip():
    scores = WorldScores()
    predicted, target = points(slide=0.004), points()
    target.feet[1, :, :2, 1] = torch.arange(5)[:, None] * 0.02  # half of the second clip's feet move
    predicted.feet[1] *= 2
    scores.add(predicted, target, fps=30)
    assert scores.means()["foot_sliding"] == pytest.approx((4 * 16 + 8 * 8) / 24)
    # Of the means of the two clips, 4 and 8 mm: each has its own contacts.
    assert scores.standard_errors()["foot_sliding"] == pytest.approx(2.0)


def test_feet_that_are_not_known_are_left_out():
    scores = WorldScores()
    scores.add(points(with_feet=False), points(with_feet=False), fps=30)
    assert "foot_sliding" not in scores.means()


@pytest.mark.filterwarnings("ignore:A clip of 1 frames", "ignore:A true path")
def test_single_frames_have_a_defined_value():
    scores = WorldScores()
    scores.add(points(frames=1), points(frames=1), fps=30)
    with pytest.warns(UserWarning, match="no value of jitter"):
        means = scores.means()
    assert (means["jitter"], means["foot_sliding"]) == (None, None)
    assert means["rte"] == 0
