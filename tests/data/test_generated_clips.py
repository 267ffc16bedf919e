# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Clips that a model makes: its own motion, and its video as somebody who opens the file would see it."""

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from unimo_hf import UniMoPipeline
from unimo_hf.cli.app import app
from unimo_hf.data.generated_clips import generate_clips
from unimo_hf.data.shards import METADATA, CodeShards, write_codes

sys.path.append(str(Path(__file__).parents[1]))
from micro_checkpoint import MOTION_CODES, write_micro_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_micro_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def pipeline(checkpoint):
    return UniMoPipeline.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def shards(pipeline, tmp_path_factory):
    """Five clips of any codes."""
    folder = tmp_path_factory.mktemp("shards")
    generator = torch.Generator().manual_seed(0)
    visual = torch.randint(64, (5, 2, 2, 2), generator=generator)
    motion = torch.randint(MOTION_CODES, (5, 9, 36), generator=generator)
    list(write_codes([(visual, motion)], folder, pipeline.video_fsq, pipeline.motion_vqvae))
    return folder


def test_motion_as_it_was_made_and_video_as_it_is_seen(pipeline, shards, tmp_path):
    assert generate_clips(pipeline, shards, tmp_path, clips=3, seed=7, batch_size=2, progress=False) == 3
    source, made = CodeShards(shards), CodeShards(tmp_path)
    assert len(made) == 3
    for rows, seed in (([0, 1], 7), ([2], 8)):
        first = torch.stack([source[2 + row]["visual_codes"][:1] for row in rows])
        visual, motion = pipeline.codes_from_first(first, seed=seed)
        assert torch.equal(visual[:, :1], first)
        frames = torch.stack([pipeline.processor.to_frames(video) for video in pipeline.decode_video(visual)])
        with torch.no_grad():
            seen = pipeline.video_fsq.encode(frames.permute(0, 4, 1, 2, 3).float() / 127.5 - 1)
        for row, its_motion, its_video in zip(rows, motion, seen, strict=True):
            assert torch.equal(made[row]["motion_codes"], its_motion)
            assert torch.equal(made[row]["visual_codes"], its_video)


def test_a_seed_makes_the_same_clips(checkpoint, pipeline, shards, tmp_path):
    options = ["--model", str(checkpoint), "--clips", "2", "--device", "cpu", "--json"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        command = ["data", "generate", str(shards), "-o", str(tmp_path / name), "--seed", str(seed), *options]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["clips"] == 2
    a, b, c = ([clip["visual_codes"] for clip in CodeShards(tmp_path / name)] for name in "abc")
    assert all(torch.equal(first, second) for first, second in zip(a, b, strict=True))
    assert not all(torch.equal(first, second) for first, second in zip(a, c, strict=True))


def test_more_clips_than_pictures(pipeline, shards, tmp_path):
    with pytest.raises(ValueError, match=r"6 clips are wanted; .* has 5 first pictures"):
        generate_clips(pipeline, shards, tmp_path, clips=6, progress=False)


def test_pictures_of_another_tokenizer(pipeline, shards, tmp_path):
    for file in shards.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    metadata = json.loads((tmp_path / METADATA).read_text(encoding="utf-8"))
    metadata["tokenizers"]["video_fsq"] = "another"
    (tmp_path / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.raises(ValueError, match="holds codes of other tokenizers"):
        generate_clips(pipeline, tmp_path, tmp_path / "made", clips=1, progress=False)
