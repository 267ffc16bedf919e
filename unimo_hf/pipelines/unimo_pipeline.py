# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The whole of UniMo behind one call for every task, `generate`, with short forms of those of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from unimo_hf.model.code_choice import Decoding
from unimo_hf.model.processing_unimo import Codes, key_of
from unimo_hf.model.tasks import Task, get_task
from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.long_video import motion_of_video, takes_long_videos
from unimo_hf.pipelines.modality_values import VALUES, Making, ModalityValues, MotionValues, VisualValues
from unimo_hf.pipelines.unimo_parts import PathLike, Progress, UniMoParts
from unimo_hf.provenance import Provenance
from unimo_hf.video.reading import Video

if TYPE_CHECKING:
    from PIL.Image import Image


class UniMoPipeline(UniMoParts):
    """The AR model, the tokenizers of its modalities, the processor and a body.

    Args:
        model ([`UniMoForConditionalGeneration`]): The AR model.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        processor ([`UniMoProcessor`]): Geometry of the pictures, sequences of the tasks.
        body ([`Body`], *optional*): For joints and drawings. Default: the free body, or the user's own SMPL-X file.
        folder (`Path`, *optional*): Where the checkpoint lies.

    `tokenizers` holds the [`ModalityTokenizer`] of each modality by name; one of a new modality is put there.
    `diffusion_decoder` is `None` until a [`DiffusionDecoder`] is asked for, which is then loaded from the folder, or
    until one is put there.

    Example:

    ```python
    >>> from unimo_hf import UniMoPipeline
    >>> unimo = UniMoPipeline.from_pretrained("unimo-tiny")
    >>> motion = unimo.video_to_motion("clip.mp4")
    >>> video, motion = unimo.image_to_video_and_motion("person.png", seed=0)
    >>> video, motion = unimo.generate("i2vm", image="person.png", seed=0)  # the same by the name of the task
    ```
    """

    def default_decoding(self, task: str) -> str:
        """How a task chooses codes when nothing is said: `sampled`, `mean` or `greedy`."""
        if self.model.sampling_options(task)["do_sample"]:
            return "sampled"
        return "mean" if self.model.takes_mean_codes(task) else "greedy"

    @torch.no_grad()
    def generate(
        self,
        task: str | Task,
        *,
        do_sample: bool | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        video_decoder: str = "fsq",
        on_step: Progress | None = None,
        on_frames: Progress | None = None,
        **condition: Any,
    ) -> Any:
        """Run a task on what it is given.

        Args:
            task (`str` or [`Task`]): One of [`TASKS`].
            do_sample (`bool`, *optional*): Sample, or take the likeliest codes; default: the checkpoint's way for this
                task, which may also be mean codes of motion.
            top_p (`float`, *optional*): Mass of the nucleus when sampling, in (0, 1].
            temperature (`float`, *optional*): Divides the logits when sampling, above 0.
            seed (`int`, *optional*): Of the sampling; the same seed gives the same result.
            video_decoder (`str`, *optional*, defaults to `"fsq"`): Of tasks that make a video: `"fsq"`, which is
                quick, or `"diffusion"`.
            on_step (`Callable[[int, int], None]`, *optional*): Called as `on_step(done, total)` after each step of the
                diffusion.
            on_frames (`Callable[[int, int], None]`, *optional*): Called as `on_frames(done, total)` after each window
                of a long video, in frames of the video.
            condition: What the task is given, each by its name: `video` (a file or a [`Video`]) or `image` (a file, a
                `PIL.Image.Image` or an array), `motion` (a [`Motion`] or a file), and of any other modality a tensor
                as its tokenizer in `tokenizers` encodes it, without a batch axis, under the modality's name; of
                another person than the first `motion_1`, ... A video of any length is taken where the task is to give
                the motion of a whole one; else what is given is one clip at most.

        Returns:
            What the task produces, a tuple of more than one in the task's order: [`Video`], [`Motion`] with its
            `provenance`, of any other modality a tensor as its tokenizer decodes it. What the condition holds of a
            clip is in it as well.

        Raises:
            ValueError: If the task is unknown, a modality has no tokenizer, something is missing, given twice or not
                asked for, or an option is out of range.
            VideoError: If a file is no video or picture, or is damaged; names the file.

        Example:

        ```python
        >>> motion = unimo.generate("v2m", video="clip.mp4")
        >>> video, motion = unimo.generate("i2vm", image="person.png", seed=0)
        ```
        """
        task, sampling = get_task(task), _sampling(do_sample, top_p, temperature)
        values = self._values(task)
        given = _match(task, values, condition)
        if "visual" in (segment.modality for segment in task.target):
            self.prepare_video_decoder(video_decoder)  # what is missing shall be said before the work
        if takes_long_videos(task):
            return self._motion_of_video(task, *given["visual"], seed, sampling, on_frames)
        read = {key: values[key].read(*one, ticks=_first_ticks(task, key)) for key, one in given.items()}
        codes = self.generate_codes(task, {key: one.codes for key, one in read.items()}, seed=seed, **sampling)
        sources = [one.provenance for one in read.values() if one.provenance is not None]
        making = Making(
            self._provenance("generated", task.name, seed, sampling, next(iter(sources), None)),
            next((one.geometry for one in read.values() if one.geometry is not None), None),
            {"video_decoder": video_decoder, "seed": seed, "on_step": on_step},
        )
        made = tuple(values[key].write(codes[key], making) for key in dict.fromkeys(map(key_of, task.target)))
        return made[0] if len(made) == 1 else made

    @torch.no_grad()
    def generate_codes(
        self,
        task: str | Task,
        codes: Codes,
        *,
        do_sample: bool | None = None,
        mean_codes: bool | None = None,
        seed: int | None = None,
        **sampling: Any,
    ) -> dict[str | tuple[str, int], torch.LongTensor]:
        """Run a task on a batch of codes.

        Args:
            task (`str` or [`Task`]): One of [`TASKS`].
            codes (`dict[str, torch.LongTensor]`): The condition, as [`UniMoProcessor.build_condition`] takes it.
            do_sample (`bool`, *optional*): Sample, or take one answer; default: the checkpoint's way.
            mean_codes (`bool`, *optional*): Whether the one answer of motion is the code nearest to the mean, or the
                likeliest; default: the checkpoint's way where `do_sample` is left out as well, else the likeliest.
            seed (`int`, *optional*): Of the sampling.
            sampling: `top_p` and `temperature`.

        Returns:
            `dict[str, torch.LongTensor]`: Codes of the whole clip, as [`UniMoProcessor.post_process`] gives them.
        """
        task = get_task(task)
        condition = self.processor.build_condition(task, codes)
        target = self.model.generate_target(
            condition["input_ids"],
            sequence=condition["sequence"],
            decoding=self._decoding(task, do_sample, mean_codes, **sampling),
            generator=self.generator(seed),
        )
        whole = torch.cat([condition["input_ids"].to(target.device), target], dim=1)
        return self.processor.post_process(whole, condition["sequence"])

    @overload
    def video_to_motion(self, video: PathLike | Video, **options: Any) -> Motion: ...
    @overload
    def video_to_motion(self, video: Sequence[PathLike | Video], **options: Any) -> list[Motion]: ...

    @torch.no_grad()
    def video_to_motion(
        self,
        video: PathLike | Video | Sequence[PathLike | Video],
        *,
        do_sample: bool | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        on_frames: Progress | None = None,
    ) -> Motion | list[Motion]:
        """Estimate the motion of the person in a video.

        Args:
            video (`str`, `os.PathLike`, [`Video`], or a list of them): Any length, size and frame rate.
            do_sample (`bool`, *optional*): Sample, or take the likeliest codes; default: the checkpoint's way, which
                may also be mean codes.
            top_p (`float`, *optional*): Mass of the nucleus when sampling, in (0, 1].
            temperature (`float`, *optional*): Divides the logits when sampling, above 0.
            seed (`int`, *optional*): Of the sampling; each video of a list starts from it.
            on_frames (`Callable[[int, int], None]`, *optional*): Called as `on_frames(done, total)` after each window,
                in frames of the video.

        Returns:
            [`Motion`] (a list for a list): In the camera frame (x right, y down, z forward; metres, radians), one pose
            for each frame of the video, at its fps. Its `provenance` says that it was estimated, and how.

        Raises:
            VideoError: If a file is no video or is damaged; names the file.
            ValueError: If an option is out of range.
        """
        options = {"do_sample": do_sample, "top_p": top_p, "temperature": temperature, "seed": seed}
        if isinstance(video, Sequence) and not isinstance(video, str | Video):
            return [self.video_to_motion(one, **options, on_frames=on_frames) for one in video]
        return self.generate("v2m", video=video, **options, on_frames=on_frames)

    @overload
    def image_to_video_and_motion(
        self, image: "PathLike | np.ndarray | Image", **options: Any
    ) -> tuple[Video, Motion]: ...
    @overload
    def image_to_video_and_motion(
        self, image: "Sequence[PathLike | np.ndarray | Image]", **options: Any
    ) -> list[tuple[Video, Motion]]: ...

    @torch.no_grad()
    def image_to_video_and_motion(
        self,
        image: "PathLike | np.ndarray | Image | Sequence[PathLike | np.ndarray | Image]",
        *,
        do_sample: bool | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        video_decoder: str = "fsq",
        on_step: Progress | None = None,
    ) -> tuple[Video, Motion] | list[tuple[Video, Motion]]:
        """Let the person in a picture move.

        Args:
            image (`str`, `os.PathLike`, `PIL.Image.Image`, `np.ndarray` of shape `(H, W, 3)`, uint8, or a list):
                The picture.
            do_sample (`bool`, *optional*): Sample, or take the likeliest codes; default: the checkpoint's way, which
                may also be sampled pictures with the mean motion behind them.
            top_p (`float`, *optional*): Mass of the nucleus when sampling, in (0, 1].
            temperature (`float`, *optional*): Divides the logits when sampling, above 0.
            seed (`int`, *optional*): Of the sampling; the same seed gives the same video and motion.
            video_decoder (`str`, *optional*, defaults to `"fsq"`): `"fsq"`, which is quick, or `"diffusion"`.
            on_step (`Callable[[int, int], None]`, *optional*): Called as `on_step(done, total)` after each step of the
                diffusion.

        Returns:
            `tuple[Video, Motion]` (a list for a list): Frames `(T, H, W, 3)` uint8, in the proportions of the picture
            with its longer side at the model's size, and their motion in the camera frame, at the model's fps. The
            `provenance` of the motion says that both were generated, and how; give it to `write_video`.

        Raises:
            VideoError: If the file is no picture; names the file.
            ValueError: If an option is out of range, an array is no picture, or the checkpoint has no such decoder.
        """
        options: dict[str, Any] = {
            "do_sample": do_sample,
            "top_p": top_p,
            "temperature": temperature,
            "seed": seed,
        }
        options |= {"video_decoder": video_decoder, "on_step": on_step}
        if isinstance(image, Sequence) and not isinstance(image, str):
            return [self.image_to_video_and_motion(one, **options) for one in image]
        return self.generate("i2vm", image=image, **options)

    def draw(self, video: PathLike, motion: Motion, output: PathLike) -> None:
        """Write a video with the body drawn over its frames, at its own size and frame rate."""
        from unimo_hf.video.drawing import write_overlay

        write_overlay(output, video, motion, self.body, self.processor.size)

    def motion_codes_from_video(
        self,
        video: torch.Tensor,
        *,
        do_sample: bool | None = None,
        mean_codes: bool | None = None,
        seed: int | None = None,
    ) -> torch.Tensor:
        """Clips `(B, 3, T, S, S)` in [-1, 1] to motion codes `(B, T, codes a frame)`.

        Args:
            video (`torch.Tensor`): The clips.
            do_sample (`bool`, *optional*): Sample, or take one answer; default: the checkpoint's way.
            mean_codes (`bool`, *optional*): Whether the one answer is the code nearest to the mean, or the likeliest;
                default: the checkpoint's way where `do_sample` is left out as well, else the likeliest.
            seed (`int`, *optional*): Of the sampling.
        """
        options = {"do_sample": do_sample, "mean_codes": mean_codes, "seed": seed}
        return self.generate_codes("v2m", {"visual": self.encode_video(video)}, **options)["motion"].flatten(2)

    def codes_from_image(
        self, image: torch.Tensor, *, do_sample: bool | None = None, seed: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures `(B, 3, S, S)` in [-1, 1] to codes: visual `(B, t, h, w)` and motion `(B, T, codes a frame)`."""
        first = self.encode_video(image[:, :, None])
        codes = self.generate_codes("i2vm", {"visual": first}, do_sample=do_sample, seed=seed)
        return codes["visual"], codes["motion"].flatten(2)

    @torch.no_grad()
    def decode_motion(self, motion_codes: torch.Tensor) -> list[Motion]:
        """Motion codes `(B, T, …)` to B motions in the frame that the tokenizer was trained in."""
        return MotionValues(self, self.processor.table["motion"]).decode(motion_codes)

    def _provenance(
        self, kind: str, task: str, seed: int | None, sampling: dict[str, Any], source: Provenance | None = None
    ) -> Provenance:
        """What says how a result came about, with the sampling that was used where nothing was said."""
        used = self.model.sampling_options(task, **sampling)
        return Provenance(
            kind,
            *self._identity,
            task=task,
            seed=None if seed is None else int(seed),
            do_sample=bool(used["do_sample"]),
            mean_codes=self._takes_means(task, sampling["do_sample"]),
            top_p=float(used["top_p"]) if used["do_sample"] else None,
            temperature=float(used["temperature"]) if used["do_sample"] else None,
            source=source.kind if source else None,
        )

    def _takes_means(self, task: str, do_sample: bool | None) -> bool:
        """Whether motion codes are mean ones: where the checkpoint says so and nobody asks for another way."""
        return do_sample is None and self.model.takes_mean_codes(task)

    def _decoding(
        self, task: Task, do_sample: bool | None, mean_codes: bool | None = None, **sampling: Any
    ) -> Decoding:
        """How codes of a task are chosen."""
        if mean_codes is None:
            mean_codes = self._takes_means(task.name, do_sample)
        vectors = {"motion": self.motion_vqvae.code_vectors()} if mean_codes else {}
        return Decoding(**self.model.sampling_options(task.name, do_sample=do_sample, **sampling), vectors=vectors)

    def _values(self, task: Task) -> dict[Any, ModalityValues]:
        """What reads and writes the values of each segment of a task."""
        values: dict[Any, ModalityValues] = {}
        for segment in (*task.condition, *task.target):
            name, table = segment.modality, self.processor.table
            if name not in table:
                raise ValueError(f"The task {task.name!r} needs the modality {name!r}; the model has {list(table)}.")
            if name not in self.tokenizers:
                raise ValueError(
                    f"The task {task.name!r} needs a tokenizer of the modality {name!r}; `tokenizers` holds those of "
                    f"{list(self.tokenizers)}."
                )
            values[key_of(segment)] = VALUES.get(name, ModalityValues)(self, table[name])
        return values

    def _motion_of_video(
        self,
        task: Task,
        name: str,
        value: Any,
        seed: int | None,
        sampling: dict[str, Any],
        on_frames: Progress | None,
    ) -> Motion:
        """The motion in a video of any length."""
        source = VisualValues(self, self.processor.table["visual"]).open(name, value)
        means = self._takes_means(task.name, sampling["do_sample"])
        motion = motion_of_video(
            self,
            task,
            source,
            self._decoding(task, **sampling),
            self._decoding(task, do_sample=False, mean_codes=means),
            self.generator(seed),
            on_frames,
        )
        provenance = self._provenance("estimated", task.name, seed, sampling, source.provenance)
        return replace(motion, provenance=provenance)


def _sampling(do_sample: bool | None, top_p: float | None, temperature: float | None) -> dict[str, Any]:
    """Options of the sampling, checked."""
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` is {top_p}; it must be above 0 and at most 1.")
    if temperature is not None and not temperature > 0:
        raise ValueError(
            f"`temperature` is {temperature}; it must be above 0. For the likeliest codes, do_sample=False."
        )
    return {"do_sample": do_sample, "top_p": top_p, "temperature": temperature}


def _match(
    task: Task, values: Mapping[Any, ModalityValues], condition: Mapping[str, Any]
) -> dict[Any, tuple[str, Any]]:
    """What is given for each segment of a condition, and its name in the call."""
    given: dict[Any, tuple[str, Any]] = {}
    known: list[str] = []
    for segment in task.condition:
        key = key_of(segment)
        names = [f"{name}_{segment.stream}" if segment.stream else name for name in values[key].names]
        found = [name for name in names if condition.get(name) is not None]
        if len(found) != 1:
            said = "all of these are" if found else "none is"
            raise ValueError(f"The task {task.name!r} needs one of {names}; {said} given.")
        given[key] = (found[0], condition[found[0]])
        known += names
    if unknown := sorted(condition.keys() - set(known)):
        raise ValueError(f"The task {task.name!r} takes no {unknown}; it takes {known}.")
    return given


def _first_ticks(task: Task, key: Any) -> int | None:
    """How many ticks from the first on a task takes of a condition; `None`: all."""
    stops = [segment.stop for segment in task.condition if key_of(segment) == key]
    return None if any(stop is None or stop < 0 for stop in stops) else max(stop for stop in stops if stop)
