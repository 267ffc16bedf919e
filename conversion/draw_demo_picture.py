# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Draw the picture of the README out of what `unimo demo` made.

Example: unimo demo -o unimo-demo && python conversion/draw_demo_picture.py unimo-demo docs/images/demo.png
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from unimo_hf.video.reading import read_video

COLUMNS = 8
EXAMPLES = files("unimo_hf") / "checkpoints" / "unimo-tiny" / "examples"


def main() -> None:
    """Stack a row of frames for each video: the clip, its motion, the generated video, its motion."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, help="folder that `unimo demo` wrote")
    parser.add_argument("output", type=Path, help="the picture")
    arguments = parser.parse_args()
    videos = [Path(str(EXAMPLES / "clip.mp4"))]
    videos += [arguments.demo / name for name in ("clip.overlay.mp4", "person.mp4", "person.overlay.mp4")]
    picture = np.concatenate([row(path) for path in videos])
    Image.fromarray(picture).save(arguments.output, optimize=True)


def row(path: Path) -> np.ndarray:
    """Frames of a video, evenly spread over its length, side by side."""
    frames = read_video(path).frames
    chosen = np.linspace(0, len(frames) - 1, COLUMNS).round().astype(int)
    return np.concatenate(list(frames[chosen]), axis=1)


if __name__ == "__main__":
    main()
