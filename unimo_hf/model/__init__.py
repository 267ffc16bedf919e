# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The networks, the tokenizer and the processor: what a Hub repository with remote code carries, flat."""
