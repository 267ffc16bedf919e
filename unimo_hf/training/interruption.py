# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Ctrl-C that waits for the end of a step."""

import signal
import threading
from types import FrameType, TracebackType


class StopRequest:
    """Turns the first Ctrl-C in its block into a wish to stop; the second is an ordinary `KeyboardInterrupt`.

    Args:
        enabled (`bool`): `False` leaves Ctrl-C as it is: processes that train together would stop at different steps.

    Attributes:
        requested (`bool`): Whether the user wants to stop.
    """

    def __init__(self, enabled: bool = True):
        # Python lets only the main thread handle signals.
        self.enabled = enabled and threading.current_thread() is threading.main_thread()
        self.requested = False

    def __enter__(self) -> "StopRequest":
        if self.enabled:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.enabled:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
