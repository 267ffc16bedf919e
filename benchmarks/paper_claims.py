# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What tables 5 and 6 of the UniMo paper say of motion tokenizers, and whether measured rows say the same."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REFERENCE = "s=36 B=512"  # the setting that the paper uses: s codes a frame out of a codebook of B

# MPJPE (mm) and codebook utilisation (%), as printed. Table 6 has no utilisation.
TABLE_5 = {
    "s=1 B=512": (136.6638, 80.08),
    "s=8 B=512": (69.1781, 91.99),
    "s=24 B=256": (52.9926, 97.66),
    "s=24 B=512": (10.4653, 96.09),
    "s=24 B=1024": (47.4062, 78.52),
    "s=36 B=256": (26.8738, 99.61),
    REFERENCE: (8.6344, 98.83),
    "s=36 B=1024": (30.8471, 86.13),
    "s=54 B=512": (11.8932, 99.80),
}
TABLE_6 = {f"{REFERENCE} 6d": 8.6344, f"{REFERENCE} matrix": 12.3837, f"{REFERENCE} axis_angle": 13.4334}
PAPER = {name: {"mpjpe": error, "codebook_utilisation": use} for name, (error, use) in TABLE_5.items()} | {
    name: {"mpjpe": error} for name, error in TABLE_6.items()
}
HIGHER_IS_BETTER = {"codebook_utilisation"}


@dataclass(frozen=True)
class Claim:
    """One setting is better than another.

    Attributes:
        text (`str`): The claim.
        better (`str`): Name of the setting that is said to be better.
        worse (`str`): Name of the other.
        metric (`str`): By which number.
    """

    text: str
    better: str
    worse: str
    metric: str = "mpjpe"


CODES = ((8, 1), (24, 8), (36, 24))
CLAIMS = (
    *(Claim("more codes a frame are better", f"s={more} B=512", f"s={fewer} B=512") for more, fewer in CODES),
    Claim("54 codes a frame are too many", REFERENCE, "s=54 B=512"),
    *(Claim("256 codes to choose from are too few", f"s={codes} B=512", f"s={codes} B=256") for codes in (24, 36)),
    *(Claim("1024 codes to choose from are too many", f"s={codes} B=512", f"s={codes} B=1024") for codes in (24, 36)),
    *(
        Claim(
            "more codes a frame use more of the codebook",
            f"s={more} B=512",
            f"s={fewer} B=512",
            "codebook_utilisation",
        )
        for more, fewer in (*CODES, (54, 36))
    ),
    *(
        Claim(
            "a smaller codebook is used more fully",
            f"s={codes} B={small}",
            f"s={codes} B={large}",
            "codebook_utilisation",
        )
        for codes in (24, 36)
        for small, large in ((256, 512), (512, 1024))
    ),
    Claim("6D rotations are better than matrices", f"{REFERENCE} 6d", f"{REFERENCE} matrix"),
    Claim("6D rotations are better than axis-angle", f"{REFERENCE} 6d", f"{REFERENCE} axis_angle"),
    Claim("matrices are better than axis-angle", f"{REFERENCE} matrix", f"{REFERENCE} axis_angle"),
    # The paper's design, of which its tables give no figures.
    Claim("four decoders are better than one", REFERENCE, f"{REFERENCE} one decoder"),
)
# Ours: joints in three numbers and the whole body in six take the best of both. Nested dropout costs a little of the
# whole, and pays where the AR model has to guess.
OWN_CLAIMS = tuple(
    Claim(
        "axis-angle for joints and 6D for the body are better than 6D alone",
        f"{REFERENCE} axis_angle_6d",
        f"{REFERENCE} 6d",
        metric,
    )
    for metric in ("mpjpe", "v2m_mpjpe")
) + tuple(
    Claim(text, better, worse, metric)
    for better, worse in ((REFERENCE, f"{REFERENCE} unordered"), (f"{REFERENCE} ordered", REFERENCE))
    for text, metric in (
        ("ordered codes say more in the first 4", "mpjpe_first_4"),
        ("ordered codes are easier to read off pictures", "v2m_mpjpe"),
    )
)


def advantage(better: Sequence[float], worse: Sequence[float], metric: str) -> dict[str, float]:
    """How much better one setting is than another, by their numbers for each seed.

    Returns:
        `dict`: `margin`, the mean difference, in the unit of the metric and above 0 if it is better; `ratio`, that of
        the means, above 1 if it is better; `min` and `max` of the ratios of single seeds.
    """
    if metric in HIGHER_IS_BETTER:
        better, worse = worse, better
    ratios = [high / low for low, high in zip(better, worse, strict=True)]
    return {
        "margin": round(statistics.mean(worse) - statistics.mean(better), 4),
        "ratio": round(statistics.mean(worse) / statistics.mean(better), 4),
        "min": round(min(ratios), 4),
        "max": round(max(ratios), 4),
    }


def judge(measured: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Hold the claims against measured settings; a claim about a setting that was not measured is left out.

    Args:
        measured (`Mapping`): For each setting its numbers, one mapping a seed.

    Yields:
        `dict`: `claim`, the names `better` and `worse`, the `metric`, what [`advantage`] says, `holds` (the mean is
        better), and `paper_margin`, the paper's own, if it printed one.
    """
    for claim in (*CLAIMS, *OWN_CLAIMS):
        numbers = [[seed.get(claim.metric) for seed in measured.get(name, ())] for name in (claim.better, claim.worse)]
        if any(not values or None in values for values in numbers):
            continue
        found = advantage(*numbers, claim.metric)
        printed = [PAPER.get(name, {}).get(claim.metric) for name in (claim.better, claim.worse)]
        yield {
            "claim": claim.text,
            "better": claim.better,
            "worse": claim.worse,
            "metric": claim.metric,
            **found,
            "holds": found["margin"] > 0,
            "paper_margin": None if None in printed else advantage(printed[:1], printed[1:], claim.metric)["margin"],
        }
