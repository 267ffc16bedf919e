# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The command line `unimo`: a thin layer over the library, one file per command."""
