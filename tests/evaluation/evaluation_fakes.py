# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Small stand-ins for the networks, and clips without files."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from unimo_hf.evaluation.training_statistics import TrainingStatistics
from unimo_hf.model.pixel_range import to_model_range, to_pixels
from unimo_hf.motion.motion import Motion

FRAMES, SIZE, FPS = 9, 16, 15.0


class FakeBody:
    """A stiff doll: `rest` turned by `global_orient`; each vertex is a joint shifted by 0.1 m."""

    def __init__(self):
        self.rest = torch.randn(22, 3, generator=torch.Generator().manual_seed(5)) * 0.3

    foot_vertices = (10, 7, 11, 8)

    def joints(self, body_pose, global_orient, transl, betas):
        from unimo_hf.model.motion_features import axis_angle_to_matrix

        mean_pose = body_pose.reshape(-1, 21, 3).mean(1, keepdim=True)
        bent = self.rest + 0.1 * mean_pose * torch.arange(22)[:, None]
        turned = bent @ axis_angle_to_matrix(global_orient).mT + transl[:, None]
        return torch.cat((turned, turned.new_zeros(len(turned), 33, 3)), dim=1)

    def vertices(self, **parameters):
        return self.joints(**parameters)[:, :22] + 0.1


def make_motion(seed: int = 0, frames: int = FRAMES, still: bool = False, fps: float = FPS) -> Motion:
    generator = np.random.default_rng(seed)
    shift = np.cumsum(generator.normal(0, 0.02, (frames, 3)), 0)
    return Motion(
        body_pose=np.broadcast_to(generator.normal(0, 0.3, (1, 63)), (frames, 63)),
        global_orient=np.broadcast_to(generator.normal(0, 1, (1, 3)), (frames, 3)),
        transl=shift * (not still) + np.array((0, 0, 3)),
        betas=generator.normal(0, 0.5, 10),
        fps=fps,
    )


def make_video(seed: int = 0, frames: int = FRAMES, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, size, size, 3), dtype=np.uint8)


def write_clips(folder: Path, count: int, **motion) -> list[SimpleNamespace]:
    """Clips with a motion on disk; the name of the video is its seed, for `read_clip`."""
    clips = []
    for number in range(count):
        path = folder / f"{number}.npz"
        make_motion(number, **motion).save(path)
        clips.append(SimpleNamespace(video_path=folder / f"{number}.mp4", motion_path=path))
    return clips


def read_clip(path: Path) -> np.ndarray:
    return make_video(int(path.stem))


class FakeVideoFSQ:
    """Codes are the grey level of the top left pixel of each 8x8 block of every eighth frame; decodes to that grey."""

    config = SimpleNamespace(levels=(4, 4, 4), codebook_size=64)
    device = torch.device("cpu")

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        return ((video[:, 0, ::8, ::8, ::8] + 1) / 2 * 63).round().long()

    def decode(self, visual_codes: torch.Tensor) -> torch.Tensor:
        grey = (visual_codes / 63 * 2 - 1).repeat_interleave(8, 2).repeat_interleave(8, 3)
        frames = torch.cat((grey[:, :1], grey[:, 1:].repeat_interleave(8, 1)), dim=1)
        return frames[:, None].expand(-1, 3, -1, -1, -1)


class FakePipeline:
    """Knows the true motion of every clip by its first code; greedy decoding finds it, sampling stands still."""

    def __init__(self, clips: int):
        self.body, self.video_fsq = FakeBody(), FakeVideoFSQ()
        self.seeds: list[int] = []
        self.motions = [make_motion(number) for number in range(clips)]
        self.frozen = [make_motion(number, still=True) for number in range(clips)]
        self.keys = torch.stack([self._key(torch.as_tensor(make_video(number))) for number in range(clips)])

    @staticmethod
    def _key(video: torch.Tensor) -> torch.Tensor:
        return video[0].flatten().float()

    def _find(self, pictures: torch.Tensor) -> torch.Tensor:
        """Numbers of the clips whose first frames (B, 3, S, S) are given."""
        frames = to_pixels(pictures[:, :, None]).float().flatten(1)
        return torch.cdist(frames, self.keys).argmin(dim=1)

    def encode_video(self, video):
        assert video.shape[1] == 3
        assert video.abs().max() <= 1
        numbers = self._find(video[:, :, 0])
        return numbers[:, None, None, None].expand(-1, 1 + (video.shape[2] - 1) // 8, 2, 2)

    def generate_codes(self, task, codes, *, do_sample=None, mean_codes=None, seed=None):
        """Codes are the number of a clip, in a sampled motion 100 more."""
        numbers = codes["visual"][:, 0, 0, 0]
        if task == "v2m":
            self.seeds.append(seed)
            numbers = numbers + (100 if do_sample else 0)
        motion = numbers[:, None, None].expand(-1, FRAMES, 36)
        return {"visual": numbers[:, None, None, None].expand(-1, 2, 2, 2), "motion": motion}

    def decode_motion(self, motion_codes):
        numbers = motion_codes[:, 0, 0].tolist()
        return [self.frozen[number - 100] if number >= 100 else self.motions[number] for number in numbers]

    def decode_video(self, visual_codes):
        videos = np.stack([make_video(int(number)) for number in visual_codes[:, 0, 0, 0]])
        return to_model_range(torch.as_tensor(videos))


def make_statistics(**changes) -> TrainingStatistics:
    joints = FakeBody().rest
    return TrainingStatistics(**{"mean_joints": {"front": joints}, "mean_body_joints": joints} | changes)
