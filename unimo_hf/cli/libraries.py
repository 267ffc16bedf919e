# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Keeps the bars, warnings and log lines of libraries out of the output of a command; our own are said in one line."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .reporting import say

# The libraries read these when they are imported; what the user has set stays.
QUIET = {
    "DATASETS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
PACKAGE = __package__.partition(".")[0]


def quiet_libraries() -> None:
    """Ask the libraries for silence; before any of them is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@contextmanager
def own_remarks() -> Iterator[None]:
    """Say warnings and log lines of this package as the commands say things, and drop the warnings of others."""
    handler, logger = _Saying(), logging.getLogger(PACKAGE)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("default", category=UserWarning, module=rf"{PACKAGE}\.")
            warnings.showwarning = _say_warning
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Saying(logging.Handler):
    """Says what is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        lead = "Warning:" if record.levelno >= logging.WARNING else ""
        say(record.getMessage(), lead, "yellow")


def _say_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(" ".join(str(message).split()), "Warning:", "yellow")
