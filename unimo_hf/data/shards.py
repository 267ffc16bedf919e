# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Code shards: clips as the AR model sees them, integers in Parquet files. Encode once, train anywhere."""

import bisect
import hashlib
import itertools
import json
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel

from unimo_hf.atomic import replace_when_done
from unimo_hf.data.code_columns import count_rows, read_codes
from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.motion_features import parameters_to_frames
from unimo_hf.model.number_ranges import SIZE, shown

FORMAT_VERSION = 1
METADATA = "shards.json"
CLIPS_PER_SHARD = 1024
KEPT_BYTES = 2**29  # of codes that were read: 20,000 clips of the 4B model, 300,000 of `unimo-tiny`
COLUMNS = {"video_fsq": "visual_codes", "motion_vqvae": "motion_codes"}  # whose codes are in which


class CodeShards(Dataset):
    """The clips of a shard folder, in order.

    Codes are read when they are first asked for, a row group at a time, and those asked for last are kept.

    Args:
        folder (`str` or `Path`): Folder that [`write_shards`] filled.

    Raises:
        ValueError: If the folder holds no shards, shards of another version, or shards that are damaged; names the
            file. So does taking a clip, since what is damaged inside a file shows only there.
    """

    def __init__(self, folder: str | Path):
        self.folder = folder = Path(folder)
        try:
            self.metadata = read_json_object(folder / METADATA)
        except ValueError as error:
            raise ValueError(f"{folder} is no folder of code shards ({METADATA}: {error}).") from error
        if (found := self.metadata.get("format_version")) != FORMAT_VERSION or isinstance(found, bool):
            raise ValueError(f"{folder} has shards of format {shown(found)}; this version reads {FORMAT_VERSION}.")
        self.visual_shape = self._shape("visual_shape", ("latent frames", "rows", "columns"))
        self.motion_shape = self._shape("motion_shape", ("frames", "codes a frame"))
        self.lengths = {"visual_codes": math.prod(self.visual_shape), "motion_codes": math.prod(self.motion_shape)}
        self.codebook_sizes: dict[str, int] = {}  # where they are known
        self._groups: list[tuple[Path, int, int]] = []  # file, number, and its first row there
        self._ends: list[int] = []  # of the clips of each
        for path in self._files():
            before, ends = len(self), list(itertools.accumulate(self._rows_of_groups(path)))
            self._groups += [(path, group, first) for group, first in enumerate([0, *ends[:-1]][: len(ends)])]
            self._ends += [before + end for end in ends]
        self._kept: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()
        if (clips := self.metadata.get("clips")) != len(self):
            raise ValueError(f"{folder / METADATA}: clips is {shown(clips)}; the shards hold {len(self)}.")

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """A clip: `visual_codes` (t, h, w) and `motion_codes` (T, codes a frame), int64."""
        index = range(len(self))[int(index)]
        group = bisect.bisect_right(self._ends, index)
        codes = self._codes(group)
        row = index - self._ends[group] + len(codes["visual_codes"])
        return {
            "visual_codes": torch.as_tensor(codes["visual_codes"][row].astype(np.int64)).view(self.visual_shape),
            "motion_codes": torch.as_tensor(codes["motion_codes"][row].astype(np.int64)).view(self.motion_shape),
        }

    def _codes(self, number: int) -> dict[str, np.ndarray]:
        """The codes of a row group."""
        if number not in self._kept:
            path, group, first_row = self._groups[number]
            self._kept[number] = read_codes(path, group, self.lengths, self.codebook_sizes, first_row)
            while len(self._kept) > 1 and self._kept_bytes() > KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _kept_bytes(self) -> int:
        return sum(values.nbytes for codes in self._kept.values() for values in codes.values())

    def _shape(self, name: str, axes: tuple[str, ...]) -> tuple[int, ...]:
        found = self.metadata.get(name)
        if not isinstance(found, list) or len(found) != len(axes):
            needed = f"a list of {len(axes)} sizes ({', '.join(axes)}) is needed"
            raise ValueError(f"{self.folder / METADATA}: {name} is {shown(found)}; {needed}.")
        SIZE.check_each(f"{self.folder / METADATA}: {name}", found)
        return tuple(found)

    def _files(self) -> list[Path]:
        """The files that the metadata name; where they name none, all that are there."""
        names = self.metadata.get("files")
        if names is None:
            files = sorted(path for path in self.folder.glob("*.parquet") if not path.name.startswith("."))
            if not files:
                raise ValueError(f"{self.folder} holds no .parquet file.")
            return files
        what = f"{self.folder / METADATA}: files"
        if not isinstance(names, list) or not names:
            raise ValueError(f"{what} is {shown(names)}; a list of names is needed.")
        for name in names:
            check_plain_name(name, f"{what}: one")
        if len(set(names)) != len(names):
            raise ValueError(f"{what} names a file twice.")
        return [self.folder / name for name in names]

    def _rows_of_groups(self, path: Path) -> list[int]:
        if not path.is_file():
            raise ValueError(f"{path} is missing, or no file.")
        return count_rows(path, self.lengths)


