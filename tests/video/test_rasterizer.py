# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The z-buffer against a slow one in numpy, and shading and compositing by hand."""

import numpy as np
import pytest

from unimo_hf.video.rasterizer import NO_FACE, composite, rasterize, shade

BLACK = np.zeros((4, 4, 3), dtype=np.float32)


def slow(vertices, faces, height, width):
    """The same rule, pixel by pixel over all faces at once; ties go to the first face."""
    y, x = np.mgrid[:height, :width] + 0.5
    best = np.zeros((height, width))
    nearest = np.full((height, width), NO_FACE)
    for number, face in enumerate(faces):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = vertices[face].astype(np.float64)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if min(az, bz, cz) <= 0 or area == 0:
            continue
        wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
        wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
        wc = 1 - wa - wb
        depth = wa / az + wb / bz + wc / cz
        hit = (wa >= 0) & (wb >= 0) & (wc >= 0) & (depth > best)
        best[hit], nearest[hit] = depth[hit], number
    return nearest


def test_equal_to_the_slow_one():
    generator = np.random.default_rng(0)
    vertices = generator.uniform((-10, -10, 1), (42, 34, 5), size=(60, 3)).astype(np.float32)
    faces = generator.integers(0, 60, size=(40, 3)).astype(np.int32)
    found, expected = rasterize(vertices, faces, 24, 32), slow(vertices, faces, 24, 32)
    # Float32 and float64 may disagree where a pixel's centre lies on an edge.
    assert (found != expected).mean() < 0.01
    assert (expected != NO_FACE).any()


def square(depth, left=0.0, size=4.0):
    corners = [(left, 0, depth), (left + size, 0, depth), (left, size, depth), (left + size, size, depth)]
    return np.array(corners, dtype=np.float32)


SQUARE = np.array([(0, 1, 2), (1, 3, 2)], dtype=np.int32)


def test_a_square_fills_its_pixels_and_no_others():
    nearest = rasterize(square(2.0, left=1, size=2), SQUARE, 4, 4)
    assert (nearest != NO_FACE).tolist() == [[False, True, True, False]] * 2 + [[False] * 4] * 2


def test_the_nearer_one_is_seen_whatever_the_order():
    vertices = np.concatenate((square(3.0), square(2.0)))
    for faces in (np.concatenate((SQUARE, SQUARE + 4)), np.concatenate((SQUARE + 4, SQUARE))):
        nearest = rasterize(vertices, faces, 4, 4)
        assert (faces[nearest] >= 4).all()


@pytest.mark.parametrize("depth", [0.0, -1.0])
def test_what_is_behind_the_camera_is_not_drawn(depth):
    assert (rasterize(square(depth), SQUARE, 4, 4) == NO_FACE).all()


def test_far_outside_and_flat_faces_do_no_harm():
    vertices = np.array([(1e9, 1e9, 1), (1e9 + 1, 1e9, 1), (1e9, 1e9 + 1, 1), (1, 1, 1), (2, 2, 1)], dtype=np.float32)
    faces = np.array([(0, 1, 2), (3, 4, 3), (3, 3, 3)], dtype=np.int32)
    assert (rasterize(vertices, faces, 4, 4) == NO_FACE).all()


def test_shading_follows_the_angle_to_the_light():
    points = np.array([(0, 0, 0), (0, 1, 0), (1, 0, 0)], dtype=np.float32)  # normal: -z, towards the camera
    faces, colours = np.array([(0, 1, 2)], dtype=np.int32), np.ones((1, 3), dtype=np.float32)
    for light, expected in (((0, 0, -1), 1.0), ((0, 0, 1), 0.25), ((0, 0.6, -0.8), 0.25 + 0.75 * 0.8)):
        shaded = shade(points, faces, colours, np.array(light, dtype=np.float32), 0.25)
        np.testing.assert_allclose(shaded, expected, rtol=1e-5)


def test_edges_are_mixed_with_the_background():
    nearest = np.full((8, 8), NO_FACE, dtype=np.int32)
    nearest[:2, :2] = 0  # one whole pixel
    nearest[2, 2] = 0  # a quarter of another
    shaded = np.array([(1.0, 0.5, 0.0)], dtype=np.float32)
    background = np.full((4, 4, 3), 0.2, dtype=np.float32)
    picture = composite(nearest, shaded, background, 2)
    assert picture[0, 0].tolist() == [255, 128, 0]
    assert picture[1, 1].tolist() == [round(255 * (0.25 * colour + 0.75 * 0.2)) for colour in (1.0, 0.5, 0.0)]
    assert picture[3, 3].tolist() == [51, 51, 51]
    assert picture.dtype == np.uint8
    assert (composite(nearest, shaded, BLACK, 2)[3] == 0).all()
