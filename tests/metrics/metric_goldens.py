# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Numbers of the original programs: inputs and results of the motion and video metrics."""

import json
from pathlib import Path

import numpy as np
import torch

GOLDENS = Path(__file__).parents[1] / "goldens" / "motion"
EXPECTED = json.loads((GOLDENS / "expected.json").read_text(encoding="utf-8"))


def load_golden(name: str) -> dict[str, torch.Tensor]:
    """All arrays of a golden file."""
    with np.load(GOLDENS / f"{name}.npz", allow_pickle=False) as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


def assert_near(found, expected, tolerance: float) -> None:
    """Compare in float64 with an absolute tolerance."""
    torch.testing.assert_close(found.double(), expected.double(), atol=tolerance, rtol=0)
