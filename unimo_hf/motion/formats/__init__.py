# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Formats of motion files: readers and writers, one a file."""
