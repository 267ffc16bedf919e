# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What is raised when a motion or its file is not what it should be."""


class MotionError(ValueError):
    """A motion, or a file of one, breaks the rules; the message says what was found and what is allowed."""
