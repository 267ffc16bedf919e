# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Synthetic clips from motion capture, folders of clips, and shards of codes."""
