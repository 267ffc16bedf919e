# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A video of any length through a model of one clip: frames cut into windows, and the motions of the windows joined.

Every window is a full clip, as in training. It begins with frames that the windows before it know already; their poses
are forced as the start of its target, so that only the poses of new frames are generated.

A motion is coded as a first place and steps from there. Steps alone would lead a long motion away from its video, so
each window also says where it sees the person, and the motion is led there slowly.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion

# Share of the distance to the place where the person is seen that is made good with each frame: half in two seconds.
PULL = 0.02


@dataclass(frozen=True)
class Window:
    """One clip of a longer video.

    Attributes:
        video (`torch.Tensor` of shape `(1, 3, T, S, S)`): Frames in [-1, 1]. A video that is shorter than a clip
            ends in repetitions of its last frame.
        real (`int`): Frames of the video.
        known (`int`): Frames at the start whose poses the windows before this one have given.
    """

    video: torch.Tensor
    real: int
    known: int


def cut_windows(frames: Iterable[torch.Tensor], length: int, overlap: int) -> Iterator[Window]:
    """Cut a stream of frames into windows; holds one window at a time.

    Args:
        frames (iterable of `torch.Tensor` of shape `(1, 3, 1, S, S)`): The video, frame by frame.
        length (`int`): Frames of a window.
        overlap (`int`): Frames that a window shares with the one before it. The last window reaches back further, so
            that it is full as well.

    Yields:
        [`Window`].
    """
    held: deque[torch.Tensor] = deque(maxlen=length)
    fresh, room = 0, length
    for frame in frames:
        held.append(frame)
        fresh += 1
        if fresh == room:
            yield _window(held, length, fresh)
            fresh, room = 0, length - overlap
    if fresh:
        yield _window(held, length, fresh)


def _window(held: Sequence[torch.Tensor], length: int, fresh: int) -> Window:
    frames = [*held, *[held[-1]] * (length - len(held))]
    return Window(torch.cat(frames, dim=2), real=len(held), known=len(held) - fresh)


class MotionOfWindows:
    """The poses of the windows so far, as one motion.

    Args:
        body ([`Body`]): Windows differ in shape, and so in the rest place of the pelvis; it tells where that is.
    """

    def __init__(self, body: Body):
        self.body = body
        self.parts: list[Motion] = []

    def begin(self, motion: Motion) -> None:
        """Take over all poses of a window that knows none."""
        self.parts.append(motion)

    def go_on(self, motion: Motion, known: int, seen: Motion) -> None:
        """Append the new poses of a window, from the place where the last known one lay.

        Args:
            motion ([`Motion`]): All poses of the window.
            known (`int`): How many of them are known, at least 1.
            seen ([`Motion`]): The window's first pose, in the place where the window sees it.
        """
        before = self._pelvis(self.last(known))
        drift = self._pelvis(seen)[0] - before[0]
        new = np.arange(1, len(motion) - known + 1)[:, None]
        offset = before[-1] - self._pelvis(motion)[known - 1] + PULL * new * drift
        self.parts.append(replace(motion[known:], transl=motion.transl[known:] + offset))

    def last(self, frames: int) -> Motion:
        """The last poses."""
        first, missing = len(self.parts), frames
        while missing > 0 and first > 0:
            first -= 1
            missing -= len(self.parts[first])
        return self._join(self.parts[first:])[-frames:]

    def whole(self) -> Motion:
        """All poses, in one shape."""
        return self._join(self.parts)

    def _join(self, parts: Sequence[Motion]) -> Motion:
        """One after the other, in their mean shape; the pelvis stays where it was, `transl` takes up the change."""
        lengths = [len(part) for part in parts]
        betas = np.average([part.betas for part in parts], axis=0, weights=lengths).astype(np.float32)
        rest = self.body.rest_pelvis(torch.from_numpy(betas)).numpy()
        moved = [replace(part, transl=self._pelvis(part) - rest) for part in parts]
        return Motion.concatenate(moved, betas=betas)

    def _pelvis(self, motion: Motion) -> np.ndarray:
        """Place of the pelvis, `(T, 3)`, metres."""
        return motion.transl + self.body.rest_pelvis(torch.from_numpy(motion.betas)).numpy()
