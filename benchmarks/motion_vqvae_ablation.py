# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Tables 5 and 6 of the paper in miniature: motion tokenizers learn the same clips for as many steps and are scored.

Settings: s codes a frame, B codes to choose from, four rotations, one decoder instead of four, codes ordered or not.
Below the figures stands which claims of the paper hold here. Finished rows are kept in --output and not repeated; a
row that was stopped goes on from its last checkpoint.

Example: python benchmarks/motion_vqvae_ablation.py --steps 1000 --rounds 2 --json motion_vqvae_ablation.json
"""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from paper_claims import PAPER, REFERENCE, TABLE_5, advantage, judge
from rich.console import Console
from rich.table import Table
from side_by_side import arguments
from v2m_probe import probe, probe_recipe, unpack

from unimo_hf import MotionVQVAEConfig
from unimo_hf.atomic import replace_when_done
from unimo_hf.evaluation.evaluate_motion_vqvae import PREFIXES, evaluate_motion_vqvae
from unimo_hf.evaluation.load_motion_vqvae import load_motion_vqvae
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import load_collection
from unimo_hf.training import motion_vqvae
from unimo_hf.training.checkpoints import CHECKPOINTS
from unimo_hf.training.motion_vqvae import MotionVQVAELoss, MotionVQVAERecipe
from unimo_hf.training.recipe import Optimisation, load_recipe
from unimo_hf.training.unimo_recipe import UniMoRecipe

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("tiny", "paper")
PAPER_FACTORS = {1: [1, 1, 1, 1], 8: [2, 2, 2, 1], 24: [2, 2, 2, 3], 36: [2, 2, 3, 3], 54: [2, 3, 3, 3]}
ROTATIONS = ("6d", "matrix", "axis_angle", "axis_angle_6d")
PAPER_WIDTH = 48  # 512 in the paper: a row would take days
PAPER_RATE = 1e-3  # 4e-5 in the paper, for hundreds of times as many steps
FITTED = ("fit_start", "frozen_codes")  # of the recipe, beyond the paper
PRINT_WIDTH = 150  # also where there is no terminal


@dataclass(frozen=True)
class Setting:
    """A row.

    Attributes:
        name (`str`): Its name, the same for every kind.
        codes_per_frame (`int`): The paper's s.
        codebook_size (`int`): The paper's B.
        changes (`dict`): Other fields of the config.
    """

    name: str
    codes_per_frame: int = 36
    codebook_size: int = 512
    changes: dict[str, Any] = field(default_factory=dict)


SETTINGS = (
    *(Setting(name, *(int(part[2:]) for part in name.split())) for name in TABLE_5),
    *(Setting(f"{REFERENCE} {rotation}", changes={"rotation": rotation}) for rotation in ROTATIONS),
    Setting(f"{REFERENCE} one decoder", changes={"experts": False}),
    Setting(f"{REFERENCE} ordered", changes={"ordered_codes": 0.5}),
    Setting(f"{REFERENCE} unordered", changes={"ordered_codes": 0.0}),
)


def setting_recipe(base: MotionVQVAERecipe, kind: str, setting: Setting) -> MotionVQVAERecipe:
    """The recipe of a row.

    Args:
        base ([`MotionVQVAERecipe`]): Data, steps and, for the kind `tiny`, the network and its losses.
        kind (`str`):
            `tiny`: the base's network, whose last factor becomes s: the width stands at frame rate and one block
            stretches time. `paper`: four blocks of one width with factors of 1, 2 and 3 that multiply to s, the
            paper's loss and nothing beyond it.
        setting ([`Setting`]): What differs.

    Raises:
        ValueError: If another block of the base than the last stretches time.
    """
    if kind == "paper":
        model = {"factors": PAPER_FACTORS[setting.codes_per_frame], "widths": [PAPER_WIDTH] * 4}
        rate = replace(base.optimisation, learning_rate=PAPER_RATE)
        base = replace(base, loss=MotionVQVAELoss(), optimisation=rate, **dict.fromkeys(FITTED, False))
    else:
        *before, _ = base.model["factors"]
        if math.prod(before) != 1:
            raise ValueError(f"factors is {base.model['factors']}; only the last may differ from 1, to become s.")
        model = base.model | {"factors": [*before, setting.codes_per_frame]}
    return replace(base, model=model | {"codebook_size": setting.codebook_size} | setting.changes)


def chosen_recipes(base: MotionVQVAERecipe, kinds: Sequence[str], pattern: str) -> dict[str, MotionVQVAERecipe]:
    """Names and recipes of the rows whose name fits a pattern.

    A kind's own rotation and order have a row of their own beside its reference; equal recipes are measured once.

    Raises:
        ValueError: If no name fits.
    """
    recipes = {f"{kind} {setting.name}": setting_recipe(base, kind, setting) for kind in kinds for setting in SETTINGS}
    found = {name: recipe for name, recipe in recipes.items() if fnmatch(name, pattern)}
    if not found:
        raise ValueError(f"--rows {pattern!r} fits none of {sorted(recipes)}.")
    return found


def shortened(optimisation: Optimisation, steps: int, seed: int) -> Optimisation:
    """A schedule of the same shape in other steps, with nothing validated on the way."""
    scale = steps / optimisation.steps
    return replace(
        optimisation,
        steps=steps,
        warmup_steps=math.ceil(optimisation.warmup_steps * scale),
        decay_steps=math.ceil(optimisation.decay_steps * scale),
        validate_every=steps,
        seed=optimisation.seed + seed,
    )


def score(recipe: MotionVQVAERecipe, folder: Path, test: str) -> dict[str, Any]:
    """Train a tokenizer and measure it on motions of people that it was not trained on."""
    start = time.perf_counter()
    motion_vqvae.train(replace(recipe, output=str(folder)))
    seconds = time.perf_counter() - start
    model, _, weights_bytes = load_motion_vqvae(folder)
    motions = [motion for _, motion in load_collection(test)]
    result = evaluate_motion_vqvae(model, motions, Body.load(), model=str(folder), weights_bytes=weights_bytes)
    parameters = model.num_parameters() + model.codebook.codes.numel()
    per_frame = model.config.codes_per_frame
    bits = result["metrics"]["code_entropy_order_2"] * per_frame
    whole = {f"mpjpe_first_{per_frame}": result["metrics"]["mpjpe"]}
    facts = {"parameters": parameters, "bits_per_frame": bits, "clips": result["clips"], "seconds": round(seconds, 1)}
    return result["metrics"] | whole | facts


def kept(folder: Path, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The numbers in a folder, or those of the work, which then stand there."""
    file = folder / "row.json"
    if not file.exists():
        numbers = work()
        with replace_when_done(file) as aside:
            aside.write_text(json.dumps(numbers, indent=2), encoding="utf-8")
        for checkpoints in folder.rglob(CHECKPOINTS):
            shutil.rmtree(checkpoints)
    return json.loads(file.read_text(encoding="utf-8"))


