# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Names that files and users give, which may hold anything: as the name of a file, and as text to show."""

import unicodedata

# Controls, invisible formats such as marks of direction, halves of characters (undecodable bytes), ends of lines.
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
NOT_ON_WINDOWS = '<>:"/\\|?*'
PORTS = "0123456789\u00b9\u00b2\u00b3"  # Windows counts raised digits as digits
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in PORTS)}
LONGEST = 200  # bytes; file systems take 255, and endings are added


def shown(text: str) -> str:
    r"""Write out what a terminal would obey or hide: the one character that begins escape codes becomes `\x1b`."""
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in HIDDEN else character
        for character in text
    )


def file_name(name: str) -> str:
    """Turn a name into one that a file can have on any system, that is no option and not hidden.

    What does not print and what Windows does not allow becomes `_`, as does a dot, dash or space at the start and a
    dot or space at the end. A `_` comes before the name of a device, and a long name is cut. All other names stay.
    """
    allowed = "".join(
        "_" if unicodedata.category(character) in HIDDEN or character in NOT_ON_WINDOWS else character
        for character in name
    )
    cut = allowed.encode()[:LONGEST].decode(errors="ignore")
    if cut[:1] in (".", "-", " "):
        cut = "_" + cut[1:]
    if cut[-1:] in (".", " "):
        cut = cut[:-1] + "_"
    return f"_{cut}" if not cut or cut.partition(".")[0].strip().lower() in DEVICES else cut
