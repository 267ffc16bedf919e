# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
import torch
from evaluation_fakes import FRAMES, FakeBody, make_motion
from safetensors.torch import save_file

from unimo_hf.evaluation.training_statistics import (
    STATISTICS_FILE,
    TrainingClip,
    TrainingStatistics,
    build_training_statistics,
)
from unimo_hf.metrics.alignment import root_align


def codes(seed: int) -> torch.Tensor:
    return torch.randint(64, (2, 2, 2), generator=torch.Generator().manual_seed(seed))


def test_means_weigh_frames_equally():
    body = FakeBody()
    long, short = make_motion(0, frames=6), make_motion(1, frames=2)
    statistics = build_training_statistics([TrainingClip("front", long), TrainingClip("front", short)], body)
    joints = torch.cat([torch.as_tensor(motion.joints(body))[:, :22] for motion in (long, short)]).double()
    torch.testing.assert_close(statistics.mean_joints["front"], root_align(joints, joints).mean(0), atol=1e-6, rtol=0)
    assert statistics.frames == {"front": 8}
    assert statistics.bank is None


def test_cameras_are_kept_apart():
    clips = [TrainingClip("front", make_motion(0)), TrainingClip("around", make_motion(1))]
    both = build_training_statistics(clips, FakeBody())
    alone = build_training_statistics(clips[1:], FakeBody())
    assert set(both.mean_joints) == {"front", "around"}
    torch.testing.assert_close(both.mean_joints["around"], alone.mean_joints["around"])


def test_a_stiff_body_has_its_rest_pose_as_mean_pose():
    body = FakeBody()
    still = np.zeros((FRAMES, 63))
    motions = [make_motion(seed) for seed in range(3)]
    clips = [
        TrainingClip("front", type(motion)(still, motion.global_orient, motion.transl, motion.betas, 15))
        for motion in motions
    ]
    mean = build_training_statistics(clips, body).mean_body_joints
    torch.testing.assert_close(mean, root_align(body.rest, body.rest).double(), atol=1e-5, rtol=0)


def test_save_and_load_give_the_same(tmp_path):
    clips = [TrainingClip("front", make_motion(seed), codes(seed)) for seed in range(4)]
    statistics = build_training_statistics(clips, FakeBody(), bank_clips=3)
    statistics.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [STATISTICS_FILE]
    loaded = TrainingStatistics.load(tmp_path)
    assert loaded.frames == {"front": 4 * FRAMES}
    torch.testing.assert_close(loaded.mean_joints["front"], statistics.mean_joints["front"].float())
    torch.testing.assert_close(loaded.mean_body_joints, statistics.mean_body_joints.float())
    assert torch.equal(loaded.bank.visual_codes, torch.stack([codes(seed) for seed in range(3)]))
    motion, expected = loaded.bank.motion(2), make_motion(2)
    assert (motion.fps, motion.coordinates) == (15, "camera")
    for name in ("body_pose", "global_orient", "transl", "betas"):
        np.testing.assert_array_equal(getattr(motion, name), getattr(expected, name))


def test_without_a_bank(tmp_path):
    build_training_statistics([TrainingClip("front", make_motion(0))], FakeBody()).save(tmp_path / "s.safetensors")
    assert TrainingStatistics.load(tmp_path / "s.safetensors").bank is None


def test_wrong_clips_are_refused():
    with pytest.raises(ValueError, match="no training clips"):
        build_training_statistics([], FakeBody())
    world = make_motion(0).to_world_up("y", SpecialBody())
    with pytest.raises(ValueError, match="'world'"):
        build_training_statistics([TrainingClip("front", world)], FakeBody())
    uneven = [TrainingClip("front", make_motion(0, frames=frames), codes(0)) for frames in (9, 17)]
    with pytest.raises(ValueError, match="must be the same"):
        build_training_statistics(uneven, FakeBody())


class SpecialBody(FakeBody):
    def rest_pelvis(self, betas):
        return np.zeros(3)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=STATISTICS_FILE):
        TrainingStatistics.load(tmp_path)
    path = tmp_path / STATISTICS_FILE
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=STATISTICS_FILE):
        TrainingStatistics.load(tmp_path)
    save_file({"mean_body_joints": torch.zeros(22, 3)}, path, {"format_version": "9"})
    with pytest.raises(ValueError, match="format '9'"):
        TrainingStatistics.load(tmp_path)
    save_file({"mean_joints.front": torch.zeros(22, 3)}, path, {"format_version": "1", "frames": "{}"})
    with pytest.raises(ValueError, match="mean_body_joints"):
        TrainingStatistics.load(tmp_path)
