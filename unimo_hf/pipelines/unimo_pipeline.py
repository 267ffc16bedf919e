# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The whole of UniMo behind two calls: a video becomes motion, a picture becomes a video and its motion."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from unimo_hf.atomic import follow_umask
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modalities import ModalityTokenizer, by_modality
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion
from unimo_hf.motion.motion_frames import frames_to_motions, motions_to_frames
from unimo_hf.pipelines.checkpoint import (
    DIFFUSION_DECODER,
    check_fit,
    load_diffusion_decoder,
    load_network,
    load_processor,
    resolve_checkpoint,
)
from unimo_hf.pipelines.checkpoint_files import copy_file, files_inside
from unimo_hf.pipelines.frame_source import open_source, to_clock_of
from unimo_hf.pipelines.hub import upload_checkpoint
from unimo_hf.pipelines.identity import identify
from unimo_hf.pipelines.windows import MotionOfWindows, cut_windows
from unimo_hf.provenance import Provenance
from unimo_hf.video.pictures import read_picture
from unimo_hf.video.reading import Video

if TYPE_CHECKING:
    from PIL.Image import Image

PathLike = str | os.PathLike
Progress = Callable[[int, int], None]

# What makes pictures of visual codes: the video tokenizer itself, or the checkpoint's diffusion decoder.
VIDEO_DECODERS = ("fsq", "diffusion")
# Frames that a window of a long video shares with the one before it.
OVERLAP = 4


