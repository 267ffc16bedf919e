# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Turn NVIDIA's discrete video tokenizer Cosmos-1.0-Tokenizer-DV8x16x16 into a VideoFSQ.

Example: python conversion/convert_cosmos_tokenizer.py --encoder encoder.jit --decoder decoder.jit --output runs/dv
"""

import argparse
import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

import torch
from checkpoint_reading import finite, read_tensors, without_prefix
from checkpoint_writing import new_folder, total_bytes, write_weights
from cosmos_tokenizer_forward import CosmosTokenizer
from key_matching import match_keys
from one_line_errors import one_line_errors
from torch import Tensor

from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.modeling_video_fsq import VideoFSQ

NEEDED = "Cosmos-1.0-Tokenizer-DV8x16x16 (or Cosmos-Tokenize1-DV8x16x16-720p) is needed"
# Buffers of the checkpoint that follow from the configuration.
BUFFERS = re.compile(
    r"(encoder\.patcher3d|decoder\.unpatcher3d)\.(wavelets|_arange|patch_size_buffer)"
    r"|(inv_quant\.)?quantizer\.(_levels|_basis|implicit_codebook)"
)
# MD5 of encoder.jit, decoder.jit and autoencoder.jit as published.
PUBLISHED = {
    "95186b0410346a3f0cf250b76daec452",
    "f0c8a9d992614a43e7ce24ebfc901e26",
    "606b8585b637f06057725cbb67036ae6",
}
CHECK_SEED = 0


def main(arguments: list[str] | None = None) -> None:
    """Convert what the command line names; a user's mistake ends it with one message and code 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, help="encoder.jit; needs --decoder")
    parser.add_argument("--decoder", type=Path, help="decoder.jit; needs --encoder")
    parser.add_argument(
        "--checkpoint", type=Path, help="instead of both: autoencoder.jit or the like, with all tensors"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to make, such as DIR/video_fsq")
    options = parser.parse_args(arguments)
    halves = [options.encoder, options.decoder]
    if (options.checkpoint is None) == (halves == [None, None]) or halves.count(None) == 1:
        parser.error("give --encoder and --decoder, or --checkpoint alone")
    with one_line_errors(parser.prog):
        convert([options.checkpoint] if options.checkpoint else halves, options.output)


def convert(files: Sequence[Path], output: Path) -> None:
    """Write a [`VideoFSQ`] with the weights of Cosmos' tokenizer, in the widest type that they have.

    Args:
        files (`Sequence[Path]`): One file with all tensors, or `encoder.jit` and `decoder.jit`.
        output (`Path`): Folder to make.

    Raises:
        OSError: If a file can't be read or the folder can't be made.
        ValueError: If the files are not those of DV8x16x16; names the file, the key and what was expected.
    """
    weights, file_of = read_all(files)
    refuse_other_tokenizers(weights, file_of)
    config = VideoFSQConfig(channels=len(weights["encoder.conv_in.0.conv3d.weight"]))
    check_quantizer(weights, file_of, config)
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in VideoFSQ(config).state_dict().items()}
    learned = {key: weight for key, weight in weights.items() if not BUFFERS.fullmatch(key)}
    names = " and ".join(str(file) for file in files)
    try:
        source_of = match_keys({key: weight.shape for key, weight in learned.items()}, shapes, target_name)
    except ValueError as error:
        raise ValueError(f"{names} do not hold the tensors of DV8x16x16; {NEEDED}.\n{error}") from error
    warn_of_unknown_files(files)

    dtype = reduce(torch.promote_types, (weight.dtype for weight in learned.values()))
    config.architectures, config.dtype = [VideoFSQ.__name__], dtype
    with new_folder(output, total_bytes(shapes, dtype)) as folder:

        def weight_of(name: str) -> Tensor:
            key = source_of[name]
            return finite(weights[key], dtype, f"{file_of[key]}: {key}")

        write_weights(folder, shapes, weight_of, dtype)
        config.save_pretrained(folder)
        check_round_trip(weights, folder)


def target_name(key: str) -> str:
    """Return our name for a key of Cosmos: without `.conv3d`, and without the `.norm` that ends the name of a norm."""
    return re.sub(r"\.norm(\.\w+)$", r"\1", key.replace(".conv3d", ""))


def read_all(files: Sequence[Path]) -> tuple[dict[str, Tensor], dict[str, Path]]:
    """Read the tensors of all files, and which file each is from.

    Raises:
        ValueError: If two files hold the same key.
    """
    weights: dict[str, Tensor] = {}
    file_of: dict[str, Path] = {}
    for file in files:
        tensors = read_tensors(file)
        for prefix in ("net.", "model."):
            tensors = without_prefix(tensors, prefix)
        for key, tensor in tensors.items():
            if key in weights:
                raise ValueError(
                    f"{file_of[key]} and {file} both hold {key}; give the encoder and the decoder, or one whole file."
                )
            weights[key], file_of[key] = tensor, file
    return weights, file_of


