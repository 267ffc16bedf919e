# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The parts of a checkpoint composed: `UniMoPipeline`, and the tasks of `transformers.pipeline`."""
