# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Recipes that train in a second, every network at its smallest, six steps; and Ctrl-C in one of them."""

import functools
import os
import signal

import yaml

OPTIMISATION = {
    "steps": 6,
    "batch_size": 2,
    "learning_rate": 1.0e-3,
    "warmup_steps": 2,
    "decay_steps": 2,
    "log_every": 2,
    "validate_every": 3,
    "save_every": 2,
}
VIDEO_FSQ_MODEL = {"channels": 8, "channel_multipliers": [1, 1, 1], "num_res_blocks": 1, "levels": [4, 4]}
MOTION_VQVAE_MODEL = {
    "factors": [1, 4],
    "widths": [8, 8],
    "codebook_dim": 2,
    "codebook_size": 16,
    "depth": 1,
    "ordered_codes": 0.5,
}
UNIMO_MODEL = {
    "modalities": [
        {"name": "visual", "size": 16, "grid": [2, 2], "frames": 8},
        {"name": "motion", "size": 16, "grid": [2, 2]},
    ],
    "frames": 9,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def motion_vqvae_recipe(assets):
    return {
        "output": "set by each test",
        "model": MOTION_VQVAE_MODEL,
        "data": {"motions": str(assets / "motions" / "test"), "clips": 8, "frames": 9},
        "loss": {"joints": 1.0, "joint_velocity": 1.0, "root": 1.0},
        "validation_clips": 2,
        "optimisation": OPTIMISATION,
    }


def drawn(assets):
    return {"motions": str(assets / "motions" / "test"), "front": 4, "around": 4, "frames": 9, "size": 32}


def video_fsq_recipe(assets):
    return {
        "output": "set by each test",
        "model": VIDEO_FSQ_MODEL,
        "data": drawn(assets),
        "loss": {"squared": 1.0, "person": 1.0, "pose": 1.0},
        "stills_per_clip": 2,
        "fit_start": True,
        "validation_clips": 2,
        "optimisation": OPTIMISATION,
    }


def unimo_recipe(assets, tokenizers):
    return {
        "output": "set by each test",
        "model": UNIMO_MODEL,
        "tokenizers": {name: str(tokenizers / name) for name in ("video_fsq", "motion_vqvae")},
        "drawn": drawn(assets),
        "mixture": {"v2m": {"weight": 0.5, "single_frames": 0.5}, "i2vm": {"weight": 0.5}},
        "corruption": {
            "visual": {"noise": 0.2},
            "motion": {"noise": 0.5, "foreign": 0.5, "scheduled_sampling": 0.5},
        },
        "label_smoothing": {"motion": 1.0},
        "auxiliary": {"pose": 1.0, "probe": 1.0},
        "init": "codebooks",
        "validation_clips": 2,
        "size": 32,
        "optimisation": OPTIMISATION,
    }


def build(kind, values, tmp_path, **optimisation):
    """A recipe as the loader makes it, by way of a YAML file."""
    from unimo_hf.training.recipe import load_recipe

    path = tmp_path / "recipe.yaml"
    schedule = {"warmup_steps": 1, "decay_steps": 1} if "steps" in optimisation else {}
    optimisation = {**OPTIMISATION, **schedule, **optimisation}
    path.write_text(yaml.safe_dump({**values, "optimisation": optimisation}, sort_keys=False), encoding="utf-8")
    return load_recipe(path, kind, output=str(tmp_path / "run"))


def stop_at(monkeypatch, stage, batch):
    """Press Ctrl-C in a batch."""
    loss, seen = stage.loss, []

    @functools.wraps(loss)
    def interrupted(self, *arguments):
        seen.append(1)
        if len(seen) == batch:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, *arguments)

    monkeypatch.setattr(stage, "loss", interrupted)
