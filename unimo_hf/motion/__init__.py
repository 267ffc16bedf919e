# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion: the record a user holds, its files, and the body that plays it."""

from .errors import MotionError
from .motion import Motion, load_collection

__all__ = ["Motion", "MotionError", "load_collection"]
