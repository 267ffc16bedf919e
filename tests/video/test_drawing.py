# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
import torch

from unimo_hf.model.pad_resize import PadResize
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion
from unimo_hf.video import VideoError, probe_video, read_video, write_video
from unimo_hf.video.drawing import draw_body, draw_motion, write_overlay
from unimo_hf.video.geometry import project, source_intrinsics

SIZE = 128


@pytest.fixture(scope="module")
def body():
    return Body.load()


def standing(frames=3, fps=10.0, **changes):
    """Upright, facing the camera, 4 m away, the pelvis on the optical axis."""
    fields = {
        "body_pose": np.zeros((frames, 63)),
        "global_orient": np.tile([np.pi, 0, 0], (frames, 1)),
        "transl": np.tile([0.0, 0.35, 4.0], (frames, 1)),
        "betas": np.zeros(10),
        "fps": fps,
    }
    return Motion(**(fields | changes))


@pytest.mark.parametrize(("height", "width"), [(60, 100), (100, 60), (128, 128), (37, 301)])
def test_the_camera_in_the_source_is_the_one_in_the_square(height, width):
    geometry = PadResize(height, width, SIZE)
    points = np.random.default_rng(0).uniform((-1, -1, 2), (1, 1, 5), (20, 3))
    focal = np.sqrt(2) * SIZE
    square = torch.from_numpy(focal * points[:, :2] / points[:, 2:] + SIZE / 2)
    found = project(points, source_intrinsics(geometry))
    np.testing.assert_allclose(found[:, :2], geometry.inverse_points(square), atol=1e-3)
    np.testing.assert_allclose(found[:, 2], points[:, 2], rtol=1e-6)


def test_points_behind_the_camera_have_no_depth():
    points = np.array([[0, 0, -1.0], [0, 0, 0], [1, 1, 0.01], [0, 0, 1]])
    assert project(points, source_intrinsics(PadResize(8, 8, 8)))[:, 2].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(("height", "width"), [(60, 100), (100, 60), (720, 730)])
def test_the_body_stands_where_its_joints_are(body, height, width):
    motion = standing(frames=1)
    black = np.zeros((height, width, 3), dtype=np.uint8)
    drawn = next(draw_motion([black], motion, body, SIZE, opacity=1))
    assert not black.any()
    covered = drawn.any(axis=-1)
    intrinsics = source_intrinsics(PadResize(height, width, SIZE))
    for x, y, _ in project(motion.joints(body)[0, :16], intrinsics):
        if 0 <= x < width and 0 <= y < height:
            assert covered[int(y), int(x)]
    pixels = project(motion.vertices(body)[0], intrinsics)
    rows, columns = np.nonzero(covered)
    for values, extent, limit in ((columns, pixels[:, 0], width), (rows, pixels[:, 1], height)):
        assert values.min() == pytest.approx(max(extent.min(), 0), abs=2)
        assert values.max() == pytest.approx(min(extent.max(), limit), abs=2)


def test_opacity_and_colours(body):
    frame = np.full((64, 64, 3), 100, dtype=np.uint8)
    vertices, intrinsics = standing(frames=1).vertices(body)[0], source_intrinsics(PadResize(64, 64, SIZE))
    np.testing.assert_array_equal(draw_body(frame, vertices, body.faces, intrinsics, opacity=0), frame)
    red = np.tile([1.0, 0, 0], (len(body.faces), 1))
    full, half = (draw_body(frame, vertices, body.faces, intrinsics, opacity, red) for opacity in (1.0, 0.5))
    assert full[30, 32, 1:].tolist() == [0, 0]
    assert full[30, 32, 0] > 80
    np.testing.assert_allclose(half, (full.astype(float) + frame) / 2, atol=1)
    with pytest.raises(VideoError, match="opacity is 2"):
        draw_body(frame, vertices, body.faces, intrinsics, opacity=2)


@pytest.mark.parametrize("transl", [(0, 0, -4), (50, 0, 4), (0, 0, 0), (0, -90, 1), (0, 0.35, 1e6)])
def test_a_body_out_of_sight(body, transl):
    frame = np.full((48, 64, 3), 100, dtype=np.uint8)
    drawn = next(draw_motion([frame], standing(frames=1, transl=[transl]), body, SIZE))
    assert drawn.shape == frame.shape
    if transl not in ((0, 0, 0), (0, 0.35, 1e6)):
        np.testing.assert_array_equal(drawn, frame)


def test_only_the_camera_frame_can_be_drawn(body):
    motion = standing(frames=1, coordinates="world", up="y")
    with pytest.raises(VideoError, match="world coordinates"):
        next(draw_motion([np.zeros((8, 8, 3), np.uint8)], motion, body, SIZE))


def test_a_long_motion_is_drawn_in_chunks(body):
    transl = np.tile([0.0, 0.35, 4.0], (70, 1))
    transl[:, 0] = np.linspace(-1, 1, 70)
    drawn = list(
        draw_motion((np.zeros((32, 48, 3), np.uint8) for _ in range(75)), standing(70, transl=transl), body, SIZE)
    )
    centres = [np.nonzero(frame.any(axis=-1))[1].mean() for frame in drawn]
    assert len(drawn) == 75
    assert np.all(np.diff(centres[:70]) > -0.5)
    assert centres[69] - centres[0] > 15
    assert centres[70:] == [centres[69]] * 5


def test_overlay(body, tmp_path):
    write_video(tmp_path / "source.mp4", [np.full((50, 34, 3), 30, np.uint8)] * 12, 20)
    count = write_overlay(tmp_path / "over.mp4", tmp_path / "source.mp4", standing(5, fps=10), body, SIZE)
    info = probe_video(tmp_path / "over.mp4")
    assert (info.height, info.width, info.fps, info.frames) == (50, 34, 20, count) == (50, 34, 20, 10)
    frames = read_video(tmp_path / "over.mp4").frames
    assert frames[:, 22, 17].min() > 60
    assert frames[:, 2, 2].max() < 40


@pytest.mark.parametrize(("height", "width"), [(60, 100), (128, 128), (1, 500), (33, 32)])
def test_pad_resize(height, width):
    geometry = PadResize(height, width, 64)
    frames = torch.full((2, 3, height, width), 200, dtype=torch.uint8)
    square = geometry.apply(frames)
    assert (square.shape, square.dtype) == ((2, 3, 64, 64), torch.uint8)
    rows, columns = geometry.resized
    assert int((square[0, 0] == 200).sum()) == rows * columns
    points = torch.rand(5, 2, dtype=torch.float64) * 50
    torch.testing.assert_close(geometry.inverse_points(geometry.points(points)), points)
