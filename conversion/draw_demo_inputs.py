# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Draw the inputs of `unimo demo`: a clip of three seconds and a picture, of people that the model never saw.

Example: python conversion/draw_demo_inputs.py unimo_hf/checkpoints/unimo-tiny/examples
"""

import argparse
from pathlib import Path

from PIL import Image

from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.motion.motion import load_collection
from unimo_hf.video.writing import write_video

# A dancer and a person who reaches for something, with seeds whose light and clothes are easy to see.
CLIP = ("cmu_94_indian13", 0)
PICTURE = ("cmu_14_07", 3)


def main() -> None:
    """Draw both into the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder for clip.mp4 and person.png")
    parser.add_argument("--motions", type=Path, default=Path("assets/motions/test"), help="motion capture to play")
    arguments = parser.parse_args()
    motions = dict(load_collection(arguments.motions))
    arguments.output.mkdir(parents=True, exist_ok=True)

    name, seed = CLIP
    clip = ClipSource([(name, motions[name])], ClipSettings(frames=49, camera="front"), seed).draw(0)
    write_video(arguments.output / "clip.mp4", clip.video, fps=clip.motion.fps, crf=10, pixel_format="yuv444p")

    name, seed = PICTURE
    clip = ClipSource([(name, motions[name])], ClipSettings(frames=1, camera="front"), seed).draw(0)
    Image.fromarray(clip.video[0]).save(arguments.output / "person.png")


if __name__ == "__main__":
    main()
