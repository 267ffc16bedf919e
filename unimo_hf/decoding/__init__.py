# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Visual codes to pictures by diffusion. The other way, straight through the tokenizer, is `VideoFSQ.decode`."""
