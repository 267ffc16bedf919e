# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What all tests share: no network, one thread, the same random numbers every time."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]

# Compilation by numba and the first import of a library may take seconds on a busy machine; that is no failure.
settings.register_profile("unimo", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("unimo")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def assets() -> Path:
    """Motion capture, the free body and two real videos."""
    return REPOSITORY / "assets"


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Numbers made by the original programs."""
    return REPOSITORY / "tests" / "goldens"


@pytest.fixture(scope="session")
def micro_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint folder with random weights: clips of 9 frames of 32 x 32 pixels at 15 fps, 36 codes a frame.

    Do not change it; copy it.
    """
    from micro_checkpoint import write_micro_checkpoint

    return write_micro_checkpoint(tmp_path_factory.mktemp("checkpoints") / "unimo-micro")
