# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
from huggingface_hub.errors import StrictDataclassClassValidationError

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig


def test_defaults_are_cosmos():
    config = DiffusionDecoderConfig()
    assert (config.hidden_size, config.num_hidden_layers, config.codebook_size) == (4096, 28, 64_000)
    assert (config.spatial_compression, config.temporal_compression, config.statistics_frames) == (16, 8, 16)


def test_round_trip_through_a_folder(tmp_path):
    statistics = {"latents_mean": [[0.1, 0.25], [1.5, -2.0]], "latents_std": [[1.0, 0.3], [2.0, 0.7]]}
    config = DiffusionDecoderConfig(latent_channels=2, decoder_widths=[8, 16], **statistics)
    config.save_pretrained(tmp_path)
    again = DiffusionDecoderConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    assert (again.latents_mean, again.statistics_frames) == (statistics["latents_mean"], 2)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"codebook_size": 0}, "`codebook_size` is 0"),
        ({"context_length": 0}, "`context_length` is 0"),
        ({"attention_head_dim": 8}, "`attention_head_dim` is 8"),
        ({"mlp_ratio": 0.0}, "`mlp_ratio` is 0.0"),
        ({"mlp_ratio": math.inf}, "`mlp_ratio` is inf; a finite number above 0"),
        ({"num_hidden_layers": -1}, "`num_hidden_layers` is -1"),
        ({"latent_channels": 1, "latents_mean": [[math.nan]]}, "`latents_mean` holds nan"),
        ({"latent_channels": 1, "latents_mean": [[0.0]], "latents_std": [[math.inf]]}, "`latents_std` holds inf"),
        ({"decoder_widths": []}, "`decoder_widths` is"),
        ({"latent_channels": 2, "latents_mean": [[0.0]]}, "`latents_mean` holds 1 lists"),
        ({"latent_channels": 2, "latents_mean": [[0.0], [0.0, 1.0]]}, "`latents_mean` holds 2 lists of"),
        ({"latent_channels": 1, "latents_std": [[1.0]]}, "`latents_std` holds 1 lists"),
        ({"latent_channels": 1, "latents_mean": [[0.0]], "latents_std": [[0.0]]}, "`latents_std` holds 0.0"),
    ],
)
def test_impossible_sizes_are_refused(arguments, found):
    with pytest.raises(StrictDataclassClassValidationError) as error:
        DiffusionDecoderConfig(**arguments)
    assert found in str(error.value) + str(error.value.__cause__)
