# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`Motion`: the record of one person's motion that a user holds, with its files."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .containers import DESCRIPTIONS
from .errors import MotionError
from .files import read_motion, read_records, write_motion
from .record import MotionRecord
from .sources import PathLike, Source, find_sources

if TYPE_CHECKING:
    from .body import Body


class Motion(MotionRecord):
    """The motion of one person in SMPL-X parameters, checked when it is made and unchangeable afterwards.

    The position of the pelvis is `transl + rest_pelvis(betas)`, not `transl` (SMPL-X turns the body about its pelvis).

    Args:
        body_pose (`np.ndarray` of shape `(T, 63)`):
            Rotations of the 21 body joints relative to their parents, axis-angle, radians.
        global_orient (`np.ndarray` of shape `(T, 3)`): Rotation of the pelvis, axis-angle, radians.
        transl (`np.ndarray` of shape `(T, 3)`): Added to every vertex after skinning, metres.
        betas (`np.ndarray` of shape `(10,)`): Shape coefficients of the body.
        fps (`float`): Frames per second, in [0.1, 1000].
        coordinates (`str`, *optional*, defaults to `"camera"`):
            `"camera"`: OpenCV's camera frame, x right, y down, z forward. `"world"`: a frame at rest.
        up (`str`, *optional*):
            The axis that points up: `"y"`, `"-y"` or `"z"`. In the camera frame it is `"-y"`; a world frame has to
            name it.
        gender (`str`, *optional*, defaults to `"neutral"`):
            `"neutral"`, `"male"` or `"female"`: the SMPL-X model whose shape coefficients `betas` are.
        provenance ([`Provenance`], *optional*):
            What says that a model estimated or generated it; kept in all that is made from the motion, files included.
            Default: captured, or nobody said.

    Raises:
        MotionError: If a shape is wrong, a value is not finite, angles can't be radians, there are no frames, `fps` is
            missing or out of range, or the frame of reference or the gender is unknown.

    Example:

    ```python
    >>> motion = Motion.load("walk_stageii.npz")
    >>> motion[:64].resample(30).save("walk.npz")
    ```
    """

    @classmethod
    def of(cls, record: MotionRecord) -> Self:
        """The motion of a record that was checked when it was made."""
        motion = object.__new__(cls)
        vars(motion).update(vars(record))
        return motion

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        fps: float | None = None,
        coordinates: str | None = None,
        up: str | None = None,
        name: str | None = None,
    ) -> "Motion":
        """Read a motion from a file, or from a folder that holds one.

        Read are: files written by [`Motion.save`]; AMASS (SMPL-X or SMPL-H), BEDLAM and the SMPL-X Blender add-on's
        exports (`.npz`); GVHMR (`.pt`); WHAM, 3DPW, AIST++ and RICH (`.pkl`); Motion-X (`.npy`); BVH (`.bvh`). What a
        file is, its content says. Nothing in a file is ever run. Hands and face are dropped, shapes that change over
        time are averaged, and the shape of an SMPL or SMPL-H body is dropped, since its coefficients mean something
        else. `docs/files.md` says what each format means and what is done about it.

        Args:
            path (`str` or `os.PathLike`): The file or folder.
            fps (`float`, *optional*):
                Where the file does not say it, or says one that can't be; its usual rate is taken if it has one.
            coordinates (`str`, *optional*): `"camera"` or `"world"`, where the file has both; default is the camera.
            up (`str`, *optional*): The axis of a world frame that points up, where the file does not say it.
            name (`str`, *optional*): Which motion, where there are several: of one person, one scene, one clip.

        Returns:
            [`Motion`].

        Raises:
            MotionError: If the file is none of these, is damaged, contradicts the arguments, or holds several motions
                and `name` is none of them; names the file.
            FileNotFoundError: If there is no such file.
        """
        return cls.of(read_motion(path, fps, coordinates, up, name))

    def save(
        self, path: str | os.PathLike, fps: float | None = None, unit: str = "cm", body: "Body | None" = None
    ) -> None:
        """Write a file of the form that the suffix says.

        `.npz`: AMASS / SMPL-X names, which the SMPL-X Blender add-on opens. The add-on refuses files below 30 fps and
        plays only multiples of 30 at their true speed. So by default a motion at another rate is written resampled to
        the nearest multiple, and its own frames are kept beside under other names. `.safetensors`: the parameters as
        they are. `.bvh`: a skeleton in the T-pose of the body, in a world with y up, for programs that know no SMPL-X;
        the shape is lost. A [`Provenance`] is written into the file, of a `.bvh` file into `NAME.bvh.provenance.json`
        beside it. [`Motion.load`] gives back what was saved.

        Args:
            path (`str` or `os.PathLike`): A file that ends in one of these; replaced as a whole when it exists.
            fps (`float`, *optional*): Write frames at this rate only.
            unit (`str`, *optional*, defaults to `"cm"`): `"cm"` or `"m"`, of a `.bvh` file; the others are in metres.
            body ([`Body`], *optional*): Whose skeleton a `.bvh` file gets. Default: [`Body.load`].

        Raises:
            MotionError: If `path` has another suffix, `fps` is out of range or `unit` is unknown.
            OSError: If the file can't be written.
        """
        write_motion(self, path, fps, unit, body)


def load_collection(
    paths: PathLike | Iterable[PathLike],
    skipped: list[tuple[Path, Exception]] | None = None,
    fps: float | None = None,
    coordinates: str | None = None,
    up: str | None = None,
) -> list[tuple[str, Motion]]:
    """Read many motions.

    Args:
        paths (`str`, `os.PathLike` or an iterable of them):
            Each a motion file, a glob of files, a folder of motion files (sub-folders included), or a folder with
            `motions.npz` and `clips.json`. A file of several people, or with frames missing, gives several motions.
        skipped (`list`, *optional*):
            When given, a bad file stops nothing: it is left out, and (file, error) is appended here.
        fps (`float`, *optional*): Of all files that do not say it, as for [`Motion.load`].
        coordinates (`str`, *optional*): Of all files that have both, as for [`Motion.load`].
        up (`str`, *optional*): Of all files that do not say it, as for [`Motion.load`].

    Returns:
        `list[tuple[str, Motion]]`: Names and motions, in the order of the paths, within a folder by name. A name is
        the way to the file from the folder, without its ending, as `subject/walk`.

    Raises:
        MotionError: If a file is bad (without `skipped`), or no motion is found at all.
        FileNotFoundError: If a path does not exist.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    sources = find_sources(paths)
    motions: list[tuple[str, Motion]] = []
    for source in sources:
        try:
            motions += read_source(source, fps, coordinates, up)
        except (MotionError, OSError) as error:
            if skipped is None:
                raise
            skipped.append((source.path, error))
    if not sources:
        raise MotionError(
            f"No motion was found in {', '.join(map(str, paths)) or 'no paths'}; motions end in "
            f"{', '.join(DESCRIPTIONS)}."
        )
    return motions


def read_source(
    source: Source, fps: float | None = None, coordinates: str | None = None, up: str | None = None
) -> list[tuple[str, Motion]]:
    """Read all motions of a source, each under its full name; errors name the file."""
    return [(name, Motion.of(record)) for name, record in read_records(source, fps, coordinates, up)]