def digest(*values: Any) -> str:
    """Name of a folder for work that depends on these values alone."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


class Ablation:
    """Trains and scores settings, each in a folder of its own.

    Args:
        output (`Path`): Folder of them all.
        test (`str`): Motions to score on.
        steps (`int`): Steps of each tokenizer.
        ar_recipe ([`UniMoRecipe`]): Of the AR models.
        ar_steps (`int`): Steps of each AR model; 0 for none.
    """

    def __init__(self, output: Path, test: str, steps: int, ar_recipe: UniMoRecipe, ar_steps: int):
        self.output, self.test, self.steps = output, test, steps
        self.ar_recipe, self.ar_steps = ar_recipe, ar_steps
        self.ar_start = unpack(output) if ar_steps else None

    def measure(self, recipe: MotionVQVAERecipe, seed: int) -> dict[str, Any]:
        """Numbers of a recipe, trained with a seed."""
        recipe = replace(recipe, output="", optimisation=shortened(recipe.optimisation, self.steps, seed))
        config = recipe.build_config(MotionVQVAEConfig).to_dict()
        folder = self.output / digest(config, asdict(replace(recipe, model={})), self.test)
        numbers = kept(folder, lambda: score(recipe, folder, self.test))
        if self.ar_start is None:
            return numbers
        ar = replace(
            self.ar_recipe, output="", optimisation=shortened(self.ar_recipe.optimisation, self.ar_steps, seed)
        )
        ar = probe_recipe(ar, self.ar_start, folder, self.output / "pictures")
        clips = self.ar_recipe.validation_clips
        probe_folder = folder / f"v2m-{digest(asdict(ar), self.test, clips)}"
        return numbers | kept(probe_folder, lambda: probe(ar, probe_folder, self.test, clips))


def make_row(name: str, seeds: Sequence[dict[str, Any]], reference: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
    """A row of the file: means over the seeds, next to the paper's own setting (above 1: better than it)."""
    kind, _, setting = name.partition(" ")
    compared = dict.fromkeys(("ratio", "min", "max"))
    if reference is not None:
        numbers = [[numbers["mpjpe"] for numbers in row] for row in (seeds, reference)]
        compared = {key: value for key, value in advantage(*numbers, "mpjpe").items() if key in compared}
    means = {key: _mean([numbers[key] for numbers in seeds]) for key in seeds[0]}
    row = {"workload": name, "peer": f"{kind} {REFERENCE}", "metric": "mpjpe", **compared, "rounds": len(seeds)}
    return row | means | {"paper_mpjpe": PAPER.get(setting, {}).get("mpjpe")}


