# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from evaluation_fakes import FakeVideoFSQ

from unimo_hf.evaluation.evaluate_video_fsq import evaluate_video_fsq


def clips(count):
    return [SimpleNamespace(video_path=str(number), motion_path=None) for number in range(count)]


def evaluate(count, read, **options):
    return evaluate_video_fsq(FakeVideoFSQ(), clips(count), model="fake", read=read, progress=False, **options)


def grey(levels):
    """Frames of one grey each."""
    return np.broadcast_to(np.asarray(levels, np.uint8)[:, None, None, None], (len(levels), 16, 16, 3))


@pytest.mark.filterwarnings("ignore:Two pictures are equal")
def test_psnr_by_hand():
    # The fake tokenizer keeps frames 0 and 8 of 9 and paints 1...7 as frame 8: 7 frames are off by 51.
    result = evaluate(3, lambda _: grey([85] + [34] * 7 + [85]), batch_size=2)
    assert result["metrics"]["psnr"] == pytest.approx(10 * math.log10(25 * 9 / 7))
    assert result["baselines"]["first_frame"]["psnr"] == pytest.approx(10 * math.log10(25 * 9 / 7))
    mean = round((2 * 85 + 7 * 34) / 9)
    error = (2 * (85 - mean) ** 2 + 7 * (34 - mean) ** 2) / 9
    assert result["baselines"]["mean_colour"]["psnr"] == pytest.approx(10 * math.log10(255**2 / error))
    assert result["metrics"]["codebook_utilisation"] == pytest.approx(100 / 64)
    assert result["metrics"]["codebook_perplexity"] == pytest.approx(1)
    assert (result["clips"], result["frames"], result["task"]) == (3, 27, "video-fsq")
    assert set(result["protocol"]) == set(result["units"]) == set(result["metrics"])


@pytest.mark.filterwarnings("ignore:Two pictures are equal")
def test_a_bad_video_is_left_out():
    def read(path):
        if path == "1":
            raise ValueError("1 is no video")
        return grey([85] * 9)

    result = evaluate(3, read)
    assert result["clips"] == 2
    assert result["failures"] == [{"input": "1", "error": "1 is no video"}]
    assert result["metrics"]["psnr"] == 100


def test_a_real_tokenizer_fits():
    from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
    from unimo_hf.model.modeling_video_fsq import VideoFSQ

    torch.manual_seed(0)
    config = VideoFSQConfig(channels=16, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[4, 3])
    noise = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    result = evaluate_video_fsq(VideoFSQ(config).eval(), clips(1), model="x", read=lambda _: noise, progress=False)
    assert 3 < result["metrics"]["psnr"] < 20
