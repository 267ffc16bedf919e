# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The one door to diffusers, which is an optional extra and is imported when a diffusion decoder is made."""

from types import ModuleType


def import_diffusers() -> ModuleType:
    """Import diffusers.

    Raises:
        ModuleNotFoundError: If it is not installed; says which extra brings it.
    """
    try:
        import diffusers
    except ModuleNotFoundError as error:
        if error.name != "diffusers":
            raise
        raise ModuleNotFoundError(
            "The diffusion decoder needs the package diffusers, which is the extra `diffusion`: "
            "pip install 'unimo_hf[diffusion]'",
            name="diffusers",
        ) from error
    return diffusers
