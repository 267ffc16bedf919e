# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What only a model trained in hours needs: fitted starts, redrawn clips."""
