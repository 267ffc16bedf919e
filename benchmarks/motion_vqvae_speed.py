# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Speed and memory of the motion tokenizer: an hour of motion to codes and back, in windows, and a piece in one pass.

Example: python benchmarks/motion_vqvae_speed.py --json motion_vqvae_speed.json
"""

import resource
import sys
from pathlib import Path

import torch
from side_by_side import against_limit, arguments, compare, report

from unimo_hf.evaluation.load_motion_vqvae import load_motion_vqvae
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.motion_windows import decode_in_windows, encode_in_windows
from unimo_hf.motion.motion import load_collection
from unimo_hf.motion.motion_frames import motions_to_frames

MOTIONS = Path(__file__).resolve().parents[1] / "assets" / "motions" / "test"
FPS = 30
LIMIT = 60.0  # seconds of work for an hour of motion


def frames_of_motion(seconds: float, rotation: str) -> torch.Tensor:
    """Real motions one after the other, from the beginning again when they end: (1, T, C)."""
    count = max(int(seconds * FPS), 1)
    parts, found = [], 0
    while found < count:
        for _, motion in load_collection(MOTIONS):
            parts.append(motions_to_frames([motion], rotation)[0])
            found += len(motion)
    return torch.cat(parts)[:count][None]


def peak_mebibytes() -> float:
    """Most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def there_and_back(model: MotionVQVAE, motion: torch.Tensor) -> torch.Tensor:
    """Encode and decode in windows."""
    return decode_in_windows(model, encode_in_windows(model, motion))


@torch.no_grad()
def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--model", default="unimo-tiny", help="checkpoint or motion tokenizer (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3600, help="of motion (default: %(default)s)")
    parser.add_argument("--piece", type=float, default=120, help="seconds of the piece (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    model = load_motion_vqvae(options.model).model
    piece = frames_of_motion(options.piece, model.config.rotation)
    there_and_back(model, piece)
    after_piece = peak_mebibytes()
    motion = frames_of_motion(options.seconds, model.config.rotation)
    whole = against_limit(
        f"encode + decode, {options.seconds:g} s of motion at {FPS} fps, {options.threads} threads",
        lambda: there_and_back(model, motion),
        LIMIT * options.seconds / 3600,
        f"the limit ({LIMIT:g} s an hour)",
        options.rounds,
        units=motion.shape[1],
    )
    whole |= {"peak_mebibytes": round(peak_mebibytes()), "peak_mebibytes_of_the_piece": round(after_piece)}
    one_pass = compare(
        f"encode + decode, {options.piece:g} s of motion at {FPS} fps, {options.threads} threads",
        lambda: there_and_back(model, piece),
        lambda: model.decode(model.encode(piece)),
        "one pass",
        options.rounds,
        units=piece.shape[1],
    )
    report([whole, one_pass], options.json)
    print(f"most memory: {whole['peak_mebibytes']} MiB, {round(after_piece)} MiB after the piece in windows")


if __name__ == "__main__":
    main()
