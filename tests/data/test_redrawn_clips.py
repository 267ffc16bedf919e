# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Redrawn clips: pictures as the model expects them and as somebody who opens the file sees them, and true motion."""

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from unimo_hf import UniMoPipeline
from unimo_hf.cli.app import app
from unimo_hf.data.encoding import write_codes
from unimo_hf.data.shards import METADATA, CodeShards, fingerprints
from unimo_hf.model.pixel_range import to_model_range
from unimo_hf.training.tiny import redrawn_clips
from unimo_hf.training.tiny.redrawn_clips import draw_expected, redraw_clips, see_again

sys.path.append(str(Path(__file__).parents[1]))
from micro_checkpoint import MOTION_CODES, write_micro_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_micro_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def pipeline(checkpoint):
    return UniMoPipeline.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def codes():
    """Five clips of any codes."""
    generator = torch.Generator().manual_seed(0)
    visual = torch.randint(64, (5, 2, 2, 2), generator=generator)
    return {"visual": visual, "motion": torch.randint(MOTION_CODES, (5, 9, 36), generator=generator)}


@pytest.fixture(scope="module")
def shards(pipeline, codes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    list(write_codes([codes], folder, fingerprints(pipeline.tokenizers)))
    return folder


def test_codes_are_those_expected_behind_the_true_ones(pipeline, codes, monkeypatch):
    monkeypatch.setattr(redrawn_clips, "CODES_AT_ONCE", 3)
    likeliest = draw_expected(pipeline, codes, top_p=0.0)
    assert torch.equal(likeliest[:, 0], codes["visual"][:, 0])
    sequence = pipeline.processor.build_sequence("i2vm", codes)
    with torch.no_grad():
        logits = pipeline.model(input_ids=sequence["input_ids"]).logits
    start = 2 + 4  # behind the task, the picture and [STG], where V1 begins
    expected = logits[:, start - 1 : start + 3, :64].argmax(dim=-1)
    assert torch.equal(likeliest[:, 1].flatten(1), expected)


def test_chance_stays_in_the_nucleus_and_follows_its_generator(pipeline, codes):
    drawn = [
        draw_expected(pipeline, codes, top_p=1.0, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    narrow = draw_expected(pipeline, codes, top_p=0.0, generator=torch.Generator().manual_seed(1))
    assert torch.equal(narrow, draw_expected(pipeline, codes, top_p=0.0))


def test_what_is_seen_again_are_8_bit_frames(pipeline, codes):
    frames = [pipeline.processor.to_frames(video) for video in pipeline.decode_video(codes["visual"])]
    with torch.no_grad():
        expected = pipeline.video_fsq.encode(to_model_range(torch.stack(frames)))
    assert torch.equal(see_again(pipeline.video_fsq, codes["visual"]), expected)


def test_the_last_clips_with_their_motion(pipeline, codes, shards, tmp_path):
    assert redraw_clips(pipeline, CodeShards(shards), tmp_path, clips=3, seed=7, batch_size=2, progress=False) == 3
    redrawn, generator = CodeShards(tmp_path), torch.Generator().manual_seed(7)
    assert redrawn.metadata["tokenizers"] == CodeShards(shards).metadata["tokenizers"]
    visual = [
        see_again(pipeline.video_fsq, draw_expected(pipeline, batch, generator=generator))
        for batch in ({name: values[rows] for name, values in codes.items()} for rows in ([2, 3], [4]))
    ]
    assert torch.equal(torch.stack([clip["visual"] for clip in redrawn]), torch.cat(visual))
    assert torch.equal(torch.stack([clip["motion"] for clip in redrawn]), codes["motion"][2:])


def test_the_command(checkpoint, codes, shards, tmp_path):
    options = ["--model", checkpoint, "--clips", 2, "--top-p", 0.5, "--device", "cpu", "--json"]
    command = ["data", "redraw", shards, "-o", tmp_path, *options]
    result = CliRunner().invoke(app, [str(word) for word in command])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["clips"] == 2
    assert torch.equal(CodeShards(tmp_path)[1]["motion"], codes["motion"][4])


def test_more_clips_than_there_are(pipeline, shards, tmp_path):
    with pytest.raises(ValueError, match=r"6 clips are wanted; .* has 5"):
        redraw_clips(pipeline, CodeShards(shards), tmp_path, clips=6, progress=False)


@pytest.mark.parametrize("grid", [(3, 2, 2), (2, 3, 3), (1, 2, 2)])
def test_clips_of_another_size(pipeline, tmp_path, grid):
    shapes = {"visual": grid, "motion": (8 * grid[0] - 7, 36)}
    list(write_codes([{name: torch.zeros(1, *shape, dtype=int) for name, shape in shapes.items()}], tmp_path, None))
    with pytest.raises(ValueError, match=r"those of the model have {'visual': \(2, 2, 2\), 'motion': \(9, 36\)}"):
        redraw_clips(pipeline, CodeShards(tmp_path), tmp_path / "redrawn", clips=1, progress=False)


@pytest.mark.parametrize(("name", "fits"), [("visual", False), ("motion", True)])
def test_codes_of_another_tokenizer(pipeline, shards, tmp_path, name, fits):
    """Pictures are decoded with the pipeline's own; motion is only passed on."""
    for file in shards.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    metadata = json.loads((tmp_path / METADATA).read_text(encoding="utf-8"))
    metadata["tokenizers"][name] = "another"
    (tmp_path / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
    if not fits:
        with pytest.raises(ValueError, match="holds codes of another tokenizer of 'visual'"):
            redraw_clips(pipeline, CodeShards(tmp_path), tmp_path / "redrawn", clips=1, progress=False)
        return
    redraw_clips(pipeline, CodeShards(tmp_path), tmp_path / "redrawn", clips=1, progress=False)
    assert CodeShards(tmp_path / "redrawn").metadata["tokenizers"] == metadata["tokenizers"]
