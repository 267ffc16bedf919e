# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From the clock of a video to that of the model, and back."""

from dataclasses import replace

import numpy as np
import pytest

from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.frame_source import FrameSource, open_source, to_clock_of
from unimo_hf.video.reading import Video
from unimo_hf.video.writing import write_video

MODEL_FPS = 15.0


def video_of(count: int, fps: float) -> Video:
    frames = np.zeros((count, 16, 16, 3), np.uint8)
    frames[:] = (np.arange(count) * 255 // max(count - 1, 1))[:, None, None, None]
    return Video(frames, fps)


def motion_of(count: int) -> Motion:
    """One pose for each frame at the model's rate; `transl` is the time in seconds."""
    transl = np.repeat(np.arange(count)[:, None] / MODEL_FPS, 3, axis=1)
    return Motion(np.zeros((count, 63)), np.zeros((count, 3)), transl, np.zeros(10), MODEL_FPS)


@pytest.mark.parametrize("fps", [0.5, 5.0, 12.5, 15.0, 23.976, 30.0, 59.94, 240.0])
@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 50])
def test_one_pose_for_each_frame_at_its_time(count, fps):
    source = open_source(video_of(count, fps), MODEL_FPS)
    seen = list(source.frames)
    motion = to_clock_of(source, motion_of(len(seen)))
    assert len(motion) == count
    assert motion.fps == pytest.approx(fps)
    times = np.arange(count) / fps
    # Behind the last frame that the model saw, the last pose is held.
    assert np.abs(motion.transl[:, 0] - times).max() <= 1 / MODEL_FPS + 1e-4


@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0])
def test_a_file_and_its_frames_in_memory_are_sampled_alike(tmp_path, fps):
    video = video_of(20, fps)
    write_video(tmp_path / "clip.mp4", video.frames, fps, crf=0, pixel_format="yuv444p")
    from_memory, from_file = open_source(video, MODEL_FPS), open_source(tmp_path / "clip.mp4", MODEL_FPS)
    in_memory, in_file = (np.stack(list(source.frames))[:, 0, 0, 0] for source in (from_memory, from_file))
    np.testing.assert_allclose(in_memory.astype(int), in_file.astype(int), atol=4)
    assert from_file.count == from_memory.count == 20
    assert from_file.fps == pytest.approx(fps)


@pytest.mark.parametrize(("declared", "given"), [(0, 17), (3, 17), (18, 18), (10**9, 18)])
def test_a_false_number_of_frames_is_not_believed(declared, given):
    source = FrameSource(iter(()), fps=30.0, count=declared)
    assert len(to_clock_of(source, motion_of(9))) == given


@pytest.mark.parametrize(
    "video",
    [
        Video(np.zeros((0, 8, 8, 3), np.uint8), 15.0),
        Video(np.zeros((3, 8, 8, 3), np.float32), 15.0),
        Video(np.zeros((8, 8, 3), np.uint8), 15.0),
        Video(np.zeros((3, 8, 8, 3), np.uint8), 0.0),
        Video(np.zeros((3, 8, 8, 3), np.uint8), float("nan")),
    ],
)
def test_frames_in_memory_are_checked(video):
    with pytest.raises(ValueError, match="of the video"):
        open_source(video, MODEL_FPS)


def test_a_motion_at_the_rate_of_its_video_is_unchanged():
    motion = motion_of(5)
    source = open_source(video_of(5, MODEL_FPS), MODEL_FPS)
    np.testing.assert_array_equal(to_clock_of(source, motion).transl, motion.transl)
    assert len(to_clock_of(replace(source, count=6), motion)) == 5
