# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Which numbers a field may hold, and the one sentence that says so when it holds others."""

import reprlib
import sys
from dataclasses import dataclass
from typing import Any

MOST_NUMBERS = 1000  # in a list

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 3


def shown(value: Any) -> str:
    """A value of a foreign file for a message: short, whatever its size, depth and characters."""
    return _SHORT.repr(value)[:200]


@dataclass(frozen=True)
class Range:
    """Finite numbers between two bounds.

    Args:
        least (`float`, *optional*): The least that is allowed.
        most (`float`, *optional*): The most that is allowed.
        above (`bool`, *optional*, defaults to `False`): Whether `least` itself is not allowed.
        below (`bool`, *optional*, defaults to `False`): Whether `most` itself is not allowed.
        whole (`bool`, *optional*, defaults to `False`): Whether only integers are allowed.
    """

    least: float = -sys.float_info.max
    most: float = sys.float_info.max
    above: bool = False
    below: bool = False
    whole: bool = False

    def __contains__(self, number: Any) -> bool:
        if isinstance(number, bool) or not isinstance(number, int if self.whole else (int, float)):
            return False
        if isinstance(number, int) and abs(number) > 2**53:
            return False  # torch takes none larger, and a float that can't say it exactly is meant otherwise
        # NaN is in no comparison, and infinity is beyond every bound.
        is_enough = self.least < number if self.above else self.least <= number
        return is_enough and (number < self.most if self.below else number <= self.most)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a finite number"
        has_least, has_most = self.least > -sys.float_info.max, self.most < sys.float_info.max
        if has_least and has_most and not (self.above or self.below):
            return f"{kind} from {self.least} to {self.most}"
        least = f" {'above' if self.above else 'of at least'} {self.least}" if has_least else ""
        most = f" {'below' if self.below else 'of at most'} {self.most}" if has_most else ""
        return kind + least + (" and" if least and most else "") + most

    def check(self, name: str, value: Any) -> None:
        """Raise `ValueError` that begins with `name` if a value is none of these numbers."""
        if value not in self:
            raise ValueError(f"{name} is {shown(value)}; {self} is needed.")

    def check_each(self, name: str, values: Any) -> None:
        """Raise `ValueError` that begins with `name` if values are no list of these numbers."""
        if not isinstance(values, list | tuple):
            raise ValueError(f"{name} is {shown(values)}; a list of numbers is needed.")
        if not 0 < len(values) <= MOST_NUMBERS:
            raise ValueError(f"{name} is a list of {len(values)}; 1 to {MOST_NUMBERS} numbers are needed.")
        if wrong := [value for value in values if value not in self]:
            raise ValueError(f"{name} holds {shown(wrong[0])}; {self} is needed.")


SIZE = Range(1, 2**31 - 1, whole=True)
NATURAL = Range(0, 2**31 - 1, whole=True)
POSITIVE = Range(0, above=True)
FPS = Range(0.1, 1000.0)
WEIGHT = Range(0)
SHARE = Range(0, 1)


def check_fields(holder: Any, ranges: dict[str, Range]) -> None:
    """Raise `ValueError` naming the first field, a number or a list, that is out of its range; `None` is left out."""
    for name, allowed in ranges.items():
        value = getattr(holder, name)
        if isinstance(value, list | tuple):
            allowed.check_each(f"`{name}`", value)
        elif value is not None:
            allowed.check(f"`{name}`", value)
