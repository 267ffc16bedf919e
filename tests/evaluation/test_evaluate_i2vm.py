# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json

import pytest
import torch
from evaluation_fakes import FakePipeline, make_motion, read_clip, write_clips

from unimo_hf.evaluation.evaluate_i2vm import evaluate_i2vm

CLIPS = 5
pytestmark = pytest.mark.filterwarnings("ignore:FID of", "ignore:There are too few motions")


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path, CLIPS)


def evaluate(clips, pipeline, **options):
    options = {"model": "fake", "camera": "front", "batch_size": 2, "read": read_clip, "progress": False} | options
    return evaluate_i2vm(pipeline, clips, **options)


def test_a_motion_that_fits_its_video_scores_zero(clips):
    result = evaluate(clips, FakePipeline(CLIPS))
    assert max(result["metrics"][name] for name in ("mpjpe", "pa_mpjpe", "pve", "accel")) < 1e-3
    assert result["metrics"]["speed_ratio"] == pytest.approx(1)
    assert result["metrics"]["speed"] == result["baselines"]["real_clips"]["speed"] > 0.1
    assert result["units"]["speed"] == "m/s"
    json.dumps(result, allow_nan=False)


def test_other_clips_videos_are_what_chance_gives(clips):
    by_two, by_one, at_once = (evaluate(clips, FakePipeline(CLIPS), batch_size=size) for size in (2, 1, 5))
    others = by_two["baselines"]["other_clip"]
    assert others["mpjpe"] > 10
    for result in (by_one, at_once):
        assert result["baselines"]["other_clip"] == pytest.approx(others)
    assert "other_clip" not in evaluate(clips[:1], FakePipeline(CLIPS))["baselines"]


def test_twice_the_path_is_twice_the_speed(clips):
    pipeline = FakePipeline(CLIPS)
    pipeline.motions = [
        type(motion)(motion.body_pose, motion.global_orient, 2 * motion.transl, motion.betas, motion.fps)
        for motion in pipeline.motions
    ]
    metrics = evaluate(clips, pipeline)["metrics"]
    assert metrics["speed_ratio"] == pytest.approx(2, rel=1e-4)
    assert metrics["speed_in_place"] < 1e-3


def test_real_clips_that_stand_still_have_no_ratio(tmp_path):
    clips = write_clips(tmp_path, 2, still=True)
    result = evaluate(clips, FakePipeline(2))
    assert result["metrics"]["speed_ratio"] is None
    json.dumps(result, allow_nan=False)


def test_the_generated_video_is_looked_at_in_8_bit(clips):
    pipeline = FakePipeline(CLIPS)
    seen, asked = [], []
    encode, generate = pipeline.encode_video, pipeline.generate_codes
    pipeline.encode_video = lambda video: seen.append(video) or encode(video)
    pipeline.generate_codes = lambda *args, **options: asked.append((args[0], options)) or generate(*args, **options)
    pipeline.decode_video = lambda codes: torch.full((len(codes), 3, 9, 16, 16), 1.7)
    evaluate(clips, pipeline, v2m_do_sample=True, seed=9)
    assert all((video == 1).all() for video in seen if video.shape[2] > 1)
    options = [options for task, options in asked if task == "v2m"]
    assert options == [{"do_sample": True, "seed": 9 + number} for number in range(3)]


def test_a_motion_that_ignores_its_video_is_found_out(clips):
    pipeline = FakePipeline(CLIPS)
    decode, calls = pipeline.decode_motion, []

    def decode_motion(codes):
        calls.append(codes)
        return (
            [make_motion(70)] * len(codes) if len(calls) % 2 else decode(codes)
        )  # first the generated, then the seen

    pipeline.decode_motion = decode_motion
    assert evaluate(clips, pipeline)["metrics"]["mpjpe"] > 10
