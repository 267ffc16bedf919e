# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
import torch
from metric_goldens import EXPECTED, assert_near, load_golden

from unimo_hf.metrics import video as metrics_video

VBENCH = EXPECTED["video"]


@pytest.fixture(scope="module")
def golden():
    return load_golden("video")


def test_consistency_golden(golden):
    values = metrics_video.feature_consistency(golden["frame_features"])
    assert values.shape == (11,)
    assert values.mean().item() == pytest.approx(VBENCH["subject_consistency"], abs=1e-6)
    assert values.mean().item() == pytest.approx(VBENCH["background_consistency"], abs=1e-6)


def test_aesthetic_quality_golden(golden):
    head = (golden["aesthetic_weight"], golden["aesthetic_bias"])
    value = metrics_video.aesthetic_quality(golden["frame_features"], *head)
    assert value.item() == pytest.approx(VBENCH["aesthetic_quality"], abs=1e-6)


def test_flickering_and_smoothness_golden(golden):
    frames = golden["frames_u8"]
    assert metrics_video.temporal_flickering(frames).item() == pytest.approx(VBENCH["temporal_flickering"], abs=1e-6)
    value = metrics_video.motion_smoothness(frames, golden["interpolated_odd_frames_u8"])
    assert value.item() == pytest.approx(VBENCH["motion_smoothness"], abs=1e-6)


def test_dynamic_degree_golden(golden):
    found = metrics_video.dynamic_degree(golden["flow"])
    assert_near(found.scores, golden["exp_flow_scores"], 1e-6)
    assert (found.threshold, found.needed) == (VBENCH["dynamic_threshold"], VBENCH["dynamic_count"])
    assert found.moves is VBENCH["dynamic_flag"]
    assert metrics_video.dynamic_degree(golden["flow"] * 0.02).moves is VBENCH["dynamic_flag_scaled_0p02"]


def test_psnr_by_hand():
    target = torch.zeros(2, 3, 4, 4, 3, dtype=torch.uint8)
    predicted = target.clone()
    predicted[1] = 255
    predicted[0, 0] = 51  # a fifth of the range in one of three frames
    by_clip = metrics_video.psnr(predicted, target)
    torch.testing.assert_close(by_clip, torch.tensor([10 * math.log10(75), 0.0]).double())
    with pytest.warns(UserWarning, match="equal"):
        by_frame = metrics_video.psnr(predicted, target, dimensions=3)
    torch.testing.assert_close(by_frame[0], torch.tensor([10 * math.log10(25), 100.0, 100.0]).double())


def test_flickering_of_a_batch_by_hand():
    videos = torch.zeros(2, 3, 4, 4, 3, dtype=torch.uint8)
    videos[1, 1] = 51
    assert metrics_video.temporal_flickering(videos).tolist() == pytest.approx([1.0, 0.8])
    with pytest.warns(UserWarning, match="one frame"):
        assert metrics_video.temporal_flickering(videos[:, :1]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics_video.psnr(torch.zeros(0, 4, 4, 3), torch.zeros(0, 4, 4, 3)), "none empty"),
        (lambda: metrics_video.motion_smoothness(torch.zeros(5, 4, 4, 3), torch.zeros(3, 4, 4, 3)), r"\(2, 4, 4, 3\)"),
        (lambda: metrics_video.dynamic_degree(torch.zeros(4, 3, 8, 8)), r"\(T - 1, 2, H, W\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
