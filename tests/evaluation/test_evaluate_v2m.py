# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json

import pytest
import torch
from evaluation_fakes import FRAMES, FakePipeline, make_motion, make_statistics, make_video, read_clip, write_clips

from unimo_hf.evaluation.evaluate_v2m import evaluate_v2m
from unimo_hf.evaluation.training_statistics import TrainingClip, build_training_statistics
from unimo_hf.model.pixel_range import to_model_range

CLIPS = 5
pytestmark = pytest.mark.filterwarnings("ignore:There is no value of foot_sliding")


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path, CLIPS)


def evaluate(clips, pipeline=None, **options):
    options = {"model": "fake", "camera": "front", "batch_size": 2, "read": read_clip, "progress": False} | options
    return evaluate_v2m(pipeline or FakePipeline(CLIPS), clips, **options)


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_a_perfect_model_scores_zero_and_one_that_stands_still_does_not(clips):
    result = evaluate(clips, seed=7)
    metrics = dict(result["metrics"])
    assert metrics.pop("foot_sliding") is None  # the doll never stands still
    assert metrics.pop("jitter") == pytest.approx(metrics.pop("true_jitter"), rel=1e-3)
    assert set(metrics) == {"mpjpe", "pa_mpjpe", "pve", "accel", "wa_mpjpe100", "w_mpjpe100", "rte"}
    assert max(metrics.values()) < 1e-2
    assert result["decodings"]["greedy"] == result["metrics"]
    # The frozen motions are true but for the path of the root, which the alignment removes.
    assert result["decodings"]["sampled"]["mpjpe"] < 1e-3
    assert result["decodings"]["sampled"]["rte"] > 1
    assert result["decodings"]["sampled"]["w_mpjpe100"] > 10
    assert (result["clips"], result["frames"], result["fps"], result["seed"]) == (CLIPS, CLIPS * FRAMES, 15.0, 7)
    assert result["units"]["accel"] == "m/s²"
    assert result["protocol"]["pve"]["points"] == "22 vertices"
    assert result["failures"] == []
    json.dumps(result, allow_nan=False)


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_errors_of_the_default_decoding_are_the_headline(clips):
    pipeline = FakePipeline(CLIPS)
    pipeline.frozen = [make_motion(50)] * CLIPS
    greedy, sampled = (evaluate(clips, pipeline, default_decoding=name) for name in ("greedy", "sampled"))
    assert greedy["metrics"]["mpjpe"] < 1e-3 < 10 < sampled["metrics"]["mpjpe"]
    assert sampled["metrics"] == sampled["decodings"]["sampled"] == greedy["decodings"]["sampled"]
    assert sampled["standard_errors"]["mpjpe"] > 0


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_batches_have_different_seeds_and_the_same_every_time(clips):
    pipeline = FakePipeline(CLIPS)
    evaluate(clips, pipeline, seed=3, decodings=["sampled"], default_decoding="sampled")
    assert pipeline.seeds == [3, 4, 5]


def test_baselines_stand_next_to_the_model(clips):
    pipeline = FakePipeline(CLIPS)
    videos = to_model_range(torch.stack([torch.as_tensor(make_video(number)) for number in range(CLIPS)]))
    codes = pipeline.encode_video(videos)
    # The training set holds the looks of the test clips, each with the motion of another one but for clip 0.
    training = [
        TrainingClip("front", make_motion(number if number < 1 else 60), codes[number]) for number in range(CLIPS)
    ]
    statistics = build_training_statistics(training, pipeline.body)
    result = evaluate(clips, pipeline, statistics=statistics)
    assert set(result["baselines"]) == {"constant", "mean_pose", "nearest_clip"}
    assert set(result["baselines"]["constant"]) == {"mpjpe", "pa_mpjpe", "accel"}
    assert set(result["baselines"]["nearest_clip"]) == {"mpjpe", "pa_mpjpe", "pve", "accel"}
    assert all(numbers["mpjpe"] > 10 for numbers in result["baselines"].values())
    only_first = evaluate(clips[:1], pipeline, statistics=statistics)
    assert only_first["baselines"]["nearest_clip"]["mpjpe"] < 1e-3
    assert only_first["baselines"]["nearest_clip"]["pve"] < 1e-3


def test_a_missing_baseline_warns(clips):
    with pytest.warns(UserWarning, match="no baselines"):
        assert evaluate(clips)["baselines"] == {}
    with pytest.warns(UserWarning, match="no constant"):
        assert set(evaluate(clips, camera="around", statistics=make_statistics())["baselines"]) == {"mean_pose"}
    other_length = [TrainingClip("front", make_motion(0, frames=17), torch.zeros(3, 2, 2).long())]
    with pytest.warns(UserWarning, match="17 frames at 15 fps"):
        found = evaluate(clips, statistics=build_training_statistics(other_length, FakePipeline(1).body))
    assert set(found["baselines"]) == {"constant", "mean_pose"}


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_a_clip_is_encoded_once(clips, monkeypatch):
    pipeline, seen = FakePipeline(CLIPS), []
    encode = pipeline.encode_video
    monkeypatch.setattr(pipeline, "encode_video", lambda video: seen.append(len(video)) or encode(video))
    evaluate(clips, pipeline)
    assert seen == [2, 2, 1]


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_failures_are_reported(clips):
    clips[3].motion_path.unlink()
    result = evaluate(clips)
    assert result["clips"] == CLIPS - 1
    assert result["failures"][0]["input"].endswith("3.mp4")


@pytest.mark.parametrize(
    "options", [{"decodings": ["beam"]}, {"default_decoding": "beam"}, {"decodings": ["sampled"]}, {"decodings": []}]
)
def test_unknown_decodings_are_refused(clips, options):
    with pytest.raises(ValueError, match="greedy"):
        evaluate(clips, **options)
