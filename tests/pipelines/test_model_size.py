# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The size of a network before it is made."""

import psutil
import pytest

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
from unimo_hf.pipelines.model_size import MOST_LAYERS, check_weights_fit, count_parameters


@pytest.mark.parametrize(
    ("network", "config", "message"),
    [
        (
            UniMoForConditionalGeneration,
            UniMoConfig(num_hidden_layers=1_000_000),
            "here: `num_hidden_layers` is 1000000, which makes 1000000 layers",
        ),
        (
            MotionVQVAE,
            MotionVQVAEConfig(depth=300, dilation_growth=1),
            r"`widths` is .* and `depth` is 300, which makes 1200 layers",
        ),
        (VideoFSQ, VideoFSQConfig(num_res_blocks=2**31 - 1), "`num_res_blocks` is 2147483647"),
        (VideoFSQ, VideoFSQConfig(channels=2**31 - 1), r"here: a network of more than 2\^63 bytes"),
        (DiffusionDecoder, DiffusionDecoderConfig(num_hidden_layers=1001), "`num_hidden_layers` is 1001, which makes"),
    ],
)
def test_networks_that_nobody_can_make_are_refused_before_they_are_made(network, config, message):
    with pytest.raises(ValueError, match=message):
        count_parameters(network, config, "here:")


def test_every_field_that_makes_a_network_large_counts():
    assert count_parameters(VideoFSQ, VideoFSQConfig(channels=10_000_000), "here:") > 10**11
    streams = UniMoConfig(num_hidden_layers=1, streams=10**9)
    assert count_parameters(UniMoForConditionalGeneration, streams, "here:") > 10**12
    most = UniMoConfig(hidden_size=8, head_dim=12, num_hidden_layers=MOST_LAYERS)
    assert count_parameters(UniMoForConditionalGeneration, most, "here:") < 10**9


def test_what_does_not_fit_into_memory_is_refused(monkeypatch):
    memory = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(total=10 * 10**9))
    parameters = count_parameters(UniMoForConditionalGeneration, UniMoConfig(), "here:")
    check_weights_fit(parameters, 2, "here:")
    with pytest.raises(
        ValueError, match=r"here: a network of 4\.\d+e\+09 parameters would take 16\.\d GB; this machine has 10 GB"
    ):
        check_weights_fit(parameters, 4, "here:")
