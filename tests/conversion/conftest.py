# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The scripts of `conversion/` are not installed; here they can be imported."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conversion"))
