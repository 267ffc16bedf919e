# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The clock of a video: at which constant rate each of its frames comes once, and how many come then.

What the header says of both is often wrong: phones film at a variable rate, an edit list leaves frames out that are
still in the file, browsers write no number at all. What holds is in the packets, which are read without being decoded.
"""

import math
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

MIN_FPS, MAX_FPS = 0.1, 1000.0
# A header that says more counts something else than frames.
MAX_DECLARED_FPS = MAX_FPS / 4
FALLBACK_FPS = 25.0
# A longer step between two frames is a break in the clock (a cut, a wrapped counter, a lie), not a still picture.
MAX_STEP_SECONDS = 60.0
# Seconds by which a frame that lies in the middle between two counts as nearer to the later one, in spite of rounding.
TIE = 1e-6
# A declared rate agrees with the frames if it puts the last one at its place within less than half a frame.
AGREEMENT = 0.45
# Formats that hold the stamps of decoding. FFmpeg guesses them in others, and wavers by the frames that are reordered.
EXACT_DECODING_STAMPS = ("mov", "mpeg", "avi", "flv")
MOST_REORDERED = 16
NO_STAMP = -(2**63)


class PacketStamps:
    """The time stamps of the packets of a video, in the order of the file.

    Args:
        container (`av.container.InputContainer`): The open file.
        stream (`VideoStream`): Its video.
    """

    def __init__(self, container: "av.container.InputContainer", stream: "VideoStream"):
        self._time_base = float(stream.time_base or 1)
        self._guessed = are_stamps_guessed(container, stream)
        self._exact_decoding_order = container.format.name.startswith(EXACT_DECODING_STAMPS)
        self._shown, self._decoded = array("q"), array("q")

    def add(self, packet: "av.Packet") -> None:
        """Take a packet into account, if its frame is to be shown."""
        if packet.size and not packet.is_discard:
            self._shown.append(NO_STAMP if packet.pts is None else packet.pts)
            self._decoded.append(NO_STAMP if packet.dts is None else packet.dts)

    def steps(self, first: int | None) -> np.ndarray:
        """Give the seconds from each frame to the next, in the order in which they are shown.

        Args:
            first (`int`, *optional*): Stamp of the first frame that could be decoded; those before it are not shown.

        Returns:
            `np.ndarray` of shape `(frames - 1,)`: NaN where a stamp is missing.
        """
        decoded = self._seconds(self._decoded)
        shown = decoded if self._guessed else self._seconds(self._shown)
        usual = np.abs(np.diff(shown[np.isfinite(shown)]))
        swaying = 0.0 if self._exact_decoding_order or not len(usual) else MOST_REORDERED * float(np.median(usual))
        # Where the clock of decoding is set back, another begins, and no frame is shown across that.
        parts = np.split(shown, np.flatnonzero(np.diff(decoded) < -swaying) + 1)
        if first is not None and not self._guessed:
            before = first * self._time_base - parts[0]
            parts[0] = parts[0][~is_step(before)]
        return np.diff(np.concatenate([np.sort(part) for part in parts]))

    def _seconds(self, stamps: array) -> np.ndarray:
        numbers = np.frombuffer(stamps, np.int64)
        return np.where(numbers == NO_STAMP, np.nan, numbers * self._time_base)


def are_stamps_guessed(container: "av.container.InputContainer", stream: "VideoStream") -> bool:
    """Say whether stamps of frames mean nothing: AVI has none, and FFmpeg's are wrong where frames are reordered."""
    return container.format.name == "avi" and bool(stream.codec_context.has_b_frames)


def is_step(seconds: Any) -> Any:
    """Say which times between two frames are believed; after another, the next frame comes as at a constant rate."""
    return (seconds > 0) & (seconds <= MAX_STEP_SECONDS)


def rate_and_count(steps: np.ndarray, declared: Fraction | None) -> tuple[float, int]:
    """Give the frames per second of a video, and how many frames it has at that constant rate.

    Args:
        steps (`np.ndarray` of shape `(frames - 1,)`): Seconds from each frame to the next.
        declared (`Fraction`, *optional*): Frames per second by the header; taken if they agree with the frames.

    Returns:
        `tuple[float, int]`: The average rate in [0.1, 1000], and as many frames as [`iterate_video`] gives.
    """
    believed = is_step(steps)
    span, breaks = float(steps[believed].sum()), int((~believed).sum())
    said = float(declared) if declared is not None and MIN_FPS <= declared <= MAX_DECLARED_FPS else None
    if said is not None and abs(span * said + breaks - len(steps)) < AGREEMENT:
        fps = said
    elif span:
        fps = min(max((len(steps) - breaks) / span, MIN_FPS), MAX_FPS)
    else:
        fps = FALLBACK_FPS
    return fps, max(math.ceil(span * fps + breaks + 0.5 - TIE * fps), 1)
