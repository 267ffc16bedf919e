# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The size of a network by arithmetic, against networks that are made without weights."""

import psutil
import pytest
import torch

from unimo_hf import (
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoConfig,
    UniMoForConditionalGeneration,
    VideoFSQ,
    VideoFSQConfig,
)
from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.pipelines.model_size import MOST_LAYERS, check_layers, check_weights_fit, least_parameters

NETWORKS = [
    (UniMoForConditionalGeneration, UniMoConfig()),
    (UniMoForConditionalGeneration, UniMoConfig(ablation="uni_embed", num_hidden_layers=2)),
    (UniMoForConditionalGeneration, UniMoConfig(hidden_size=48, head_dim=12, visual_vocab_size=100)),
    (MotionVQVAE, MotionVQVAEConfig()),
    (MotionVQVAE, MotionVQVAEConfig(experts=False, frame_encoder=True, residual_kernels=[3, 1])),
    (MotionVQVAE, MotionVQVAEConfig(factors=[36], widths=[512], depth=1)),
    (MotionVQVAE, MotionVQVAEConfig(factors=[1, 36], widths=[8, 8], depth=1, codebook_size=100_000)),
    (VideoFSQ, VideoFSQConfig()),
    (VideoFSQ, VideoFSQConfig(channel_multipliers=[1, 1, 8], num_res_blocks=1)),
    (DiffusionDecoder, DiffusionDecoderConfig(num_hidden_layers=1, num_attention_heads=2, attention_head_dim=32)),
]


@pytest.mark.parametrize(
    ("network", "config"), NETWORKS, ids=[f"{kind.__name__}{n}" for n, (kind, _) in enumerate(NETWORKS)]
)
def test_at_least_half_of_the_parameters_and_no_more(network, config):
    with torch.device("meta"):
        made = network(config)
    parameters = sum(weight.numel() for weight in (*made.parameters(), *made.buffers()))
    assert parameters / 2 <= least_parameters(config) <= parameters


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (UniMoConfig(num_hidden_layers=1_000_000), "here: `num_hidden_layers` is 1000000, which makes 1000000 layers"),
        (
            MotionVQVAEConfig(depth=300, dilation_growth=1),
            r"`widths` is .* and `depth` is 300, which makes 1200 layers",
        ),
        (VideoFSQConfig(num_res_blocks=2**31 - 1), "`num_res_blocks` is 2147483647"),
        (DiffusionDecoderConfig(decoder_num_res_blocks=1000), "`decoder_num_res_blocks` is 1000"),
    ],
)
def test_a_million_layers_are_refused_before_one_is_made(config, message):
    with pytest.raises(ValueError, match=message):
        check_layers(config, "here:")
    check_layers(UniMoConfig(num_hidden_layers=MOST_LAYERS), "here:")


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(total=10 * 10**9))
    check_weights_fit(UniMoConfig(), 2, "here:")
    with pytest.raises(
        ValueError, match=r"here: .* 4\.02e\+09 parameters would take 16\.1 GB; this machine has 10 GB"
    ):
        check_weights_fit(UniMoConfig(), 4, "here:")
