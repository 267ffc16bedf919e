# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Recipes of all stages, at their smallest."""

import os
import sys

import pytest
import torch

from unimo_hf import MotionVQVAE, VideoFSQ
from unimo_hf.training import motion_vqvae, unimo, video_fsq
from unimo_hf.training.motion_vqvae import MotionVQVAERecipe
from unimo_hf.training.recipe import Recipe
from unimo_hf.training.unimo_recipe import UniMoRecipe
from unimo_hf.training.video_fsq import VideoFSQRecipe

sys.path.append(os.path.dirname(__file__))
import micro_recipes


@pytest.fixture(scope="module")
def recipes(assets, tmp_path_factory):
    """Recipes of all stages; the tokenizers that the last one needs are untrained."""
    folder = tmp_path_factory.mktemp("tokenizers")
    torch.manual_seed(0)
    VideoFSQ(Recipe("", micro_recipes.VIDEO_FSQ_MODEL).build_config(VideoFSQ.config_class)).save_pretrained(
        folder / "video_fsq"
    )
    tokenizer = MotionVQVAE(Recipe("", micro_recipes.MOTION_VQVAE_MODEL).build_config(MotionVQVAE.config_class))
    tokenizer.train()(torch.randn(2, 9, 145))
    tokenizer.save_pretrained(folder / "motion_vqvae")
    return {
        "motion_vqvae": (motion_vqvae, MotionVQVAERecipe, micro_recipes.motion_vqvae_recipe(assets)),
        "video_fsq": (video_fsq, VideoFSQRecipe, micro_recipes.video_fsq_recipe(assets)),
        "unimo": (unimo, UniMoRecipe, micro_recipes.unimo_recipe(assets, folder)),
    }
