# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Clips become shards of codes: encode once, train anywhere."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from unimo_hf.data.clips import ClipFiles
from unimo_hf.data.code_columns import MOST_CODE
from unimo_hf.data.shards import CODES, FORMAT_VERSION, METADATA, SHAPE, fingerprints
from unimo_hf.model.modalities import ModalityTokenizer
from unimo_hf.output_folder import OutputFolder

CLIPS_PER_SHARD, CLIPS_PER_GROUP = 1024, 64


@torch.no_grad()
def encode_batch(
    clips: Mapping[str, torch.Tensor], tokenizers: Mapping[str, ModalityTokenizer]
) -> dict[str, torch.Tensor]:
    """Clips to codes.

    Args:
        clips (`Mapping[str, torch.Tensor]`): A batch of what [`ModalityTokenizer.data_of`] finds there: `video`
            (B, T, S, S, 3) uint8, SMPL-X parameters (B, T, …) in the camera frame, and the like.
        tokenizers (`Mapping[str, ModalityTokenizer]`): By modality.

    Returns:
        `dict`: Codes (B, ticks, …) by modality.

    Raises:
        ValueError: If the clips lack what a tokenizer encodes.
    """
    codes = {}
    for name, tokenizer in tokenizers.items():
        try:
            data = tokenizer.data_of(clips)
        except KeyError as error:
            raise ValueError(f"Clips hold {sorted(clips)}; the tokenizer of {name!r} needs {error}.") from error
        codes[name] = tokenizer.encode(data)
    return codes


def write_shards(
    clips: Iterable[Mapping[str, torch.Tensor]],
    output: str | Path,
    tokenizers: Mapping[str, ModalityTokenizer],
    batch_size: int = 16,
) -> Iterator[int]:
    """Encode clips into a folder.

    Args:
        clips (`Iterable[Mapping[str, torch.Tensor]]`): As [`ClipFiles.load`] or [`DrawnClips`] give them.
        output (`str` or `Path`): As for [`write_codes`].
        tokenizers (`Mapping[str, ModalityTokenizer]`): By modality.
        batch_size (`int`, *optional*, defaults to 16): Clips to encode at once.

    Yields:
        `int`: Number of clips encoded so far, so that the caller can show progress.

    Raises:
        ValueError: As [`encode_batch`] and [`write_codes`], and if clips are not of one size.
    """
    codes = (encode_batch(batch, tokenizers) for batch in _batches(clips, batch_size))
    yield from write_codes(codes, output, fingerprints(tokenizers))


