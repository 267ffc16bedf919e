# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Drawn clips as a training set, with and without a folder that keeps them."""

import numpy as np
import pytest
import torch

from unimo_hf.data.drawn_clips import DrawnClips
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.motion.motion import load_collection


@pytest.fixture(scope="module")
def source(assets):
    return ClipSource(load_collection(assets / "motions" / "test"), ClipSettings(frames=9, size=32), seed=0)


def test_a_clip_has_its_video_and_its_parameters(source):
    clip = DrawnClips(source, 3)[1]
    shapes = {key: tuple(value.shape) for key, value in clip.items()}
    assert shapes == {
        "video": (9, 32, 32, 3),
        "body_pose": (9, 63),
        "global_orient": (9, 3),
        "transl": (9, 3),
        "betas": (9, 10),
    }
    assert clip["video"].dtype == torch.uint8
    assert torch.equal(clip["betas"], clip["betas"][:1].expand(9, 10))
    drawn = source.draw(1)
    assert np.array_equal(clip["video"].numpy(), drawn.video)
    assert np.array_equal(clip["transl"].numpy(), drawn.motion.transl)


def test_kept_clips_are_not_drawn_again(source, tmp_path, monkeypatch):
    fresh = DrawnClips(source, 3)
    kept = DrawnClips(source, 3, tmp_path)
    first = kept[2]
    assert all(torch.equal(value, fresh[2][key]) for key, value in first.items())
    monkeypatch.setattr(ClipSource, "draw", lambda *_: pytest.fail("drawn again"))
    for clips in (kept, DrawnClips(source, 3, tmp_path)):  # in this run, and in the next
        assert all(torch.equal(value, first[key]) for key, value in clips[2].items())


def test_a_part_of_the_kept_clips(source, tmp_path):
    whole = DrawnClips(source, 3, tmp_path)
    part = DrawnClips(source, 2, tmp_path)
    assert len(part) == 2
    assert all(torch.equal(value, whole[1][key]) for key, value in part[1].items())


def test_a_folder_of_other_clips(source, tmp_path):
    DrawnClips(source, 3, tmp_path)
    with pytest.raises(ValueError, match=r"video\.npy holds uint8 \(3, 9, 32, 32, 3\)"):
        DrawnClips(source, 4, tmp_path)
