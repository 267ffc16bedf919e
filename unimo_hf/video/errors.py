# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What is raised when a video or picture is not what it should be."""


class VideoError(ValueError):
    """A video or picture can't be read or written; the message names the file, what was found and what is allowed."""
