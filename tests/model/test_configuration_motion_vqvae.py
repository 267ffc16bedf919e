# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The shape of the motion tokenizer: derived sizes, JSON and back, errors."""

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
    """motion.md §9: the reading taken is the default; another is another value."""
    taken = {
        "rotation": "6d",  # rows
        "coordinates": "camera",
        "factors": (2, 2, 3, 3),
        "kernel_rule": "double",
        "residual_kernels": (3, 3),
        "depth": 3,
        "io_convs": False,
        "codebook_update": "ema",
        "restart_threshold": 1.0,
        "commitment_weight": 0.02,
        "velocity_weight": 1.0,
        "acceleration_weight": 1.0,
        "fps": 24.0,
    }
    other = {
        "rotation": "6d_columns",
        "coordinates": "world",
        "factors": (3, 3, 2, 2),
        "kernel_rule": "stride_plus_two",
        "residual_kernels": (3, 1),
        "depth": 4,
        "io_convs": True,
        "codebook_update": "gradient",
        "restart_threshold": 0.0,
        "commitment_weight": 0.25,
        "velocity_weight": 0.0,
        "acceleration_weight": 0.5,
        "fps": 30.0,
    }
    for values, config in ((taken, MotionVQVAEConfig()), (other, MotionVQVAEConfig(**other))):
        assert {name: getattr(config, name) for name in values} == values


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
        ({"kernel_rule": "wide"}, "kernel_rule is 'wide'"),
        ({"codebook_update": "sgd"}, "codebook_update is 'sgd'"),
        ({"coordinates": "moon"}, "coordinates is 'moon'"),
        ({"factors": [2, 2]}, "equally long"),
        ({"factors": [], "widths": [], "codebook_dim": 4}, "`factors` is a list of 0"),
        ({"widths": []}, "`widths` is a list of 0"),
        ({"factors": [0, 2, 3, 3]}, "`factors` holds 0; a whole number from 1 to 1000 is needed"),
        ({"factors": [1000] * 4}, "product of `factors` is 1000000000000"),
        ({"depth": 1000}, "largest dilation"),
        ({"codebook_size": 160_000_000_000}, "`codebook_size` is 160000000000"),
        ({"codebook_decay": math.nan}, "`codebook_decay` is nan; a finite number from 0 to 1 is needed"),
        ({"commitment_weight": -1.0}, r"`commitment_weight` is -1\.0; a finite number of at least 0"),
        ({"fps": math.inf}, "`fps` is inf; a finite number from 0.1 to 1000.0"),
        ({"fps": -24.0}, r"`fps` is -24\.0"),
        ({"residual_kernels": [3, 2]}, "two odd sizes"),
        ({"ordered_codes": 1.5}, r"`ordered_codes` is 1\.5"),
        ({"frame_encoder": True, "io_convs": True}, "frame_encoder and io_convs are both set"),
        ({"depth": "three"}, "depth"),
    ],
)
def test_errors_name_the_field(fields, message):
    with pytest.raises((ValueError, StrictDataclassError), match=message):
        MotionVQVAEConfig(**fields)
