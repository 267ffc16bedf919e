# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Put the figures of evaluations into a model card, between two comments: none of them is typed.

The folder holds what `unimo evaluate ... --json` printed, v2m_front.json, v2m_around.json, motion_vqvae.json,
video_fsq.json, i2vm.json, i2vm_seed_1.json and i2vm_seed_2.json, and v2m_decode.json, which
`python benchmarks/v2m_decode.py --json ...` wrote.

Example: python conversion/fill_card.py model_cards/results model_cards/unimo-tiny.md
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unimo_hf.atomic import replace_when_done

START, END = "<!-- results -->", "<!-- end of results -->"
WAYS = {"mean": "mean codes", "greedy": "likeliest codes (greedy)", "sampled": "sampled, top-p 0.8 (paper)"}
BASELINES = {
    "constant": "best constant",
    "mean_pose": "mean pose, true root orientation",
    "nearest_clip": "nearest training clip in code space",
}
POSE = {"mpjpe": "MPJPE ↓", "pa_mpjpe": "PA-MPJPE ↓", "pve": "PVE ↓", "accel": "Accel ↓"}
# File -> command, and the measures of it that are shown.
OTHERS = {
    "motion_vqvae": (
        "unimo evaluate motion-vqvae assets/motions/test",
        {
            "mpjpe": "MotionVQVAE, 65 frames: MPJPE, mm ↓",
            "pa_mpjpe": "PA-MPJPE, mm ↓",
            "pve": "PVE, mm ↓",
            "accel": "Accel, m/s² ↓",
            "root_position": "root after the prefix sum, mm ↓",
            "codebook_utilisation": "codes in use by 100 clips, % ↑",
            "mpjpe_first_1": "MPJPE of the first code of a frame alone, mm ↓",
            **{f"mpjpe_first_{kept}": f"of the first {kept} codes, mm ↓" for kept in (4, 9, 18)},
            "code_entropy_order_2": "next code, order-2 counts, bits ↓",
        },
    ),
    "video_fsq": ("unimo evaluate video-fsq clips/front", {"psnr": "VideoFSQ: PSNR, dB ↑"}),
    "i2vm": (
        "unimo evaluate i2vm clips/front",
        {
            "mpjpe": "I2VM, its motion against V2M of its video: MPJPE, mm ↓",
            "speed_ratio": "mean joint speed, generated ÷ real (1 is best)",
            "speed_in_place_ratio": "the same about the pelvis",
        },
    ),
    **{
        f"i2vm_seed_{seed}": (
            f"unimo evaluate i2vm clips/front --seed {seed}",
            {"mpjpe": f"I2VM by another seed of the sampling, {seed}: MPJPE, mm ↓"},
        )
        for seed in (1, 2)
    },
}


def v2m_table(results: Iterable[dict[str, Any]]) -> list[str]:
    """Rows of V2M: each way to decode, then the baselines, for each camera."""
    lines = [f"| clips | way | {' | '.join(POSE.values())} | command |", "|---" * (len(POSE) + 3) + "|"]
    for result in results:
        camera, own = result["camera"], result["default_decoding"]
        command = f"`unimo evaluate v2m clips/{camera}`"
        for way, words in WAYS.items():
            own_way = " (the checkpoint's own way)" if way == own else ""
            lines.append(f"| {camera} | {words}{own_way} | {_cells(result['decodings'][way])} | {command} |")
            command = "the same"
        lines += [
            f"| {camera} | *baseline: {words}* | {_cells(result['baselines'][name])} | |"
            for name, words in BASELINES.items()
        ]
    return lines


def other_table(results: Mapping[str, Any]) -> list[str]:
    """Rows of the tokenizers, of I2VM and of the time that V2M takes, a measure a line."""
    lines = ["| measure | value | command |", "|---|---|---|"]
    for name, (command, measures) in OTHERS.items():
        source = f"`{command}`"
        for key, words in measures.items():
            lines.append(f"| {words} | {results[name]['metrics'][key]:.2f} | {source} |")
            source = "the same"
    whole, *_ = results["v2m_decode"]
    lines.append(f"| {whole['workload']}, warm, s ↓ | {whole['seconds']:.2f} | `python benchmarks/v2m_decode.py` |")
    return lines


def _cells(metrics: Mapping[str, float | None]) -> str:
    values = (metrics.get(key) for key in POSE)
    return " | ".join("–" if value is None else f"{value:.1f}" for value in values)


def filled(card: str, folder: Path) -> str:
    """The card with the figures of a folder.

    Raises:
        ValueError: If the two comments are not in the card, once and in order.
        FileNotFoundError: If an evaluation is missing.
    """
    before, start, rest = card.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end) or START in after or END in before:
        raise ValueError(f"A card has one {START} and behind it one {END}; the figures go between them.")
    names = ("v2m_front", "v2m_around", *OTHERS, "v2m_decode")
    results = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}
    v2m = v2m_table(results[name] for name in ("v2m_front", "v2m_around"))
    lines = ["### Video to motion", "", *v2m, "", "### Tokenizers and generation", "", *other_table(results)]
    return "\n".join((before + START, "", *lines, "", END + after))


def main() -> None:
    """Fill in the cards that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder of evaluations")
    parser.add_argument("cards", type=Path, nargs="+", help="changed in place")
    options = parser.parse_args()
    for card in options.cards:
        text = filled(card.read_text(encoding="utf-8"), options.results)
        with replace_when_done(card) as aside:
            aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
