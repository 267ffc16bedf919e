# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Speed of video-to-motion: a 3 s clip through the whole pipeline, and `generate_target` against `generate`.

The pipeline has no peer that reads the same checkpoint; its row is compared with reading the video alone.
Example: python benchmarks/v2m_decode.py --model unimo-tiny --json v2m.json
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from side_by_side import arguments, compare, report

from unimo_hf import UniMoPipeline
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.video.reading import read_video
from unimo_hf.video.writing import write_video

FPS, SIZE = 30, 256


def moving_picture(seconds: int) -> np.ndarray:
    """Frames `(T, H, W, 3)` uint8 of a box that moves over a gradient; the time does not depend on what is seen."""
    y, x = np.mgrid[:SIZE, :SIZE]
    frames = np.repeat(np.stack((x, y, x // 2 + y // 2), axis=-1)[None].astype(np.uint8), seconds * FPS, axis=0)
    for number, frame in enumerate(frames):
        frame[60:200, 40 + number : 90 + number] = 200
    return frames


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--model", default="unimo-tiny", help="a checkpoint, as UniMoPipeline takes it")
    parser.add_argument("--seconds", type=int, default=3, help="length of the clip (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pipeline = UniMoPipeline.from_pretrained(options.model)
    model, processor = pipeline.model, pipeline.processor

    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "clip.mp4"
        write_video(path, moving_picture(options.seconds), FPS)
        rows = [
            compare(
                f"video_to_motion, {options.seconds} s at {FPS} fps, {SIZE}²",
                lambda: pipeline.video_to_motion(path),
                lambda: read_video(path),
                "reading the video alone",
                options.rounds,
                units=options.seconds,
            )
        ]
        visual = model.config.table["visual"]
        visual_codes = torch.randint(visual.size, (1, visual.ticks(model.config.frames), *visual.grid))
        condition = processor.build_condition("v2m", {"visual": visual_codes})
        prompt, sequence = condition["input_ids"], condition["sequence"]
        for name, choice in (("greedy", {"do_sample": False}), ("top-p 0.8", {"do_sample": True, "top_p": 0.8})):
            decoding = Decoding(**choice)
            rows.append(
                compare(
                    f"generate_target, V2M of one clip, {name}",
                    lambda decoding=decoding: model.generate_target(prompt, sequence=sequence, decoding=decoding),
                    lambda choice=choice: model.generate(prompt, sequence=sequence, **choice),
                    "transformers' generate, DynamicCache",
                    options.rounds,
                    units=len(sequence) - sequence.condition_length,
                )
            )
    report(rows, options.json)


if __name__ == "__main__":
    main()
