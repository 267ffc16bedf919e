# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
from types import SimpleNamespace

import pytest
import torch
from evaluation_fakes import FPS, FRAMES, make_motion, make_video, read_clip, write_clips

from unimo_hf.evaluation.clip_batches import ClipReader


def test_batches_are_bounded_and_in_order(tmp_path):
    reader = ClipReader(write_clips(tmp_path, 5), batch_size=2, read=read_clip)
    batches = list(reader)
    assert [len(batch.video) for batch in batches] == [2, 2, 1]
    assert torch.equal(batches[2].video[0], torch.as_tensor(make_video(4)))
    assert batches[1].motions[1].betas.tolist() == make_motion(3).betas.tolist()
    assert (reader.used, reader.fps, reader.total_frames) == (5, FPS, 5 * FRAMES)


def test_one_bad_clip_of_many_stops_nothing(tmp_path):
    clips = write_clips(tmp_path, 4)
    clips[1].motion_path.write_bytes(b"")
    clips[2].motion_path.unlink()
    reader = ClipReader(clips, read=read_clip)
    (batch,) = reader
    assert len(batch.motions) == len(batch.video) == reader.used == 2
    assert [failure["input"] for failure in reader.failures] == [str(clip.video_path) for clip in clips[1:3]]
    assert "1.npz" in reader.failures[0]["error"]


def test_clips_have_to_be_alike_and_fit_their_motion(tmp_path):
    clips = write_clips(tmp_path, 4)
    make_motion(1, frames=FRAMES - 1).save(clips[1].motion_path)
    make_motion(2, fps=30).save(clips[2].motion_path)
    reader = ClipReader(clips, read=lambda path: make_video(0, size=32) if path.stem == "3" else read_clip(path))
    list(reader)
    shortened, faster, larger = (failure["error"] for failure in reader.failures)
    assert "9 frames, its motion 8" in shortened
    assert "(9, 16, 16, 30.0)" in faster
    assert "(9, 32, 32, 15.0)" in larger


def test_no_good_clip_is_an_error(tmp_path):
    clips = [SimpleNamespace(video_path=tmp_path / "0.mp4", motion_path=tmp_path / "0.npz")]
    with pytest.raises(ValueError, match=r"None of the 1 clips.*0\.mp4"):
        list(ClipReader(clips))
    with pytest.raises(ValueError, match="None of the 0 clips"):
        list(ClipReader([]))
    with pytest.raises(ValueError, match="batch_size is 0"):
        ClipReader([], batch_size=0)
