# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Smooth shading of a rasterised mesh, laid over a frame."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def vertex_light(vertices: np.ndarray, faces: np.ndarray, light: np.ndarray, ambient: float) -> np.ndarray:
    """Lambert light at each vertex, from the normals of its faces weighted by their area.

    Args:
        vertices (`np.ndarray` of shape `(V, 3)`, float32): Camera frame, metres.
        faces (`np.ndarray` of shape `(F, 3)`, int32): Triangles, counter-clockwise seen from outside.
        light (`np.ndarray` of shape `(3,)`, float32): Unit vector towards the light, camera frame.
        ambient (`float`): Share of the light that reaches every vertex, in [0, 1].

    Returns:
        `np.ndarray` of shape `(V,)`, float32: Brightness in [0, 1].
    """
    normals = np.zeros((vertices.shape[0], 3), dtype=np.float32)
    for face in range(faces.shape[0]):
        a, b, c = vertices[faces[face, 0]], vertices[faces[face, 1]], vertices[faces[face, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        for corner in range(3):
            normal = normals[faces[face, corner]]
            normal[0] += uy * vz - uz * vy
            normal[1] += uz * vx - ux * vz
            normal[2] += ux * vy - uy * vx
    brightness = np.empty(vertices.shape[0], dtype=np.float32)
    for vertex in range(vertices.shape[0]):
        x, y, z = normals[vertex]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        lambert = max((x * light[0] + y * light[1] + z * light[2]) / length, np.float32(0))
        brightness[vertex] = ambient + (1 - ambient) * lambert
    return brightness


@numba.njit(cache=True, nogil=True)
def blend(
    frame: np.ndarray,
    nearest: np.ndarray,
    pixels: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    brightness: np.ndarray,
    opacity: float,
    supersampling: int,
) -> None:
    """Lay visible faces over a frame, in place; brightness is interpolated within a face, edges are averaged.

    Args:
        frame (`np.ndarray` of shape `(H, W, 3)`, uint8): Changed in place.
        nearest (`np.ndarray` of shape `(s*H, s*W)`, int32): Visible face or -1, as [`rasterize`] gives it.
        pixels (`np.ndarray` of shape `(V, 3)`, float32): What was rasterised.
        faces (`np.ndarray` of shape `(F, 3)`, int32): Triangles.
        colours (`np.ndarray` of shape `(F, 3)`, float32): In [0, 1].
        brightness (`np.ndarray` of shape `(V,)`, float32): Of each vertex, in [0, 1].
        opacity (`float`): Of the faces, in [0, 1].
        supersampling (`int`): s, samples along each side of a pixel.
    """
    samples = supersampling * supersampling
    for row in range(frame.shape[0]):
        for column in range(frame.shape[1]):
            red, green, blue, covered = 0.0, 0.0, 0.0, 0
            for y in range(row * supersampling, (row + 1) * supersampling):
                for x in range(column * supersampling, (column + 1) * supersampling):
                    face = nearest[y, x]
                    if face < 0:
                        continue
                    i, j, k = faces[face]
                    px, py = x + 0.5, y + 0.5
                    area = (pixels[j, 0] - pixels[i, 0]) * (pixels[k, 1] - pixels[i, 1])
                    area -= (pixels[j, 1] - pixels[i, 1]) * (pixels[k, 0] - pixels[i, 0])
                    first = (pixels[j, 0] - px) * (pixels[k, 1] - py) - (pixels[j, 1] - py) * (pixels[k, 0] - px)
                    second = (pixels[k, 0] - px) * (pixels[i, 1] - py) - (pixels[k, 1] - py) * (pixels[i, 0] - px)
                    first, second = first / area, second / area
                    lit = first * brightness[i] + second * brightness[j] + (1 - first - second) * brightness[k]
                    red += lit * colours[face, 0]
                    green += lit * colours[face, 1]
                    blue += lit * colours[face, 2]
                    covered += 1
            if covered:
                share = opacity / samples
                left = 1 - share * covered
                frame[row, column, 0] = np.uint8(
                    min(max(left * frame[row, column, 0] + share * red * 255, 0), 254.5) + 0.5
                )
                frame[row, column, 1] = np.uint8(
                    min(max(left * frame[row, column, 1] + share * green * 255, 0), 254.5) + 0.5
                )
                frame[row, column, 2] = np.uint8(
                    min(max(left * frame[row, column, 2] + share * blue * 255, 0), 254.5) + 0.5
                )