def refuse_other_tokenizers(weights: Mapping[str, Tensor], file_of: Mapping[str, Path]) -> None:
    """Raise `ValueError` if the tensors are those of another tokenizer that can be told by name."""
    latent_channels = len(VideoFSQConfig().levels)
    for key, axis in (("quant_conv.conv3d.weight", 0), ("post_quant_conv.conv3d.weight", 1)):
        if key in weights and weights[key].ndim == 5 and weights[key].shape[axis] != latent_channels:
            raise ValueError(
                f"{file_of[key]} is a continuous Cosmos tokenizer (CV) or another: {key} has "
                f"{weights[key].shape[axis]} latent channels, expected {latent_channels}. {NEEDED}."
            )
    old, new = (f"decoder.up.{level}.upsample.conv1.conv3d.weight" for level in (2, 1))
    if old in weights and new not in weights:
        raise ValueError(
            f"{file_of[old]} is a tokenizer of the old structure (0.1): it doubles time in {old}, expected {new}. "
            f"{NEEDED}."
        )
    first = "encoder.conv_in.0.conv3d.weight"
    if first not in weights:
        files = " and ".join(sorted({str(file) for file in file_of.values()}))
        raise ValueError(f"{files} hold no {first}, so no Cosmos video encoder. {NEEDED}.")


def check_quantizer(weights: Mapping[str, Tensor], file_of: Mapping[str, Path], config: VideoFSQConfig) -> None:
    """Hold the tables of the checkpoint's quantiser, where it has them, against ours.

    Raises:
        ValueError: If they differ: its indices would mean other codes.
    """
    quantizer = VideoFSQ(VideoFSQConfig(channels=1, channel_multipliers=[1, 1, 1], num_res_blocks=1)).quantizer
    indices = torch.arange(config.codebook_size).view(1, -1, 1, 1)
    expected = {
        "_levels": quantizer.level_sizes,
        "_basis": quantizer.basis,
        "implicit_codebook": quantizer.indices_to_codes(indices)[0, :, :, 0, 0].T,
    }
    for key, table in weights.items():
        name = key.rpartition("quantizer.")[2]
        if not BUFFERS.fullmatch(key) or name not in expected:
            continue
        # The codebook may be kept in bfloat16, which holds quarters exactly.
        if table.shape != expected[name].shape or not torch.equal(table.float(), expected[name].float()):
            raise ValueError(f"{file_of[key]}: {key} is not the table of levels {config.levels}. {NEEDED}.")


def warn_of_unknown_files(files: Sequence[Path]) -> None:
    """Warn of files that are not those published; older tokenizers (0.1) may have like tensors and other codes."""
    for file in files:
        digest = md5_of(file)
        if digest not in PUBLISHED:
            warnings.warn(
                f"{file} (MD5 {digest}) is not byte for byte a file of Cosmos-Tokenize1-DV8x16x16-720p. The codes of "
                "another tokenizer, such as a Cosmos-0.1, mean nothing to Cosmos' autoregressive model.",
                stacklevel=2,
            )


def md5_of(file: Path) -> str:
    """Return the MD5 of a file, as its 32 digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check_round_trip(weights: Mapping[str, Tensor], folder: Path) -> None:
    """Run a seeded clip through the checkpoint by its own names and through what was written.

    Raises:
        ValueError: If the results are not numbers.
        RuntimeError: If they differ, which would be a mistake of this converter.
    """
    model = VideoFSQ.from_pretrained(folder, dtype=torch.float32).eval()
    cosmos = CosmosTokenizer(weights, model.encoder.patcher3d)
    video = torch.rand(1, 3, 9, 32, 48, generator=torch.Generator().manual_seed(CHECK_SEED)) * 2 - 1
    with torch.no_grad():
        pre_quant, quantized = model.encode_features(video)
        pairs = [(pre_quant, cosmos.encode(video)), (model.decode_features(quantized), cosmos.decode(quantized))]
    for found, expected in pairs:
        if not bool(expected.isfinite().all()):
            raise ValueError("The checkpoint gives results that are not finite; its weights are damaged.")
        error, scale = float((found - expected).abs().max()), float(expected.abs().max())
        if not error <= 1e-4 * scale:
            raise RuntimeError(f"The converted tokenizer differs from the checkpoint by {error:g} of {scale:g}.")


if __name__ == "__main__":
    main()
