# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The parts of a checkpoint as one object: loaded, saved and shared together, and moved to a device."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import torch

from unimo_hf.atomic import follow_umask
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.model.modalities import by_modality
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.motion.body import Body
from unimo_hf.pipelines.checkpoint import (
    DIFFUSION_DECODER,
    check_fit,
    load_diffusion_decoder,
    load_network,
    load_processor,
    resolve_checkpoint,
)
from unimo_hf.pipelines.checkpoint_files import copy_file, files_inside
from unimo_hf.pipelines.hub import upload_checkpoint
from unimo_hf.pipelines.identity import identify

PathLike = str | os.PathLike
Progress = Callable[[int, int], None]

# What makes pictures of visual codes: the video tokenizer itself, or the checkpoint's diffusion decoder.
VIDEO_DECODERS = ("fsq", "diffusion")


class UniMoParts:
    """The AR model, the tokenizers of its modalities, the processor and a body; see [`UniMoPipeline`]."""

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
        self.tokenizers = by_modality(self.video_fsq, self.motion_vqvae)
        self.processor, self.body, self.folder = processor, body or Body.load(), folder
        self._identity = identify(folder)
        self.diffusion_decoder: DiffusionDecoder | None = None
        # Where a diffusion decoder is fetched from, if the checkpoint is of the Hub: name and options.
        self._source: tuple[PathLike | None, dict[str, Any]] = (None, {})

    @classmethod
    def from_pretrained(
        cls,
        name: PathLike,
        dtype: torch.dtype | str = torch.float32,
        model: UniMoForConditionalGeneration | None = None,
        **hub_options: Any,
    ) -> Self:
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

    def to(self, device: torch.device | str) -> Self:
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

    @torch.no_grad()
    def encode_video(self, video: torch.Tensor) -> torch.Tensor:
        """Clips `(B, 3, T, S, S)` in [-1, 1] to visual codes `(B, t, h, w)`."""
        size, found = self.processor.size, tuple(video.shape[-2:])
        if found != (size, size):
            raise ValueError(
                f"The frames have {found[1]}x{found[0]} pixels; this model takes squares of {size}x{size}."
            )
        return self.video_fsq.encode(video.to(self.device))

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
        decoder = self.prepare_video_decoder(video_decoder)
        if decoder is not None:
            return decoder.decode(visual_codes, generator=self.generator(seed), on_step=on_step)
        return self.video_fsq.decode(visual_codes.to(self.device))

    def prepare_video_decoder(self, video_decoder: str) -> DiffusionDecoder | None:
        """Give the diffusion decoder, if that is what is meant; it is loaded when it is first needed."""
        if video_decoder not in VIDEO_DECODERS:
            raise ValueError(f"`video_decoder` is {video_decoder!r}; it must be one of {', '.join(VIDEO_DECODERS)}.")
        if video_decoder == "fsq":
            return None
        if self.diffusion_decoder is None:
            name, hub_options = self._source
            decoder = load_diffusion_decoder(self.folder, self.video_fsq.config, name, **hub_options)
            self.diffusion_decoder = decoder.to(self.device)
        return self.diffusion_decoder

    def generator(self, seed: int | None) -> torch.Generator | None:
        """Give a source of randomness where the networks are; none without a seed."""
        return None if seed is None else torch.Generator(self.device).manual_seed(seed)
