# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Metrics: pure functions of arrays."""