class UniMoPipeline:
    """The AR model, its two tokenizers, the processor and a body.

    Args:
        model ([`UniMoForConditionalGeneration`]): The AR model.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        processor ([`UniMoProcessor`]): Geometry of the pictures, sequences of the tasks.
        body ([`Body`], *optional*): For joints and drawings. Default: the free body, or the user's own SMPL-X file.
        folder (`Path`, *optional*): Where the checkpoint lies.

    `diffusion_decoder` is `None` until a [`DiffusionDecoder`] is asked for, which is then loaded from the folder, or
    until one is put there.

    Example:

    ```python
    >>> from unimo_hf import UniMoPipeline
    >>> unimo = UniMoPipeline.from_pretrained("unimo-tiny")
    >>> motion = unimo.video_to_motion("clip.mp4")
    >>> video, motion = unimo.image_to_video_and_motion("person.png", seed=0)
    ```
    """

    def __init__(
        self,
        model: UniMoForConditionalGeneration,
        motion_vqvae: MotionVQVAE,
        video_fsq: VideoFSQ,
        processor: UniMoProcessor,
        body: Body | None = None,
        folder: Path | None = None,
    ):
        check_fit(folder or "the pipeline", model.config, motion_vqvae.config, video_fsq.config, processor)
        self.model, self.motion_vqvae, self.video_fsq = model.eval(), motion_vqvae.eval(), video_fsq.eval()
        self.processor, self.body, self.folder = processor, body or Body.load(), folder
        self._identity = identify(folder)
        self.diffusion_decoder: DiffusionDecoder | None = None
        # Where a diffusion decoder is fetched from, if the checkpoint is of the Hub: name and options.
        self._source: tuple[PathLike | None, dict[str, Any]] = (None, {})

    @property
    def tokenizers(self) -> dict[str, ModalityTokenizer]:
        """`dict`: The tokenizers by modality."""
        return by_modality(self.video_fsq, self.motion_vqvae)

    @classmethod
    def from_pretrained(
        cls,
        name: PathLike,
        dtype: torch.dtype | str = torch.float32,
        model: UniMoForConditionalGeneration | None = None,
        **hub_options: Any,
    ) -> "UniMoPipeline":
        """Load a checkpoint. The diffusion decoder of a Hub repository is fetched when it is first used.

        Args:
            name (`str` or `os.PathLike`): `"unimo-tiny"` (ships with the package), a folder, or a Hub repository.
            dtype (`torch.dtype` or `str`, *optional*, defaults to `torch.float32`): Type of the AR model's weights.
            model ([`UniMoForConditionalGeneration`], *optional*): The AR model, where it is loaded already.
            hub_options: `revision`, `token`, `cache_dir`, ... of `huggingface_hub.snapshot_download`.

        Raises:
            ValueError: If a part of the checkpoint is missing, damaged or does not fit the others; names the part.
        """
        folder = resolve_checkpoint(name, **hub_options)
        unimo = cls(
            model or load_network(UniMoForConditionalGeneration, folder, dtype=dtype),
            load_network(MotionVQVAE, folder, "motion_vqvae", dtype=torch.float32),
            load_network(VideoFSQ, folder, "video_fsq", dtype=torch.float32),
            load_processor(folder),
            folder=folder,
        )
        unimo._source = (name, hub_options)
        return unimo

    def save_pretrained(self, folder: PathLike, max_shard_size: int | str = "5GB") -> None:
        """Write a checkpoint that [`~UniMoPipeline.from_pretrained`] loads, each network in the type that it has.

        A diffusion decoder is written if it is loaded or lies in the folder that the pipeline was loaded from.

        Args:
            folder (`str` or `os.PathLike`): Made if it is missing; a checkpoint that is there is replaced.
            max_shard_size (`int` or `str`, *optional*, defaults to `"5GB"`): Of a file of weights.

        Raises:
            ValueError: If a file of a diffusion decoder that is not loaded is a link out of its checkpoint; names it.
        """
        folder = Path(folder)
        networks = {"": self.model, "motion_vqvae": self.motion_vqvae, "video_fsq": self.video_fsq}
        if self.diffusion_decoder is not None:
            networks[DIFFUSION_DECODER] = self.diffusion_decoder
        elif self.folder is not None:
            for file in files_inside(self.folder, [f"{DIFFUSION_DECODER}/**/*"]):
                copy_file(file, folder / file.relative_to(self.folder))
        for part, network in networks.items():
            network.save_pretrained(folder / part, max_shard_size=max_shard_size)
            follow_umask(*(folder / part).glob("model*.safetensors"))
        self.processor.save_pretrained(folder)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        max_shard_size: int | str = "5GB",
        **hub_options: Any,
    ) -> str:
        """Put the checkpoint into a repository of the Hub, which is made if there is none.

        Who loads it needs this package; `conversion/export_hub.py` makes repositories that also load without.

        Args:
            repo_id (`str`): `organisation/repository`.
            private (`bool`, *optional*): Who sees a new repository; default: what the organisation has set.
            max_shard_size (`int` or `str`, *optional*, defaults to `"5GB"`): Of a file of weights.
            hub_options: `token`, `revision`, `commit_message`, ... of `huggingface_hub.HfApi.upload_folder`.

        Returns:
            `str`: Address of the commit.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder, max_shard_size)
            return upload_checkpoint(Path(folder), repo_id, private, **hub_options)

    def to(self, device: torch.device | str) -> "UniMoPipeline":
        """Move the networks to a device; a diffusion decoder that is there already stays where it is."""
        for network in (self.model, self.motion_vqvae, self.video_fsq):
            network.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.model.device

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return self.processor.frames

    @property
    def fps(self) -> float:
        """Frames per second that the networks work at."""
        return self.processor.fps

    def default_decoding(self, task: str) -> str:
        """How a task (`v2m` or `i2vm`) chooses codes when nothing is said: `sampled`, `mean` or `greedy`."""
        if self.model.sampling_options(task)["do_sample"]:
            return "sampled"
        return "mean" if self.model.takes_mean_codes(task) else "greedy"

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
        sampling = _sampling(do_sample, top_p, temperature)
        if isinstance(video, Sequence) and not isinstance(video, str | Video):
            return [self.video_to_motion(one, **sampling, seed=seed, on_frames=on_frames) for one in video]
        generator = self._generator(seed)
        source = open_source(video, self.fps)
        motion, done = MotionOfWindows(self.body), 0
        for window in cut_windows(self._squares(source.frames), self.frames, min(OVERLAP, self.frames // 2)):
            visual_codes = self.video_fsq.encode(window.video.to(self.device))
            known = self._encode_motion(motion.last(window.known)) if window.known else None
            codes = self._motion_codes(visual_codes, generator, window.real, known, **sampling)
            if known is None:
                motion.begin(self.decode_motion(codes)[0])
            else:
                # The first frame once more, from the video alone: that is where the window sees the person.
                means = self._takes_means("v2m", do_sample)
                first = self._motion_codes(visual_codes, frames=1, do_sample=False, mean_codes=means)
                seen = self.decode_motion(torch.cat([first, codes[:, 1:]], dim=1))[0]
                motion.go_on(self.decode_motion(codes)[0], window.known, seen[:1])
            done += window.real - window.known
            if on_frames is not None:
                on_frames(min(round(done * source.fps / self.fps), source.count), source.count)
        provenance = self._provenance("estimated", "v2m", seed, sampling, source.provenance)
        return replace(to_clock_of(source, motion.whole()), provenance=provenance)

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
        sampling = _sampling(do_sample, top_p, temperature)
        self._prepare(video_decoder)  # what is missing shall be said before the work
        if isinstance(image, Sequence) and not isinstance(image, str):
            options: dict[str, Any] = {"seed": seed, "video_decoder": video_decoder, "on_step": on_step}
            return [self.image_to_video_and_motion(one, **sampling, **options) for one in image]
        prepared = self.processor.prepare_image(_pixels(image))
        visual_codes, motion_codes = self._codes_from_image(prepared.pixel_values, self._generator(seed), **sampling)
        video = self.decode_video(visual_codes, video_decoder=video_decoder, seed=seed, on_step=on_step)
        frames = self.processor.to_frames(video[0].cpu(), prepared.geometry)
        provenance = self._provenance("generated", "i2vm", seed, sampling)
        return Video(frames.numpy(), self.fps), replace(self.decode_motion(motion_codes)[0], provenance=provenance)

    def draw(self, video: PathLike, motion: Motion, output: PathLike) -> None:
        """Write a video with the body drawn over its frames, at its own size and frame rate."""
        from unimo_hf.video.drawing import write_overlay

        write_overlay(output, video, motion, self.body, self.processor.size)

    @torch.no_grad()
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
        self._check_size(video)
        visual_codes, generator = self.video_fsq.encode(video.to(self.device)), self._generator(seed)
        return self._motion_codes(visual_codes, generator, do_sample=do_sample, mean_codes=mean_codes)

    @torch.no_grad()
    def codes_from_image(
        self, image: torch.Tensor, *, do_sample: bool | None = None, seed: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures `(B, 3, S, S)` in [-1, 1] to codes: visual `(B, t, h, w)` and motion `(B, T, codes a frame)`."""
        self._check_size(image)
        return self._codes_from_image(image[:, :, None], self._generator(seed), do_sample=do_sample)

    @torch.no_grad()
    def decode_video(
        self,
        visual_codes: torch.Tensor,
        *,
        video_decoder: str = "fsq",
        seed: int | None = None,
        on_step: Progress | None = None,
    ) -> torch.Tensor:
        """Visual codes `(B, t, h, w)` to video `(B, 3, T, S, S)`, nominally in [-1, 1]; `seed` is for diffusion."""
        decoder = self._prepare(video_decoder)
        if decoder is not None:
            return decoder.decode(visual_codes, generator=self._generator(seed), on_step=on_step)
        return self.video_fsq.decode(visual_codes.to(self.device))

    @torch.no_grad()
    def decode_motion(self, motion_codes: torch.Tensor) -> list[Motion]:
        """Motion codes `(B, T, codes a frame)` to B motions in the frame that the tokenizer was trained in."""
        frames = self.motion_vqvae.decode(motion_codes.to(self.device))
        return frames_to_motions(frames, self.motion_vqvae.config, self.fps)

    def _prepare(self, video_decoder: str) -> DiffusionDecoder | None:
        """The diffusion decoder, if that is what is meant; loaded when it is first needed."""
        if video_decoder not in VIDEO_DECODERS:
            raise ValueError(f"`video_decoder` is {video_decoder!r}; it must be one of {', '.join(VIDEO_DECODERS)}.")
        if video_decoder == "fsq":
            return None
        if self.diffusion_decoder is None:
            name, hub_options = self._source
            decoder = load_diffusion_decoder(self.folder, self.video_fsq.config, name, **hub_options)
            self.diffusion_decoder = decoder.to(self.device)
        return self.diffusion_decoder

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

    def _motion_codes(self, visual_codes: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        """Motion codes `(B, T, codes a frame)` of clips; arguments as of [`_generate`]."""
        return self._generate("v2m", visual_codes, *args, **options)["motion"].flatten(2)

    def _codes_from_image(
        self, image: torch.Tensor, generator: torch.Generator | None, **sampling: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        first = self.video_fsq.encode(image.to(self.device))
        codes = self._generate("i2vm", first, generator, **sampling)
        return torch.cat([first, codes["visual"]], dim=1), codes["motion"].flatten(2)

    def _generate(
        self,
        task: str,
        visual_codes: torch.Tensor,
        generator: torch.Generator | None = None,
        frames: int | None = None,
        known: torch.Tensor | None = None,
        do_sample: bool | None = None,
        mean_codes: bool | None = None,
        **sampling: Any,
    ) -> dict[Any, torch.Tensor]:
        """Codes of a target, or of its first `frames` frames of motion; `known` motion codes are its beginning."""
        condition = self.processor.build_condition(task, {"visual": visual_codes})
        vocabulary, motion = self.processor.tokenizer.vocabulary, self.processor.table["motion"]
        if mean_codes is None:
            mean_codes = self._takes_means(task, do_sample)
        options = self.model.sampling_options(task, do_sample=do_sample, **sampling)
        target = self.model.generate_target(
            condition["input_ids"],
            sequence=condition["sequence"],
            forced_target_ids=None if known is None else vocabulary.to_ids(motion.name, known).flatten(1),
            max_target_ids=None if frames is None else frames * motion.codes,
            decoding=Decoding(**options, vectors={"motion": self.motion_vqvae.code_vectors()} if mean_codes else {}),
            generator=generator,
        )
        return self.processor.post_process(target, condition["sequence"])

    def _encode_motion(self, motion: Motion) -> torch.Tensor:
        """Codes `(1, T, codes a frame)` of a motion, as the beginning of a clip."""
        frames = motions_to_frames([motion], self.motion_vqvae.config.rotation)
        return self.motion_vqvae.encode(frames.to(self.device))

    def _squares(self, frames: Iterator[np.ndarray]) -> Iterator[torch.Tensor]:
        """Frames as the video tokenizer wants them, `(1, 3, 1, S, S)`: what waits for a window is small."""
        for frame in frames:
            # A copy, since frames of a file are read-only and torch warns of those.
            yield self.processor.prepare_video(frame[None].copy(), num_frames=1).pixel_values

    def _check_size(self, pixels: torch.Tensor) -> None:
        size, found = self.processor.size, tuple(pixels.shape[-2:])
        if found != (size, size):
            raise ValueError(
                f"The frames have {found[1]}x{found[0]} pixels; this model takes squares of {size}x{size}."
            )

    def _generator(self, seed: int | None) -> torch.Generator | None:
        return None if seed is None else torch.Generator(self.device).manual_seed(seed)


def _sampling(do_sample: bool | None, top_p: float | None, temperature: float | None) -> dict[str, Any]:
    """Options of the sampling, checked."""
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` is {top_p}; it must be above 0 and at most 1.")
    if temperature is not None and not temperature > 0:
        raise ValueError(
            f"`temperature` is {temperature}; it must be above 0. For the likeliest codes, do_sample=False."
        )
    return {"do_sample": do_sample, "top_p": top_p, "temperature": temperature}


def _pixels(image: "PathLike | np.ndarray | Image") -> np.ndarray:
    """A picture as an array."""
    if isinstance(image, str | os.PathLike):
        return read_picture(image)
    return image if isinstance(image, np.ndarray) else np.array(image.convert("RGB"))
