# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from evaluation_fakes import FRAMES, FakeBody, FakeVideoFSQ, make_video, read_clip, write_clips

from unimo_hf.evaluation.statistics_from_clips import statistics_from_clips
from unimo_hf.model.pixel_range import to_model_range


def test_all_clips_count_and_some_are_in_the_bank(tmp_path):
    clips = write_clips(tmp_path, 5)
    options = {"bank_clips": 2, "batch_size": 2, "progress": False, "read": read_clip}
    statistics = statistics_from_clips({"front": clips, "around": clips[1:]}, FakeBody(), FakeVideoFSQ(), **options)
    assert statistics.frames == {"front": 5 * FRAMES, "around": 4 * FRAMES}
    videos = torch.stack([torch.as_tensor(make_video(number)) for number in (0, 1, 1, 2)])
    assert torch.equal(statistics.bank.visual_codes, FakeVideoFSQ().encode(to_model_range(videos)))
    without = statistics_from_clips({"front": clips, "around": clips[1:]}, FakeBody())
    assert without.bank is None
    torch.testing.assert_close(without.mean_joints, statistics.mean_joints)


def test_bad_clips_are_left_out_with_a_warning(tmp_path):
    clips = write_clips(tmp_path, 3)
    clips[1].motion_path.write_bytes(b"")
    with pytest.warns(UserWarning, match="Left out"):
        statistics = statistics_from_clips({"front": clips}, FakeBody())
    assert statistics.frames == {"front": 2 * FRAMES}
    with pytest.warns(UserWarning, match="Left out"):
        statistics_from_clips({"front": clips}, FakeBody(), FakeVideoFSQ(), progress=False, read=read_clip)
    with pytest.raises(ValueError, match="no training clips"):
        statistics_from_clips({"front": []}, FakeBody())