@torch.no_grad()
def encode_batch(
    batch: dict[str, torch.Tensor], video_fsq: VideoFSQ, motion_vqvae: MotionVQVAE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips to codes.

    Args:
        batch (`dict[str, torch.Tensor]`): `video` (B, T, S, S, 3) uint8 and SMPL-X parameters (B, T, ...) in the
            camera frame.
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.

    Returns:
        `tuple`: visual codes (B, t, h, w) and motion codes (B, T, codes a frame).

    Raises:
        ValueError: If the motion tokenizer was trained in the world: of a clip only its camera is known.
    """
    if motion_vqvae.config.coordinates != "camera":
        raise ValueError(
            f"The motion tokenizer's coordinates is {motion_vqvae.config.coordinates!r}; clips of video and motion "
            "are in the camera frame, so it must be 'camera'."
        )
    video = batch["video"].to(video_fsq.device).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    parameters = {key: batch[key].to(motion_vqvae.device) for key in ("body_pose", "betas", "global_orient", "transl")}
    motion = parameters_to_frames(**parameters, rotation=motion_vqvae.config.rotation)
    return video_fsq.encode(video), motion_vqvae.encode(motion)


def write_shards(
    clips: Iterable[dict[str, torch.Tensor]],
    output: str | Path,
    video_fsq: VideoFSQ,
    motion_vqvae: MotionVQVAE,
    batch_size: int = 16,
) -> Iterator[int]:
    """Encode clips into a folder.

    Args:
        clips (`Iterable[dict[str, torch.Tensor]]`): As [`ClipFiles.load`] or [`DrawnClips`] give them.
        output (`str` or `Path`): Folder; what an interrupted run left in it is replaced.
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.
        batch_size (`int`, *optional*, defaults to 16): Clips to encode at once.

    Yields:
        `int`: Number of clips encoded so far, so that the caller can show progress.

    Raises:
        ValueError: If the folder already holds shards, or there are no clips.
    """
    batches = (
        {key: torch.stack([clip[key] for clip in group]) for key in group[0]} for group in _groups(clips, batch_size)
    )
    codes = (encode_batch(batch, video_fsq, motion_vqvae) for batch in batches)
    yield from write_codes(codes, output, fingerprints(video_fsq, motion_vqvae))


def write_codes(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    output: str | Path,
    tokenizers: dict[str, str] | None,
) -> Iterator[int]:
    """Write codes into a folder, shard after shard.

    Every file is whole or not there, and the metadata comes last: a folder with metadata is complete.

    Args:
        batches (`Iterable[tuple[torch.Tensor, torch.Tensor]]`): Visual codes (B, t, h, w) and motion codes
            (B, T, codes a frame), as [`encode_batch`] gives them.
        output (`str` or `Path`): Folder; what an interrupted run left in it is replaced.
        tokenizers (`dict[str, str]`, *optional*): [`fingerprints`] of those whose codes they are.

    Yields:
        `int`: Number of clips written so far.

    Raises:
        ValueError: If the folder already holds shards, or there are no clips.
    """
    output = Path(output)
    if (output / METADATA).exists():
        raise ValueError(f"{output} already holds code shards; give another folder or remove it.")
    for leftover in output.glob("*.parquet"):
        leftover.unlink()
    shapes: dict[str, list[int]] = {}
    rows: list[dict[str, np.ndarray]] = []
    done = shard = 0
    for visual, motion in batches:
        shapes = {"visual_shape": list(visual.shape[1:]), "motion_shape": list(motion.shape[1:])}
        codes = {"visual_codes": _as_rows(visual), "motion_codes": _as_rows(motion)}
        rows += [{key: values[row] for key, values in codes.items()} for row in range(len(visual))]
        done += len(visual)
        if len(rows) >= CLIPS_PER_SHARD:
            _write_shard(output, shard, rows)
            rows, shard = [], shard + 1
        yield done
    if not done:
        raise ValueError("There are no clips to encode.")
    if rows:
        _write_shard(output, shard, rows)
    with replace_when_done(output / METADATA) as aside:
        metadata = {"format_version": FORMAT_VERSION, "clips": done, **shapes, "tokenizers": tokenizers}
        aside.write_text(json.dumps(metadata, indent=2), encoding="utf-8")


def fingerprints(*tokenizers: PreTrainedModel) -> dict[str, str]:
    """What tells trained tokenizers apart: a digest of the weights of each, by its name."""
    found = {}
    for tokenizer in tokenizers:
        digest = hashlib.sha256()
        for name, value in sorted(tokenizer.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
        found[tokenizer.base_model_prefix] = digest.hexdigest()[:16]
    return found


def check_tokenizers(shards: CodeShards, *tokenizers: PreTrainedModel) -> None:
    """Raise `ValueError` if a folder says that its codes are of other tokenizers; its codes are then known to be few.

    From then on a clip with a code that is in no codebook is refused.
    """
    made_by = shards.metadata.get("tokenizers") or {}
    if not isinstance(made_by, dict):
        raise ValueError(f"{shards.folder / METADATA}: tokenizers is {shown(made_by)}; an object is needed.")
    for name, digest in fingerprints(*tokenizers).items():
        if made_by.get(name, digest) != digest:
            raise ValueError(f"{shards.folder} holds codes of another {name}: remove it, or name another folder.")
    for tokenizer in tokenizers:
        shards.codebook_sizes[COLUMNS[tokenizer.base_model_prefix]] = tokenizer.config.codebook_size


def _groups(clips: Iterable[dict[str, torch.Tensor]], size: int) -> Iterator[list[dict[str, torch.Tensor]]]:
    remaining = iter(clips)
    while group := list(islice(remaining, size)):
        yield group


def _as_rows(codes: torch.Tensor) -> np.ndarray:
    return codes.flatten(1).cpu().numpy().astype(np.uint16)


def _write_shard(output: Path, shard: int, rows: list[dict[str, np.ndarray]]) -> None:
    import datasets

    features = datasets.Features({key: datasets.List(datasets.Value("uint16")) for key in rows[0]})
    with replace_when_done(output / f"shard_{shard:05d}.parquet") as aside:
        datasets.Dataset.from_list(rows, features=features).to_parquet(str(aside))


def encode_clips(clips: str | Path, output: str | Path, model: str = "unimo-tiny", progress: bool = True) -> int:
    """Encode a folder of rendered clips with the tokenizers of a checkpoint.

    Args:
        clips (`str` or `Path`): Folder that `unimo data render` wrote.
        output (`str` or `Path`): Folder for the shards.
        model (`str`, *optional*): Checkpoint, as [`UniMoPipeline.from_pretrained`] takes it.
        progress (`bool`, *optional*): Show a progress bar.

    Returns:
        `int`: Number of clips.
    """
    from tqdm.auto import tqdm

    from unimo_hf.data.clips import load_clips
    from unimo_hf.pipelines.unimo_pipeline import UniMoPipeline

    pipeline = UniMoPipeline.from_pretrained(model)
    found = load_clips(clips)
    done = 0
    with tqdm(total=len(found), desc="encoding", unit="clip", disable=None if progress else True) as bar:
        for done in write_shards((clip.load() for clip in found), output, pipeline.video_fsq, pipeline.motion_vqvae):
            bar.update(done - bar.n)
    return done
