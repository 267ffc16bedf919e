# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Drawing the body over frames at the source's own size, through the inverse of the pad-resize."""

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from unimo_hf.model.pad_resize import PadResize
from unimo_hf.provenance import Provenance

from .errors import VideoError
from .geometry import project, source_intrinsics
from .reading import iterate_to_draw, probe_video
from .writing import write_video

if TYPE_CHECKING:
    from unimo_hf.motion.body import Body
    from unimo_hf.motion.motion import Motion

BODY_COLOUR = np.array([0.62, 0.78, 0.95], dtype=np.float32)
# Towards the light, camera frame: from above the camera's left shoulder.
LIGHT = np.array([-0.35, -0.55, -0.76], dtype=np.float32)
AMBIENT = 0.35
# Samples along each side of a pixel, for smooth edges; in large pictures the pixels are small enough.
SUPERSAMPLING, LARGE = 2, 720
# Frames whose vertices are in memory at once, and pixels of a frame that are drawn at once.
CHUNK, WINDOW_PIXELS = 32, 2560 * 1440


def draw_body(
    frame: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    intrinsics: np.ndarray,
    opacity: float = 0.85,
    colours: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a body over one frame.

    Args:
        frame (`np.ndarray` of shape `(H, W, 3)`, uint8): RGB; not changed.
        vertices (`np.ndarray` of shape `(V, 3)`): Camera frame (x right, y down, z forward), metres.
        faces (`np.ndarray` of shape `(F, 3)`): Triangles, counter-clockwise seen from outside.
        intrinsics (`np.ndarray` of shape `(3, 3)`): Camera in pixels of the frame, [`source_intrinsics`].
        opacity (`float`, *optional*, defaults to 0.85): Of the body, in [0, 1].
        colours (`np.ndarray` of shape `(F, 3)`, *optional*): Colour of each face in [0, 1]. Default: one light blue.

    Returns:
        `np.ndarray` of shape `(H, W, 3)`, uint8.

    Raises:
        VideoError: If `opacity` is out of range.
    """
    drawn = np.array(frame)
    _draw_over(drawn, vertices, faces, intrinsics, opacity, colours)
    return drawn


def draw_motion(
    frames: Iterable[np.ndarray], motion: "Motion", body: "Body", size: int, opacity: float = 0.85
) -> Iterator[np.ndarray]:
    """Draw a motion over the frames that it was estimated from, frame by frame.

    Args:
        frames (iterable of `np.ndarray` of shape `(H, W, 3)`, uint8): At the motion's fps. Frames after the end of the
            motion show its last pose.
        motion ([`Motion`]): In the camera frame of the model's camera.
        body ([`Body`]): The body that moves.
        size (`int`): Side of the square that the model saw, pixels.
        opacity (`float`, *optional*, defaults to 0.85): Of the body, in [0, 1].

    Yields:
        `np.ndarray` of shape `(H, W, 3)`, uint8: At the size of the frame.

    Raises:
        VideoError: If the motion is not in the camera frame.
    """
    # A copy of each: the frames are the caller's.
    yield from _draw_over_each((np.array(frame) for frame in frames), motion, body, size, opacity)


def write_overlay(
    path: str | os.PathLike,
    source: str | os.PathLike,
    motion: "Motion",
    body: "Body",
    size: int,
    opacity: float = 0.85,
) -> int:
    """Write the source video with the body drawn over it, at the source's size and frame rate.

    The new video has the provenance of the motion, or of the source if that is further from a recording.

    Args:
        path (`str` or `os.PathLike`): The new video, `.mp4`, `.mov` or `.mkv`.
        source (`str` or `os.PathLike`): The video that the motion was estimated from.
        motion ([`Motion`]): In the camera frame; brought to the source's fps. Ends the new video where it ends itself.
        body ([`Body`]): The body that moves.
        size (`int`): Side of the square that the model saw, pixels.
        opacity (`float`, *optional*, defaults to 0.85): Of the body, in [0, 1].

    Returns:
        `int`: Number of frames written.

    Raises:
        VideoError: If the source can't be read or the motion is not in the camera frame.
        OSError: If the new video can't be written.
    """
    info = probe_video(source)
    # Takes exactly so many frames: a damaged end that is not needed is not read.
    frames = itertools.islice(iterate_to_draw(info), max(round(motion.duration * info.fps), 1))
    drawn = _draw_over_each(frames, motion.resample(info.fps), body, size, opacity)
    provenance = Provenance.merge([info.provenance, motion.provenance])
    return write_video(path, drawn, info.fps, preset="veryfast", provenance=provenance)


def _draw_over_each(
    frames: Iterable[np.ndarray], motion: "Motion", body: "Body", size: int, opacity: float
) -> Iterator[np.ndarray]:
    """Draw a motion over frames; draws into those that can be written to, and holds none while the next is read."""
    if motion.coordinates != "camera":
        raise VideoError(
            f"The motion is in {motion.coordinates} coordinates; drawn can be only one in the camera frame."
        )
    pose, start, vertices = 0, 0, np.empty((0, 0, 3))
    for frame in frames:  # `enumerate` would hold each until the next is there
        if pose >= start + len(vertices):
            start, vertices = pose, motion[pose : pose + CHUNK].vertices(body)
        intrinsics = source_intrinsics(PadResize(frame.shape[0], frame.shape[1], size))
        drawn = frame if frame.flags.writeable else np.array(frame)
        del frame
        _draw_over(drawn, vertices[pose - start], body.faces, intrinsics, opacity)
        yield drawn
        del drawn
        pose = min(pose + 1, len(motion) - 1)


def _draw_over(
    frame: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    intrinsics: np.ndarray,
    opacity: float,
    colours: np.ndarray | None = None,
) -> None:
    """Draw a body into a frame; arguments as of [`draw_body`]."""
    from .blending import blend, vertex_light
    from .rasterizer import rasterize

    if not 0 <= opacity <= 1:
        raise VideoError(f"opacity is {opacity}; it must be from 0 to 1.")
    pixels = project(vertices, intrinsics)
    window = _window(pixels, *frame.shape[:2])
    if window is None:
        return
    rows, columns = window
    supersampling = SUPERSAMPLING if min(frame.shape[:2]) < LARGE else 1
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    colours = np.tile(BODY_COLOUR, (len(faces), 1)) if colours is None else np.ascontiguousarray(colours, np.float32)
    brightness = vertex_light(np.ascontiguousarray(vertices, dtype=np.float32), faces, LIGHT, AMBIENT)
    width = columns.stop - columns.start
    height = max(WINDOW_PIXELS // width, 1)
    for top in range(rows.start, rows.stop, height):
        band = slice(top, min(top + height, rows.stop))
        placed = pixels.copy()
        placed[:, :2] = (pixels[:, :2] - np.array((columns.start, band.start), np.float32)) * supersampling
        nearest = rasterize(placed, faces, (band.stop - band.start) * supersampling, width * supersampling)
        blend(frame[band, columns], nearest, placed, faces, colours, brightness, float(opacity), supersampling)


def _window(pixels: np.ndarray, height: int, width: int) -> tuple[slice, slice] | None:
    """Give the rows and columns of the picture that the visible points may cover; `None` where there are none."""
    visible = pixels[pixels[:, 2] > 0, :2]
    if not len(visible):
        return None
    left, top = np.floor(np.clip(visible.min(axis=0), 0, (width, height))).astype(int)
    right, bottom = np.ceil(np.clip(visible.max(axis=0), 0, (width, height))).astype(int)
    if right <= left or bottom <= top:
        return None
    return slice(int(top), int(bottom)), slice(int(left), int(right))
