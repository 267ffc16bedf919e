# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The mean of several models is the mean of every weight, in a checkpoint that loads."""

import stat
import sys

import pytest
import torch
from average_weights import average_weights, main
from micro_checkpoint import write_micro_checkpoint

from unimo_hf import UniMoForConditionalGeneration, UniMoPipeline


def test_every_weight_is_the_mean(tmp_path):
    runs = [write_micro_checkpoint(tmp_path / str(seed), seed) for seed in (0, 1, 2)]
    (runs[0] / "checkpoints").mkdir()
    (runs[0] / "checkpoints" / "link").symlink_to("/etc/passwd")
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


def test_everything_written_can_be_read_by_others(tmp_path):
    run = write_micro_checkpoint(tmp_path / "run")
    average_weights([run], tmp_path / "mean")
    mask = 0o777 & ~stat.S_IMODE((tmp_path / "mean").stat().st_mode)
    files = [file for file in (tmp_path / "mean").rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o666 & ~mask}


def test_a_link_out_of_the_first_run(tmp_path):
    run = write_micro_checkpoint(tmp_path / "run")
    (run / "notes").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="run/notes is a link to /etc/passwd"):
        average_weights([run], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_a_run_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    arguments = ["average_weights.py", str(tmp_path / "gone"), "--output", str(tmp_path / "mean")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match=r"There is no checkpoint '.*gone'"):
        main()


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
