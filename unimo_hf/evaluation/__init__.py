# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Metrics, baselines, and the commands that produce a table."""
