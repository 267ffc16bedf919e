# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Shards of codes: what is written is what the tokenizers say, in order; a folder is whole or refused."""

import json

import pytest
import torch

from unimo_hf import MotionVQVAE, MotionVQVAEConfig, VideoFSQ, VideoFSQConfig
from unimo_hf.data import encoding
from unimo_hf.data.encoding import encode_batch, write_shards
from unimo_hf.data.shards import METADATA, CodeShards
from unimo_hf.model.modalities import by_modality


@pytest.fixture(scope="module")
def tokenizers():
    torch.manual_seed(0)
    video = VideoFSQ(VideoFSQConfig(channels=8, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=[4, 4]))
    motion = MotionVQVAE(MotionVQVAEConfig(factors=[1, 4], widths=[8, 8], depth=1, codebook_size=16))
    return by_modality(video.eval(), motion.eval())


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(0)
    sizes = {"body_pose": 63, "global_orient": 3, "transl": 3, "betas": 10}

    def clip():
        video = torch.randint(0, 256, (9, 32, 32, 3), generator=generator, dtype=torch.uint8)
        return {"video": video, **{key: torch.randn(9, size, generator=generator) for key, size in sizes.items()}}

    return [clip() for _ in range(5)]


def test_what_is_written_is_what_the_tokenizers_say(tokenizers, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "CLIPS_PER_SHARD", 2)  # several shards, in order
    assert list(write_shards(clips, tmp_path, tokenizers, batch_size=2)) == [2, 4, 5]
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    read = CodeShards(tmp_path)
    assert len(read) == 5
    for index, clip in enumerate(clips):
        codes = encode_batch({key: value[None] for key, value in clip.items()}, tokenizers)
        assert {name: values.shape[1:] for name, values in codes.items()} == {"visual": (2, 2, 2), "motion": (9, 4)}
        assert all(torch.equal(read[index][name], values[0]) for name, values in codes.items())


def test_a_folder_is_not_written_over(tokenizers, clips, tmp_path):
    list(write_shards(clips[:1], tmp_path, tokenizers))
    with pytest.raises(ValueError, match=r"is finished, it holds shards\.json"):
        list(write_shards(clips, tmp_path, tokenizers))


def test_codes_of_the_world_fit_no_clip(tokenizers, clips, tmp_path):
    world = MotionVQVAE(MotionVQVAEConfig(**tokenizers["motion"].config.to_dict() | {"coordinates": "world"}))
    with pytest.raises(ValueError, match=r"coordinates is 'world'; .* must be 'camera'"):
        list(write_shards(clips, tmp_path, tokenizers | by_modality(world)))


def test_an_interrupted_run_is_begun_again(tokenizers, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "CLIPS_PER_SHARD", 1)
    interrupted = write_shards(clips, tmp_path, tokenizers, batch_size=1)
    for _ in range(4):
        next(interrupted)
    interrupted.close()
    assert len(list(tmp_path.glob("*.parquet"))) >= 3
    with pytest.raises(ValueError, match=METADATA):
        CodeShards(tmp_path)
    (tmp_path / "theirs.parquet").write_text("somebody else's")
    list(write_shards(clips[:2], tmp_path, tokenizers, batch_size=1))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"shard_00000.parquet", "shard_00001.parquet", METADATA, "theirs.parquet"}
    assert json.loads((tmp_path / METADATA).read_text())["files"] == ["shard_00000.parquet", "shard_00001.parquet"]
    (tmp_path / "theirs.parquet").unlink()
    assert len(CodeShards(tmp_path)) == 2


def test_shards_of_nobody_knows_whom_are_left_alone(tokenizers, clips, tmp_path):
    (tmp_path / "shard_00007.parquet").write_text("somebody else's")
    with pytest.raises(ValueError, match=r"shard_00007\.parquet exists already"):
        list(write_shards(clips, tmp_path, tokenizers))
    assert [path.name for path in tmp_path.iterdir()] == ["shard_00007.parquet"]


def test_nothing_to_encode(tokenizers, tmp_path):
    with pytest.raises(ValueError, match="no clips to encode"):
        list(write_shards([], tmp_path, tokenizers))
    assert not (tmp_path / METADATA).exists()


def test_folders_that_hold_no_shards(tmp_path):
    with pytest.raises(ValueError, match="no folder of code shards"):
        CodeShards(tmp_path)
    (tmp_path / METADATA).write_text(json.dumps({"format_version": 9}), encoding="utf-8")
    with pytest.raises(ValueError, match="shards of format 9; this version reads 1"):
        CodeShards(tmp_path)
    metadata = {"format_version": 1, "clips": 1, "visual_shape": [1, 2, 2], "motion_shape": [1, 4]}
    (tmp_path / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds no \.parquet file"):
        CodeShards(tmp_path)


def test_clips_of_another_size_are_refused(tokenizers, clips, tmp_path):
    first = next(iter(clips))
    wider = first | {"video": torch.nn.functional.pad(first["video"], (0, 0, 0, 16))}
    with pytest.raises(ValueError, match=r"A clip has .*48, 3\).*, the clips before it .*32, 3\).*must be alike"):
        list(write_shards([first, wider], tmp_path / "shards", tokenizers))
