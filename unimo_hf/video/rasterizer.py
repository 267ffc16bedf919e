# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A z-buffer for triangle meshes: what draws the synthetic clips and the body over a frame."""

import numba
import numpy as np

NO_FACE = -1


@numba.njit(cache=True, fastmath=True, nogil=True)
def rasterize(vertices: np.ndarray, faces: np.ndarray, height: int, width: int) -> np.ndarray:
    """Find the face nearest to the camera at every pixel.

    Args:
        vertices (`np.ndarray` of shape `(V, 3)`, float32): Pixel x (right), pixel y (down), depth z in metres; the
            centre of the first pixel is (0.5, 0.5). Faces with a vertex at z <= 0 are left out.
        faces (`np.ndarray` of shape `(F, 3)`, int32): Triangles of either winding.
        height (`int`): Rows of the picture.
        width (`int`): Columns of the picture.

    Returns:
        `np.ndarray` of shape `(height, width)`, int32: Index of the visible face, -1 where there is none.
    """
    nearest = np.full((height, width), NO_FACE, dtype=np.int32)
    inverse_depth = np.zeros((height, width), dtype=np.float32)
    for face in range(faces.shape[0]):
        ax, ay, az = vertices[faces[face, 0]]
        bx, by, bz = vertices[faces[face, 1]]
        cx, cy, cz = vertices[faces[face, 2]]
        if az <= 0 or bz <= 0 or cz <= 0:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        left = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0)
        right = min(int(np.floor(max(ax, bx, cx) - 0.5)), width - 1)
        top = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0)
        bottom = min(int(np.floor(max(ay, by, cy) - 0.5)), height - 1)
        # Inverse depth is linear in the picture plane, so it is interpolated instead of the depth itself.
        ia, ib, ic = 1 / az, 1 / bz, 1 / cz
        for row in range(top, bottom + 1):
            py = row + np.float32(0.5)
            for column in range(left, right + 1):
                px = column + np.float32(0.5)
                wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                wc = 1 - wa - wb
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                depth = wa * ia + wb * ib + wc * ic
                if depth > inverse_depth[row, column]:
                    inverse_depth[row, column] = depth
                    nearest[row, column] = face
    return nearest


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade(points: np.ndarray, faces: np.ndarray, colours: np.ndarray, light: np.ndarray, ambient: float) -> np.ndarray:
    """Lambert shading, one colour a face.

    Args:
        points (`np.ndarray` of shape `(V, 3)`, float32): Vertices in the camera frame, metres.
        faces (`np.ndarray` of shape `(F, 3)`, int32): Triangles, counter-clockwise seen from outside.
        colours (`np.ndarray` of shape `(F, 3)`, float32): Colour of each face in [0, 1].
        light (`np.ndarray` of shape `(3,)`, float32): Unit vector towards the light, camera frame.
        ambient (`float`): Share of the light that reaches every face, in [0, 1].

    Returns:
        `np.ndarray` of shape `(F, 3)`, float32: Shaded colours in [0, 1].
    """
    shaded = np.empty((faces.shape[0], 3), dtype=np.float32)
    for face in range(faces.shape[0]):
        a, b, c = points[faces[face, 0]], points[faces[face, 1]], points[faces[face, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-12)
        lambert = max((nx * light[0] + ny * light[1] + nz * light[2]) / length, np.float32(0))
        shaded[face] = colours[face] * np.float32(ambient + (1 - ambient) * lambert)
    return shaded


@numba.njit(cache=True, nogil=True)
def composite(nearest: np.ndarray, shaded: np.ndarray, background: np.ndarray, supersampling: int) -> np.ndarray:
    """Average the visible faces over blocks of pixels and lay them over a background.

    Args:
        nearest (`np.ndarray` of shape `(s*H, s*W)`, int32): As [`rasterize`] gives it, `supersampling` times as large.
        shaded (`np.ndarray` of shape `(F, 3)`, float32): Colours in [0, 1].
        background (`np.ndarray` of shape `(H, W, 3)`, float32): Colours in [0, 1].
        supersampling (`int`): Side of the averaged blocks.

    Returns:
        `np.ndarray` of shape `(H, W, 3)`, uint8.
    """
    height, width = background.shape[:2]
    picture = np.empty((height, width, 3), dtype=np.uint8)
    samples = supersampling * supersampling
    for row in range(height):
        for column in range(width):
            red, green, blue, covered = 0.0, 0.0, 0.0, 0
            for y in range(row * supersampling, (row + 1) * supersampling):
                for x in range(column * supersampling, (column + 1) * supersampling):
                    face = nearest[y, x]
                    if face >= 0:
                        red += shaded[face, 0]
                        green += shaded[face, 1]
                        blue += shaded[face, 2]
                        covered += 1
            free = samples - covered
            picture[row, column, 0] = np.uint8(255 * min((red + free * background[row, column, 0]) / samples, 1) + 0.5)
            picture[row, column, 1] = np.uint8(
                255 * min((green + free * background[row, column, 1]) / samples, 1) + 0.5
            )
            picture[row, column, 2] = np.uint8(
                255 * min((blue + free * background[row, column, 2]) / samples, 1) + 0.5
            )
    return picture
