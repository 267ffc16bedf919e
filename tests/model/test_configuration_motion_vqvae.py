# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The shape of the motion tokenizer: derived sizes, JSON and back, errors."""

import json
import math

import pytest
from huggingface_hub.errors import StrictDataclassError

from unimo_hf import MotionVQVAEConfig


def test_the_defaults_are_those_of_the_paper():
    config = MotionVQVAEConfig()
    assert config.codes_per_frame == 36
    assert config.motion_channels == 145
    assert config.codebook_dim == 512
    assert config.ordered_codes == 0.0


def test_what_the_paper_leaves_open_is_a_value():
    """The reading taken is the default; another is another value."""
    taken = {"rotation": "6d", "coordinates": "camera", "factors": (2, 2, 3, 3), "depth": 3, "fps": 24.0}
    other = {"rotation": "6d_columns", "coordinates": "world", "factors": (3, 3, 2, 2), "depth": 4, "fps": 30.0}
    for values, config in ((taken, MotionVQVAEConfig()), (other, MotionVQVAEConfig(**other))):
        assert {name: getattr(config, name) for name in values} == values


def test_fields_of_before_are_read_where_they_say_what_the_code_does(repository):
    """The weight of the commitment, of training alone, may be any."""
    saved = json.loads((repository / "unimo_hf/checkpoints/unimo-tiny/motion_vqvae/config.json").read_text())
    assert saved["commitment_weight"] == 0.5
    assert "commitment_weight" not in MotionVQVAEConfig.from_dict(saved).to_dict()
    others = {
        "kernel_rule": "stride_plus_two",
        "residual_kernels": [3, 1],
        "io_convs": True,
        "codebook_update": "gradient",
        "codebook_decay": math.nan,
        "restart_threshold": 0.5,
        "velocity_weight": 0.0,
        "acceleration_weight": -1.0,
    }
    for name, value in others.items():
        with pytest.raises(ValueError, match=f"`{name}` is .*; a MotionVQVAEConfig knows .* alone"):
            MotionVQVAEConfig.from_dict(saved | {name: value})


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match=r"`MotionVQVAEConfig` has no \['width'\]; its fields are .*'widths'"):
        MotionVQVAEConfig(width=[8, 8, 8, 8])


@pytest.mark.parametrize(
    ("rotation", "channels"), [("6d", 145), ("6d_columns", 145), ("matrix", 211), ("axis_angle", 79)]
)
def test_channels_follow_the_rotation(rotation, channels):
    assert MotionVQVAEConfig(rotation=rotation).motion_channels == channels


def test_saved_and_loaded(tmp_path):
    config = MotionVQVAEConfig(factors=[1, 1, 36], widths=[8, 8, 4], codebook_dim=2, fps=15.0, ordered_codes=0.5)
    config.save_pretrained(tmp_path)
    assert MotionVQVAEConfig.from_pretrained(tmp_path).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rotation": "euler"}, "rotation is 'euler'"),
        ({"coordinates": "moon"}, "coordinates is 'moon'"),
        ({"factors": [2, 2]}, "equally long"),
        ({"factors": [], "widths": [], "codebook_dim": 4}, "`factors` is a list of 0"),
        ({"widths": []}, "`widths` is a list of 0"),
        ({"factors": [0, 2, 3, 3]}, "`factors` holds 0; a whole number from 1 to 1000 is needed"),
        ({"factors": [1000] * 4}, "product of `factors` is 1000000000000"),
        ({"depth": 1000}, "largest dilation"),
        ({"codebook_size": 160_000_000_000}, "`codebook_size` is 160000000000"),
        ({"fps": math.inf}, "`fps` is inf; a finite number from 0.1 to 1000.0"),
        ({"fps": -24.0}, r"`fps` is -24\.0"),
        ({"ordered_codes": 1.5}, r"`ordered_codes` is 1\.5"),
        ({"depth": "three"}, "depth"),
    ],
)
def test_errors_name_the_field(fields, message):
    with pytest.raises((ValueError, StrictDataclassError), match=message):
        MotionVQVAEConfig(**fields)
