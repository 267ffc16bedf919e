# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A checkpoint of micro-sized networks with random weights and the whole structure of a real one."""

from pathlib import Path

import torch

from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tokenization_unimo import UniMoTokenizer

SIZE, FRAMES, FPS, MOTION_CODES = 32, 9, 15.0, 32


def write_micro_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write the folder; the same seed gives the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        video_fsq = VideoFSQ(
            VideoFSQConfig(channels=8, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[4, 4, 4])
        )
        motion_vqvae = MotionVQVAE(
            MotionVQVAEConfig(
                factors=[1, 36], widths=[16, 8], depth=1, codebook_size=MOTION_CODES, codebook_dim=4, fps=FPS
            )
        )
        unimo = UniMoForConditionalGeneration(
            UniMoConfig(
                modalities=[
                    {"name": "visual", "size": video_fsq.config.codebook_size, "grid": [SIZE // 16] * 2, "frames": 8},
                    {"name": "motion", "size": MOTION_CODES, "grid": [6, 6]},
                ],
                frames=FRAMES,
                num_special_tokens=8,
                hidden_size=48,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=12,
            )
        )
        stand_in_front_of_the_camera(motion_vqvae)
        # Training starts from a decoder that is silent; this one shall show something.
        for weight in video_fsq.decoder.conv_out.parameters():
            torch.nn.init.normal_(weight)
    unimo.generation_config.task_options = {"v2m": {"do_sample": False}}
    unimo.save_pretrained(folder)
    motion_vqvae.save_pretrained(folder / "motion_vqvae")
    video_fsq.save_pretrained(folder / "video_fsq")
    tokenizer = UniMoTokenizer(list(unimo.config.vocabulary.sizes.items()), num_special_tokens=8)
    modalities = unimo.config.modalities
    UniMoProcessor(tokenizer, size=SIZE, frames=FRAMES, fps=FPS, modalities=modalities).save_pretrained(folder)
    return folder


@torch.no_grad()
def stand_in_front_of_the_camera(motion_vqvae: MotionVQVAE) -> None:
    """Set the normalisation so that the random decoder gives somebody upright, 4 m away, who moves a little."""
    unbent = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).repeat(21)
    upright = torch.tensor([1.0, 0.0, 0.0, 0.0, -1.0, 0.0])  # 6D of a half turn about x: y up to y down
    motion_vqvae.mean.copy_(torch.cat([unbent, torch.zeros(10), upright, torch.zeros(3)]))
    motion_vqvae.std.fill_(0.3)
    motion_vqvae.std[-3:] = 0.02
    motion_vqvae.first_root_mean.copy_(torch.tensor([0.0, 0.0, 4.0]))
    motion_vqvae.first_root_std.fill_(0.1)
    motion_vqvae.codebook.codes.normal_()
