# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the caller of a reader says of a file, and how that is settled with what the file says itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import MotionError
from .record import check_fps


@dataclass(frozen=True)
class Request:
    """A motion file and what the caller says of it; `None` where the caller says nothing.

    Args:
        path (`Path`): The file.
        fps (`float`, *optional*): Frames per second.
        coordinates (`str`, *optional*): `"camera"` or `"world"`.
        up (`str`, *optional*): The axis that points up.
    """

    path: Path
    fps: float | None = None
    coordinates: str | None = None
    up: str | None = None

    def settle_fps(self, found: float | str | None, usual: float | None = None, where: str = "") -> float:
        """Give the rate of the file, else of the caller, else what is usual for the format.

        Raises:
            MotionError: If nobody says it (`where` names the fields that could), it is out of range, or file and
                caller contradict each other. A file that says what no rate can be contradicts nobody.
        """
        if found is not None:
            try:
                found = check_fps(found)
            except MotionError as error:
                if self.fps is None:
                    raise MotionError(f"{error} Give the right one as fps=….") from None
                found = None
        fps = self.settle("fps", found, self.fps)
        if fps is None and usual is None:
            raise MotionError(f"{self.path} does not say its fps{where}; give it as fps=….")
        return check_fps(usual if fps is None else fps)

    def settle_frame(self, ups: dict[str, str], up_is_known: bool = True) -> tuple[str, str]:
        """Give `coordinates` and `up` for a format whose frames of reference are fixed.

        Args:
            ups (`dict[str, str]`): Each `coordinates` that the file has, the usual one first, and its axis up.
            up_is_known (`bool`, *optional*, defaults to `True`):
                `False` where the axis is a custom of the format, so that the caller may know better.

        Raises:
            MotionError: If the caller asks for a frame that the file does not have.
        """
        coordinates = self.coordinates or next(iter(ups))
        if coordinates not in ups:
            raise MotionError(f"coordinates is {coordinates!r}; {self.path} has {' and '.join(map(repr, ups))}.")
        if self.up not in (None, ups[coordinates]) and up_is_known:
            raise MotionError(
                f"up is {self.up!r}; in the {coordinates} frame of {self.path} it is {ups[coordinates]!r}."
            )
        return coordinates, self.up or ups[coordinates]

    def settle(self, name: str, found: Any, given: Any) -> Any:
        """Give what the file says, else what the caller says; raises `MotionError` where they contradict."""
        if found is not None and given is not None and found != given:
            raise MotionError(
                f"{self.path} says {name} {found!r}, the call says {given!r}; leave {name} out to take the file's."
            )
        return found if found is not None else given
