# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Explicit accelerate loops for both stages; one recipe file each."""
