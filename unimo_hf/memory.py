# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Whether something fits into the memory of this machine, asked before it is made."""


def check_memory(needed: float, what: str) -> None:
    """Raise `ValueError` if something needs more memory than the machine has.

    Args:
        needed (`float`): Bytes.
        what (`str`): What needs them; begins the message.
    """
    import psutil

    memory = psutil.virtual_memory().total
    if needed > memory:
        raise ValueError(f"{what} would take {needed / 1e9:.3g} GB; this machine has {memory / 1e9:.3g} GB of memory.")