def _mean(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(values) / len(values)


QUALITY = {
    "MPJPE": "mpjpe",
    "paper's": "paper_mpjpe",
    "PA-MPJPE": "pa_mpjpe",
    "PVE": "pve",
    "Accel": "accel",
    "root": "root_position",
    "use %": "codebook_utilisation",
    "parameters": "parameters",
    "MB": "weights",
    "seconds": "seconds",
}
CODES = {
    **{f"first {kept}": f"mpjpe_first_{kept}" for kept in PREFIXES},
    "bits/code": "code_entropy_order_2",
    "bits/frame": "bits_per_frame",
    "V2M": "v2m_mpjpe",
    "V2M, constant": "v2m_constant_mpjpe",
}


def print_rows(console: Console, title: str, rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    """Print some numbers of all rows; what was not measured is a dash."""
    table = Table(title=title, title_justify="left")
    table.add_column("setting", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["workload"], *(_number(row.get(key)) for key in columns.values()))
    console.print(table)


def print_claims(console: Console, claims: Sequence[dict[str, Any]]) -> None:
    """Print which claims hold."""
    table = Table(title="claims: margin in mm or %, above 0 where the first is better", title_justify="left")
    for heading in ("claim", "first", "second", "by", "margin", "ratio (min, max)", "paper's margin", "holds"):
        table.add_column(heading)
    for claim in claims:
        ratios = f"{claim['ratio']:.3f} ({claim['min']:.3f}, {claim['max']:.3f})"
        margins = (_number(claim["margin"]), ratios, _number(claim["paper_margin"]))
        words = (claim["claim"], claim["better"], claim["worse"], claim["metric"])
        table.add_row(*words, *margins, "yes" if claim["holds"] else "NO")
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.2f}"


def main() -> None:
    """Train, score, print."""
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=["tiny"], help="networks (default: tiny)")
    parser.add_argument("--rows", default="*", metavar="PATTERN", help="only these, as '*B=512' (default: all)")
    parser.add_argument("--steps", type=int, default=1000, help="of each tokenizer (default: %(default)s)")
    parser.add_argument("--clips", type=int, default=8000, help="to learn from, at most (default: %(default)s)")
    parser.add_argument("--ar-steps", type=int, default=0, help="of an AR model on each row's codes (default: none)")
    parser.add_argument("--test", default=str(ROOT / "assets/motions/test"), help="motions to score on")
    parser.add_argument("--recipe", default=str(ROOT / "configuration/train_motion_vqvae_tiny.yaml"))
    parser.add_argument("--ar-recipe", default=str(ROOT / "configuration/train_unimo_probe.yaml"))
    parser.add_argument("--output", type=Path, default=Path("runs/motion_vqvae_ablation"), help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    base = load_recipe(options.recipe, MotionVQVAERecipe)
    base = replace(base, data=replace(base.data, clips=min(base.data.clips, options.clips)))
    recipes = chosen_recipes(base, options.kind, options.rows)
    ar_recipe = load_recipe(options.ar_recipe, UniMoRecipe)
    ablation = Ablation(options.output, options.test, options.steps, ar_recipe, options.ar_steps)
    console = Console(width=PRINT_WIDTH)
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in recipes}
    for seed in range(options.rounds):
        for name, recipe in recipes.items():
            numbers = ablation.measure(recipe, seed)
            measured[name].append(numbers)
            console.print(f"{name}, seed {seed}: MPJPE {numbers['mpjpe']:.2f} mm, {numbers['seconds']:.0f} s")

    rows = [make_row(name, seeds, measured.get(f"{name.split()[0]} {REFERENCE}")) for name, seeds in measured.items()]
    claims = []
    for kind in options.kind:
        of_kind = {name.removeprefix(f"{kind} "): seeds for name, seeds in measured.items() if name.startswith(kind)}
        claims += [
            {"workload": f"{kind} {claim['better']}", "peer": f"{kind} {claim['worse']}", **claim}
            for claim in judge(of_kind)
        ]
    budget = (
        f"{options.steps} steps, seeds 0 to {options.rounds - 1}, {rows[0]['clips']:.0f} clips of {Path(options.test)}"
    )
    print_rows(console, f"{budget}; mm, m/s²", rows, QUALITY)
    print_rows(
        console,
        f"MPJPE of the first codes of a frame; order-2 entropy; V2M after {options.ar_steps} steps",
        rows,
        CODES,
    )
    print_claims(console, claims)
    if options.json is not None:
        facts = {"steps": options.steps, "ar_steps": options.ar_steps, "seeds": list(range(options.rounds))}
        lines = [row | facts for row in rows] + [claim | {"rounds": options.rounds} | facts for claim in claims]
        options.json.write_text(json.dumps(lines, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
