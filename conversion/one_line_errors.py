# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How the scripts of this folder end when something goes wrong that their user can mend."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from unimo_hf.names import shown


@contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """End the program with one message and code 1 where a file or a value is wrong, or a package is missing.

    Args:
        program (`str`): Its name, for the message.
    """
    try:
        yield
    except (OSError, ValueError, ModuleNotFoundError) as error:
        # Lists of weights that do not fit stand in lines of their own.
        sys.exit(f"{program}: " + "\n".join(map(shown, str(error).split("\n"))))
