# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub.errors import StrictDataclassClassValidationError, StrictDataclassFieldValidationError

from unimo_hf.model.configuration_video_fsq import VideoFSQConfig

RECIPES = Path(__file__).parents[2] / "configuration"


def test_defaults_are_cosmos_dv8x16x16():
    config = VideoFSQConfig()
    assert config.codebook_size == 64_000
    assert (config.num_spatial_steps, config.num_temporal_steps) == (2, 1)


def test_paper_recipe_equals_the_defaults():
    recipe = VideoFSQConfig.from_json_file(RECIPES / "video_fsq.json")
    assert recipe.to_diff_dict() == VideoFSQConfig(**recipe.to_diff_dict()).to_diff_dict()
    for name in ("channels", "num_res_blocks", "spatial_compression", "temporal_compression"):
        assert getattr(recipe, name) == getattr(VideoFSQConfig(), name)
    assert list(recipe.levels) == list(VideoFSQConfig().levels)
    assert list(recipe.channel_multipliers) == list(VideoFSQConfig().channel_multipliers)


def test_tiny_recipe_keeps_the_compression():
    recipe = yaml.safe_load((RECIPES / "train_video_fsq_tiny_colours.yaml").read_text())
    tiny = VideoFSQConfig(**recipe["model"])
    assert tiny.codebook_size == 12_800
    assert (tiny.spatial_compression, tiny.temporal_compression) == (16, 8)


def test_round_trip_through_a_folder(tmp_path):
    config = VideoFSQConfig(channels=8, levels=[5, 5, 3])
    config.save_pretrained(tmp_path)
    assert VideoFSQConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"channels": 0}, "`channels` is 0"),
        ({"levels": []}, "`levels` is"),
        ({"levels": [8, 1]}, "`levels` holds 1; a whole number from 2"),
        ({"levels": [8] * 20}, "product of `levels`, is 1152921504606846976"),
        ({"levels": [8] * 2000}, "`levels` is a list of 2000"),
        ({"channel_multipliers": []}, "`channel_multipliers` is"),
        ({"spatial_compression": 12}, "`spatial_compression` is 12"),
        ({"spatial_compression": 32}, "allow 4 to 16"),
        ({"temporal_compression": 2}, "allow 4 to 16"),
        ({"channels": 10**30}, "`channels` is 1000000000000000000000000000000;"),
    ],
)
def test_impossible_sizes_are_refused(arguments, found):
    with pytest.raises(StrictDataclassClassValidationError) as error:
        VideoFSQConfig(**arguments)
    assert found in str(error.value) + str(error.value.__cause__)


def test_wrong_types_are_refused():
    with pytest.raises(StrictDataclassFieldValidationError):
        VideoFSQConfig(channels="128")


def test_fields_of_before_are_read_where_they_say_what_the_code_does(repository):
    saved = json.loads((repository / "unimo_hf/checkpoints/unimo-tiny/video_fsq/config.json").read_text())
    assert saved["latent_channels"] == 5
    assert "latent_channels" not in VideoFSQConfig.from_dict(saved).to_dict()
    for name, value in {
        "latent_channels": 4,
        "patch_size": 2,
        "z_channels": 8,
        "in_channels": 1,
        "dropout": 0.1,
    }.items():
        with pytest.raises(ValueError, match=f"`{name}` is {value}; a VideoFSQConfig knows .* alone"):
            VideoFSQConfig.from_dict(saved | {name: value})


def test_unknown_fields_are_refused():
    with pytest.raises(TypeError, match="chanels"):
        VideoFSQConfig(chanels=64)
