# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The model's camera: from metres in the camera frame to pixels of the padded square, and of the source picture.

The camera frame is OpenCV's (x right, y down, z forward). The focal length is sqrt(2) times the side of the square
(the diagonal of the picture, GVHMR's rule for an unknown camera), the principal point is its centre.
"""

import math

import numpy as np

from unimo_hf.model.pad_resize import PadResize

FOCAL_PER_SIDE = math.sqrt(2)
# Nothing nearer than this is drawn, metres: projections blow up towards the camera's centre.
NEAR = 0.05


def source_intrinsics(geometry: PadResize) -> np.ndarray:
    """Give the intrinsic matrix of the model's camera in pixels of the source picture.

    Args:
        geometry ([`PadResize`]): How the source was fitted into the model's square.

    Returns:
        `np.ndarray` of shape `(3, 3)`, float64: K, with (x, y, 1) z = K X; the centre of the first pixel is (0.5,
            0.5).
    """
    focal, centre = FOCAL_PER_SIDE * geometry.size, geometry.size / 2
    (scale_x, scale_y), (left, top) = geometry.scale, geometry.offset
    return np.array(
        [
            [focal / scale_x, 0.0, (centre - left) / scale_x],
            [0.0, focal / scale_y, (centre - top) / scale_y],
            [0.0, 0.0, 1.0],
        ]
    )


def project(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Project points of the camera frame into a picture.

    Args:
        points (`np.ndarray` of shape `(..., 3)`): Camera frame, metres.
        intrinsics (`np.ndarray` of shape `(3, 3)`): As [`source_intrinsics`] gives them.

    Returns:
        `np.ndarray` of shape `(..., 3)`, float32: Pixel x, pixel y and depth z in metres; a point nearer than 5 cm, or
        behind the camera, has depth 0, which [`rasterize`] leaves out.
    """
    depth = points[..., 2:]
    seen = depth > NEAR
    planar = points[..., :2] / np.where(seen, depth, 1.0)
    pixels = planar * np.diagonal(intrinsics)[:2] + intrinsics[:2, 2]
    return np.concatenate((np.where(seen, pixels, 0.0), np.where(seen, depth, 0.0)), axis=-1).astype(np.float32)
