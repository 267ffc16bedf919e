# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A checkpoint with a diffusion decoder: chosen by name, loaded when needed, refused when it does not fit."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from cosmos_decoder import SIZES
from typer.testing import CliRunner

from unimo_hf import UniMoPipeline
from unimo_hf.cli.app import app
from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 24, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def checkpoint(micro_checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "with_diffusion"
    shutil.copytree(micro_checkpoint, folder)
    torch.manual_seed(0)
    DiffusionDecoder(DiffusionDecoderConfig(**SIZES | {"codebook_size": 64})).save_pretrained(
        folder / "diffusion_decoder"
    )
    return folder


def test_the_decoder_is_chosen_by_name(checkpoint):
    unimo, told = UniMoPipeline.from_pretrained(checkpoint), []
    quick, motion = unimo.image_to_video_and_motion(PICTURE, seed=0)
    assert unimo.diffusion_decoder is None
    options = {"seed": 0, "video_decoder": "diffusion"}
    good, same_motion = unimo.image_to_video_and_motion(
        PICTURE, **options, on_step=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (15, 15)
    assert good.frames.shape == quick.frames.shape
    assert not np.array_equal(good.frames, quick.frames)
    assert np.array_equal(motion.transl, same_motion.transl)
    decoder = unimo.diffusion_decoder
    ((again, _),) = unimo.image_to_video_and_motion([PICTURE], **options)
    assert np.array_equal(good.frames, again.frames)
    assert unimo.diffusion_decoder is decoder


def test_unknown_decoders_are_refused(checkpoint):
    with pytest.raises(ValueError, match="`video_decoder` is 'gan'; it must be one of fsq, diffusion"):
        UniMoPipeline.from_pretrained(checkpoint).image_to_video_and_motion(PICTURE, video_decoder="gan")


def test_a_checkpoint_without_one_says_so_before_the_work(micro_checkpoint, monkeypatch):
    unimo = UniMoPipeline.from_pretrained(micro_checkpoint)
    monkeypatch.setattr(unimo.model, "generate_target", lambda *arguments, **options: 1 / 0)
    with pytest.raises(ValueError, match=r"has no diffusion decoder: diffusion_decoder/config.json is missing"):
        unimo.image_to_video_and_motion(PICTURE, video_decoder="diffusion")


def test_a_decoder_of_other_codes_is_refused(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "checkpoint")
    part = tmp_path / "checkpoint" / "diffusion_decoder"
    shutil.rmtree(part)
    DiffusionDecoder(DiffusionDecoderConfig(**SIZES)).save_pretrained(part)
    unimo = UniMoPipeline.from_pretrained(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="`codebook_size` of diffusion_decoder is 512, that of video_fsq 64"):
        unimo.decode_video(torch.zeros(1, 2, 2, 2, dtype=torch.long), video_decoder="diffusion")


def test_a_missing_extra_is_no_damage(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ImportError, match=r"unimo_hf\[diffusion\]"):
        UniMoPipeline.from_pretrained(checkpoint).image_to_video_and_motion(PICTURE, video_decoder="diffusion")


def test_the_command(checkpoint, micro_checkpoint, tmp_path):
    from PIL import Image

    Image.fromarray(PICTURE).save(tmp_path / "person.png")
    arguments = ["i2vm", str(tmp_path / "person.png"), "--video-decoder", "diffusion", "--json"]
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out"), "--model", str(checkpoint)])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["results"]
    assert row["frames"] == 9
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "no"), "--model", str(micro_checkpoint)])
    assert result.exit_code == 1
    assert "has no diffusion decoder" in result.stderr
