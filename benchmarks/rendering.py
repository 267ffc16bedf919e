# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Speed of drawing: the rasteriser against one in numpy, and a whole `unimo data render` with two workers and one.

Example: python benchmarks/rendering.py --clips 60 --json rendering.json
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from side_by_side import arguments, compare, report

from unimo_hf.data.rendering import render_clips
from unimo_hf.data.scene import FOCAL_PER_SIDE
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.motion.motion import load_collection
from unimo_hf.video.rasterizer import NO_FACE, rasterize

MOTIONS = Path(__file__).resolve().parents[1] / "assets" / "motions" / "test"
FRAMES = 17


def rasterize_in_numpy(vertices: np.ndarray, faces: np.ndarray, height: int, width: int) -> np.ndarray:
    """The same z-buffer, one face after the other, each vectorised over its bounding box."""
    nearest = np.full((height, width), NO_FACE, dtype=np.int32)
    inverse_depth = np.zeros((height, width), dtype=np.float32)
    for number, ((ax, ay, az), (bx, by, bz), (cx, cy, cz)) in enumerate(vertices[faces]):
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if min(az, bz, cz) <= 0 or area == 0:
            continue
        left, right = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0), min(int(max(ax, bx, cx) + 0.5), width)
        top, bottom = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0), min(int(max(ay, by, cy) + 0.5), height)
        if left >= right or top >= bottom:
            continue
        y, x = np.mgrid[top:bottom, left:right] + np.float32(0.5)
        wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
        wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
        wc = 1 - wa - wb
        depth = wa / az + wb / bz + wc / cz
        hit = (wa >= 0) & (wb >= 0) & (wc >= 0) & (depth > inverse_depth[top:bottom, left:right])
        inverse_depth[top:bottom, left:right][hit] = depth[hit]
        nearest[top:bottom, left:right][hit] = number
    return nearest


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--clips", type=int, default=60, help="clips of a whole run (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures, pixels (default: %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)

    settings = ClipSettings(frames=FRAMES, size=options.size, camera="front", mirror=False)
    source = ClipSource(load_collection(MOTIONS), settings)
    points = source.draw(0).motion.vertices(source.body)
    plane = FOCAL_PER_SIDE * options.size * points[..., :2] / points[..., 2:] + options.size / 2
    pixels = np.concatenate((plane, points[..., 2:]), axis=-1).astype(np.float32)
    faces, size = source.body.faces, options.size
    rows = [
        compare(
            f"rasterize, {len(faces)} faces at {size}², one frame",
            lambda: rasterize(pixels[0], faces, size, size),
            lambda: rasterize_in_numpy(pixels[0], faces, size, size),
            "numpy, face by face",
            options.rounds,
        ),
        compare(
            f"drawing, {FRAMES} frames at {size}², one core",
            lambda: source.draw(1),
            lambda: [rasterize_in_numpy(frame, faces, size, size) for frame in pixels],
            "numpy, the z-buffer alone",
            options.rounds,
            units=FRAMES,
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:

        def render(workers: int) -> Path:
            clips = tempfile.mkdtemp(dir=folder)
            return render_clips(
                MOTIONS, clips, clips=options.clips, size=size, workers=workers, frames=FRAMES, progress=False
            )

        rows.append(
            compare(
                f"render_clips, {options.clips} clips at {size}², two workers",
                lambda: render(2),
                lambda: render(1),
                "one worker",
                options.rounds,
                units=options.clips * FRAMES,
            )
        )
    report(rows, options.json)


if __name__ == "__main__":
    main()
