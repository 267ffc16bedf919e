# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The benchmarks run and write the rows they promise; what they measure here, on untrained models, means nothing."""

import importlib
import json

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

KEYS = {"workload", "peer", "metric", "ratio", "min", "max", "rounds"}


@pytest.fixture
def run(repository, monkeypatch, tmp_path):
    """Runs a benchmark and returns its rows."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    threads = torch.get_num_threads()

    def run(name, *options):
        file = tmp_path / "rows.json"
        monkeypatch.setattr("sys.argv", [name, "--json", str(file), "--rounds", "1", *options])
        importlib.import_module(name).main()
        return json.loads(file.read_text(encoding="utf-8"))

    yield run
    torch.set_num_threads(threads)


def micro_checkpoint(folder):
    from unimo_hf.training.unimo import make_processor

    video_fsq = VideoFSQ(VideoFSQConfig(channels=8, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[4, 4]))
    motion_vqvae = MotionVQVAE(MotionVQVAEConfig(factors=[1, 4], widths=[8, 8], depth=1, codebook_size=16))
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "head_dim": 8}
    config = UniMoConfig(
        **sizes,
        visual_vocab_size=16,
        motion_vocab_size=16,
        num_attention_heads=2,
        num_key_value_heads=1,
        latent_grid=[2, 2, 2],
        codes_per_frame=4,
        motion_grid=[2, 2],
    )
    UniMoForConditionalGeneration(config).save_pretrained(folder)
    make_processor(config, motion_vqvae, 32).save_pretrained(folder)
    motion_vqvae.save_pretrained(folder / "motion_vqvae")
    video_fsq.save_pretrained(folder / "video_fsq")


def test_rendering(run):
    rows = run("rendering", "--clips", "2", "--size", "32")
    assert len(rows) == 3
    assert all(set(row) >= KEYS for row in rows)
    assert rows[0]["ratio"] > 1


def test_decoding(run, tmp_path):
    micro_checkpoint(tmp_path / "model")
    rows = run("v2m_decode", "--model", str(tmp_path / "model"), "--threads", "1", "--seconds", "1")
    assert len(rows) == 3
    assert all(set(row) >= KEYS for row in rows)
