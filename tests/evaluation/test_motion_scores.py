# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math
import warnings

import numpy as np
import pytest
import torch
from evaluation_fakes import make_motion

from unimo_hf.evaluation.body_points import BodyPoints, body_points
from unimo_hf.evaluation.motion_scores import MOTION_UNITS, MotionScores
from unimo_hf.motion.body import Body


def points(clips: int, frames: int, error: float = 0.0, with_vertices: bool = True) -> BodyPoints:
    joints = torch.zeros(clips, frames, 22, 3)
    joints[..., 11:, 0] = torch.arange(11) / 10  # a body with some extent
    joints[..., 20, 1] = error
    vertices = joints.clone()
    vertices[..., 2] += error
    return BodyPoints(joints, vertices if with_vertices else None)


def test_frames_count_equally():
    scores = MotionScores()
    scores.add(points(1, 9, error=0.22), points(1, 9), fps=15)
    scores.add(points(2, 3, error=0.0), points(2, 3), fps=15)
    means = scores.means()
    assert means["mpjpe"] == pytest.approx(10 * 9 / 15)  # 220 mm in one of 22 joints, in 9 of 15 frames
    assert means["accel"] == pytest.approx(0)
    assert means["pve"] > 0
    assert scores.clips == 3
    assert scores.protocol()["pve"]["points"] == "22 vertices"
    assert set(means) == set(MOTION_UNITS)


@pytest.mark.parametrize(("fps", "variant"), [(15.0, "gvhmr, at 15 fps"), (29.97, "gvhmr, at 29.97 fps")])
def test_accel_is_measured_at_the_rate_of_the_clips(fps, variant):
    predicted, target = points(2, 6), points(2, 6)
    predicted.joints[:, :, 20, 1] += 0.5 * 2.2 * (torch.arange(6) / fps) ** 2  # one of 22 joints falls with 2.2 m/s²
    scores = MotionScores()
    scores.add(predicted, target, fps)
    assert scores.means()["accel"] == pytest.approx(0.1, rel=1e-3)
    assert scores.protocol()["accel"]["variant"] == variant


def test_standard_error_is_over_clips():
    scores = MotionScores()
    for error in (0.0, 0.22, 0.44):
        scores.add(points(1, 5, error), points(1, 5), fps=15)
    assert scores.standard_errors()["mpjpe"] == pytest.approx(10 / math.sqrt(3))
    alone = MotionScores()
    alone.add(points(1, 5), points(1, 5), fps=15)
    assert alone.standard_errors() == {}


def test_pve_is_left_out_without_a_mesh():
    scores = MotionScores()
    scores.add(points(1, 5, with_vertices=False), points(1, 5), fps=15)
    assert set(scores.means()) == {"mpjpe", "pa_mpjpe", "accel"}


def test_pve_is_of_flat_hands(goldens):
    path = goldens / "motion" / "synthetic_body_smplx.npz"
    body, motion = Body.load(path), make_motion(0, frames=3)
    with np.load(path) as model:
        mean_hands = np.concatenate((model["hands_meanl"], model["hands_meanr"]))
    found = body_points([motion], body)
    pve = {}
    for name, hands in {"flat": np.zeros(90), "mean": mean_hands}.items():
        # Jaw and eyes come before the hands.
        body_pose = np.concatenate((motion.body_pose, np.tile(np.r_[np.zeros(9), hands], (3, 1))), axis=1)
        vertices = body.vertices(body_pose, motion.global_orient, motion.transl, motion.betas)
        scores = MotionScores()
        scores.add(found, BodyPoints(found.joints, vertices[None]), fps=15)
        pve[name] = scores.means()["pve"]
    assert pve["flat"] < 1e-3
    assert pve["mean"] > 1


def test_clips_too_short_for_accel_give_none_with_a_warning():
    scores = MotionScores("wham")
    with pytest.warns(UserWarning, match="needs 5 frames"):
        scores.add(points(2, 3), points(2, 3), fps=15)
    with pytest.warns(UserWarning, match="no value of accel"):
        assert scores.means()["accel"] is None
    assert scores.protocol()["accel"]["variant"] == "wham, at 15 fps"


def test_without_clips_there_are_no_numbers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MotionScores().means() == {}
