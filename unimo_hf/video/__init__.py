# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Video: reading and writing, the geometry of the model's camera, and the body drawn over frames."""

from .errors import VideoError
from .pictures import read_picture
from .reading import Video, VideoInfo, iterate_video, probe_video, read_video
from .writing import write_video

__all__ = [
    "Video",
    "VideoError",
    "VideoInfo",
    "iterate_video",
    "probe_video",
    "read_picture",
    "read_video",
    "write_video",
]
