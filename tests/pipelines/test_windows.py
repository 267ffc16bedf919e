# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A long video in windows: which frames stand in which, and how their motions become one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.windows import MotionOfWindows, cut_windows

LENGTH, OVERLAP = 9, 4


def numbered_frames(count: int | None = None):
    """Frames whose one pixel is their number."""
    for number in itertools.count() if count is None else range(count):
        yield torch.full((1, 3, 1, 1, 1), float(number))


def numbers(window) -> list[int]:
    return window.video[0, 0, :, 0, 0].int().tolist()


@pytest.mark.parametrize("count", range(1, 30))
def test_every_frame_is_new_in_one_window_and_every_window_is_a_full_clip(count):
    new = []
    for window in cut_windows(numbered_frames(count), LENGTH, OVERLAP):
        assert window.video.shape[2] == LENGTH
        assert window.known >= OVERLAP or not new
        new += numbers(window)[window.known : window.real]
    assert new == list(range(count))


def test_a_last_window_reaches_back_and_a_short_video_stands_still():
    first, last = cut_windows(numbered_frames(11), LENGTH, OVERLAP)
    assert numbers(first) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert (numbers(last), last.known, last.real) == ([2, 3, 4, 5, 6, 7, 8, 9, 10], 7, 9)
    (short,) = cut_windows(numbered_frames(3), LENGTH, OVERLAP)
    assert (numbers(short), short.known, short.real) == ([0, 1, 2, 2, 2, 2, 2, 2, 2], 0, 3)


def test_a_video_without_end_is_read_as_far_as_it_is_needed():
    taken = []

    def frames():
        for frame in numbered_frames():
            taken.append(frame)
            yield frame

    windows = list(itertools.islice(cut_windows(frames(), LENGTH, OVERLAP), 3))
    assert len(taken) == LENGTH + 2 * (LENGTH - OVERLAP)
    assert numbers(windows[2])[-1] == len(taken) - 1


def test_no_frames_give_no_window():
    assert list(cut_windows(numbered_frames(0), LENGTH, OVERLAP)) == []


def walk(frames: int, start: int = 0, offset: float = 0.0, shape: float = 0.0) -> Motion:
    """Somebody who goes 0.1 m a frame to the right."""
    transl = np.zeros((frames, 3))
    transl[:, 0] = 0.1 * (start + np.arange(frames)) + offset
    pose = np.full((frames, 63), 0.01 * shape)
    return Motion(pose, np.zeros((frames, 3)), transl, np.full(10, shape), fps=15.0)


def pelvis(motion: Motion) -> np.ndarray:
    return motion.joints(Body.load())[:, 0]


def go_on(joined: MotionOfWindows, motion: Motion, known: int) -> None:
    """A window that sees the person where they are taken to be."""
    joined.go_on(motion, known, joined.last(known)[:1])


def test_a_walk_goes_on_across_windows_that_disagree_about_place_and_shape():
    joined = MotionOfWindows(Body.load())
    joined.begin(walk(9))
    go_on(joined, walk(9, start=5, offset=3.0, shape=1.0), 4)
    go_on(joined, walk(9, start=8, offset=-2.0, shape=0.5), 6)
    whole = joined.whole()
    assert len(whole) == 9 + 5 + 3
    steps = np.diff(pelvis(whole), axis=0)
    np.testing.assert_allclose(steps, np.tile([0.1, 0.0, 0.0], (16, 1)), atol=1e-5)
    np.testing.assert_allclose(whole.betas, (0 * 9 + 1.0 * 5 + 0.5 * 3) / 17, atol=1e-6)
    np.testing.assert_allclose(pelvis(whole)[0], pelvis(walk(9))[0], atol=1e-6)


def test_the_last_poses_may_come_from_several_windows():
    joined = MotionOfWindows(Body.load())
    joined.begin(walk(9))
    go_on(joined, walk(9, start=5, shape=1.0), 4)
    assert len(joined.last(4)) == 4
    last = joined.last(8)
    assert len(last) == 8
    np.testing.assert_allclose(pelvis(last), pelvis(joined.whole()[-8:]), atol=1e-5)


def test_a_false_step_does_not_add_up():
    """Somebody stands; the steps of every window lead 1 cm a frame aside, but the window sees where they are."""
    standing, drifting = replace(walk(1), transl=np.zeros((1, 3))), walk(9)
    drifting = replace(drifting, transl=drifting.transl * 0.1)
    led, free = MotionOfWindows(Body.load()), MotionOfWindows(Body.load())
    for joined in (led, free):
        joined.begin(drifting)
    for _ in range(60):
        led.go_on(drifting, OVERLAP, standing)
        go_on(free, drifting, OVERLAP)
    assert free.whole().transl[-1, 0] == pytest.approx(0.01 * (8 + 60 * 5), abs=1e-4)
    assert led.whole().transl[:, 0].max() < 0.6
    steps = np.abs(np.diff(led.whole().transl[:, 0]))
    assert steps.max() <= 0.0101
