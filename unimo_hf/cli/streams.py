# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Standard streams may be closed, or know few characters: neither shall end a command."""

import io
import os
import sys


def prepare_streams() -> None:
    """Open the null device where a stream is closed, and let the others write out characters that they do not know.

    The next file that is opened would else take the number of a closed stream, and what libraries print would go into
    that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