def write_codes(
    batches: Iterable[Mapping[str, torch.Tensor]], output: str | Path, tokenizers: dict[str, str] | None
) -> Iterator[int]:
    """Write codes into a folder, shard after shard.

    Every file is whole or not there, and the metadata, which names them, comes last: a folder with metadata is
    complete. Other files in the folder stay as they are.

    Args:
        batches (`Iterable[Mapping[str, torch.Tensor]]`): Codes (B, ticks, …) by modality, as [`encode_batch`] gives
            them; of one without a clock (B, codes), with -1 from the end of a row on.
        output (`str` or `Path`): Folder; the shards that an interrupted run left in it are replaced.
        tokenizers (`dict[str, str]`, *optional*): [`fingerprints`] of those whose codes they are.

    Yields:
        `int`: Number of clips written so far.

    Raises:
        ValueError: If the folder already holds shards, another run is writing into it, there are no clips, or their
            codes are no codes or of several shapes.
        OSError: If the folder can't be written.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    rows: list[dict[str, np.ndarray]] = []
    files: list[str] = []
    done = 0
    with OutputFolder(output, last=METADATA) as folder:
        folder.check_free(sorted(path.name for path in folder.path.glob("shard_*.parquet")))
        for batch in batches:
            shapes = _joined(shapes, {name: tuple(codes.shape[1:]) for name, codes in batch.items()})
            columns = {name + CODES: _as_rows(name, codes) for name, codes in batch.items()}
            rows += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            done += len(next(iter(batch.values())))
            if len(rows) >= CLIPS_PER_SHARD:
                files.append(_put_shard(folder, len(files), rows))
                rows = []
            yield done
        if not done:
            raise ValueError("There are no clips to encode.")
        if rows:
            files.append(_put_shard(folder, len(files), rows))
        metadata = {
            "format_version": FORMAT_VERSION,
            "clips": done,
            **{name + SHAPE: list(shape) for name, shape in shapes.items()},
            "files": files,
            "tokenizers": tokenizers,
        }
        (folder.workshop / METADATA).write_text(json.dumps(metadata, indent=2), encoding="utf-8")
        folder.put(METADATA)


def encode_clips(
    clips: Collection[ClipFiles],
    output: str | Path,
    tokenizers: Mapping[str, ModalityTokenizer],
    progress: bool = True,
) -> int:
    """Encode the clips of a folder.

    Args:
        clips (`Collection[ClipFiles]`): As [`load_clips`] gives them.
        output (`str` or `Path`): As for [`write_codes`].
        tokenizers (`Mapping[str, ModalityTokenizer]`): By modality.
        progress (`bool`, *optional*): Show a progress bar.

    Returns:
        `int`: Number of clips.

    Raises:
        ValueError: As [`write_shards`], and if a clip is damaged.
    """
    done = 0
    with tqdm(total=len(clips), desc="encoding", unit="clip", disable=None if progress else True) as bar:
        for done in write_shards((clip.load() for clip in clips), output, tokenizers):
            bar.update(done - bar.n)
    return done


def _batches(clips: Iterable[Mapping[str, torch.Tensor]], size: int) -> Iterator[dict[str, torch.Tensor]]:
    remaining, shapes = iter(clips), None
    while group := list(islice(remaining, size)):
        for clip in group:
            found = {key: tuple(value.shape) for key, value in clip.items()}
            shapes = shapes or found
            if found != shapes:
                raise ValueError(f"A clip has {found}, the clips before it {shapes}; those of a folder must be alike.")
        yield {key: torch.stack([clip[key] for clip in group]) for key in group[0]}


def _joined(shapes: dict[str, tuple[int, ...]], others: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Shapes of the codes of all clips so far and of those of a batch; without a clock, of the longest clip."""
    joined = {name: max(shape, shapes.get(name, (1,))) if len(shape) == 1 else shape for name, shape in others.items()}
    fixed = [{name: shape if len(shape) > 1 else () for name, shape in each.items()} for each in (shapes, joined)]
    if shapes and fixed[0] != fixed[1]:
        raise ValueError(f"The codes of some clips have the shapes {shapes}, of others {others}; they must be alike.")
    return joined


def _as_rows(name: str, codes: torch.Tensor) -> list[np.ndarray]:
    """Codes of each clip, in the narrowest type of a file that holds all of them."""
    values = codes.flatten(1).cpu().numpy()
    has_end = codes.ndim == 2
    least, most = values.min(initial=0), values.max(initial=0)
    if least < -int(has_end) or most >= MOST_CODE:
        raise ValueError(f"The {name} codes hold {least} to {most}; 0 to {MOST_CODE - 1} can be written.")
    kind = np.uint16 if most < 2**16 else np.uint32
    return [(row[row >= 0] if has_end else row).astype(kind) for row in values]


def _put_shard(folder: OutputFolder, number: int, rows: list[dict[str, np.ndarray]]) -> str:
    import datasets

    name = f"shard_{number:05d}.parquet"
    kinds = {key: max(row[key].dtype for row in rows).name for key in rows[0]}
    features = datasets.Features({key: datasets.List(datasets.Value(kind)) for key, kind in kinds.items()})
    bars_are_wanted = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # the caller has one of its own
    try:
        shard = datasets.Dataset.from_list(rows, features=features)
        # The reader takes a group at a time, and sees by the checksums what was damaged.
        shard.to_parquet(str(folder.workshop / name), batch_size=CLIPS_PER_GROUP, write_page_checksum=True)
    finally:
        if bars_are_wanted:
            datasets.enable_progress_bars()
    folder.put(name)
    return name
