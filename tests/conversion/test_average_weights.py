# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The mean of several models is the mean of every weight, in a checkpoint that loads."""

import pytest
import torch
from average_weights import average_weights
from micro_checkpoint import write_micro_checkpoint

from unimo_hf import UniMoForConditionalGeneration, UniMoPipeline


def test_every_weight_is_the_mean(tmp_path):
    runs = [write_micro_checkpoint(tmp_path / str(seed), seed) for seed in (0, 1, 2)]
    (runs[0] / "checkpoints").mkdir()
    average_weights(runs, tmp_path / "mean")
    assert not (tmp_path / "mean" / "checkpoints").exists()
    *models, mean = (
        UniMoForConditionalGeneration.from_pretrained(folder).state_dict() for folder in [*runs, tmp_path / "mean"]
    )
    for name, value in mean.items():
        torch.testing.assert_close(value, sum(model[name] for model in models) / 3)
    first, pipeline = (UniMoPipeline.from_pretrained(folder) for folder in (runs[0], tmp_path / "mean"))
    assert torch.equal(pipeline.motion_vqvae.codebook.codes, first.motion_vqvae.codebook.codes)
    assert pipeline.model.generation_config.task_options == first.model.generation_config.task_options


def test_models_that_differ(tmp_path):
    runs = [write_micro_checkpoint(tmp_path / str(seed), seed) for seed in (0, 1)]
    config = UniMoForConditionalGeneration.config_class.from_pretrained(runs[1])
    config.intermediate_size = 32
    UniMoForConditionalGeneration(config).save_pretrained(runs[1])
    with pytest.raises(ValueError, match="1 holds another model than"):
        average_weights(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
    with pytest.raises(ValueError, match="0 exists"):
        average_weights(runs[:1], runs[0])
