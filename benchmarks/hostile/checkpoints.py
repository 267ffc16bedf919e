# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoint folders: settings, weights and code of strangers; and the scripts that carry them elsewhere."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile.cases import ESCAPE_CODE, Command, Place, kind
from hostile.damage import DEEP, LONG_NUMBER, cut, flip, odd_json, to_json, with_value
from hostile.motions import Trap, torch_zip, traps

NAN, INF = float("nan"), float("inf")
PARTS = ("", "motion_vqvae/", "video_fsq/")
SETTINGS = (
    *("config.json", "generation_config.json", "processor_config.json", "tokenizer_config.json", "tokenizer.json"),
    *("motion_vqvae/config.json", "video_fsq/config.json"),
)


def load(place: Place, folder: Path) -> Command:
    """One of the commands that load a checkpoint."""
    way = place.rng.random()
    if way < 0.5:
        video = str(place.seeds["videos/clip.mp4"])
        return Command(["v2m", video, "-o", str(place.output), "--model", str(folder), "--no-overlay"])
    if way < 0.75:
        return Command(
            ["i2vm", str(place.seeds["pictures/person.png"]), "-o", str(place.output), "--model", str(folder)]
        )
    if way < 0.85:
        motions = str(place.seeds["motions/walk.npz"])
        return Command(["evaluate", "motion-vqvae", motions, "--model", str(folder), "--frames", "9"])
    if way < 0.93:
        return Command(
            ["data", "encode", str(place.seeds["clips"]), "-o", str(place.output / "new"), "--model", str(folder)]
        )
    return export(place, folder)


def export(place: Place, folder: Path, *more: str) -> Command:
    """Make a Hub repository of a checkpoint."""
    return Command([str(folder), "--output", str(place.output / "repository"), *more], program="export_hub.py")


MODALITY: dict[str, tuple[Any, ...]] = {
    "size": (10**11, 0, -1, 63, "x"),
    "grid": ([], [10**6] * 2, [0, 2], "x", [2, 2, 2]),
    "frames": (0, 7, 10**9),
    "name": (None, f"a{ESCAPE_CODE}\nb", "x" * 10**5, "visual"),
}
VALUES: list[tuple[str, str, Any]] = [
    *(("config.json", "rms_norm_eps", value) for value in (NAN, INF, -1.0, 0.0, "x", None, LONG_NUMBER)),
    *(("config.json", "num_hidden_layers", value) for value in (1_000_000, 0, -1, 10**12, 1.5, None)),
    *(("config.json", "hidden_size", value) for value in (10**7, 0, -48, 47)),
    *(
        (file, f"modalities.{number}.{name}", value)
        for file in ("config.json", "processor_config.json")
        for number in (0, 1)
        for name, values in MODALITY.items()
        for value in values
    ),
    *(("config.json", "modalities", value) for value in ([], None, "x", [3], [[]], {}, DEEP)),
    *(("config.json", "frames", value) for value in (0, 8, -9, 10**9 + 1, "x")),
    *(("config.json", "streams", value) for value in (0, -1, 10**9)),
    *(("config.json", "model_type", value) for value in ("llama", None, 3, "", "../x", [])),
    *(("config.json", "architectures", value) for value in (["Llama"], None, "x", [3])),
    *(("config.json", name, value) for name in ("torch_dtype", "dtype") for value in ("float8", "os", 3, "int8")),
    *(("config.json", "quantization_config", value) for value in ({}, {"quant_method": "x"}, 3)),
    *(("config.json", "attn_implementation", value) for value in ("x", "flash_attention_2", "kernels-community/x")),
    *(("config.json", name, NAN) for name in ("rope_theta", "initializer_range", "attention_dropout")),
    *(
        ("config.json", name, -1)
        for name in ("head_dim", "num_attention_heads", "num_key_value_heads", "num_special_tokens")
    ),
    *(("config.json", "transformers_weights", value) for value in ("../../elsewhere/secret.txt", "/dev/zero", 3)),
    *(("generation_config.json", "temperature", value) for value in (NAN, INF, 0, -1, "x", None, 1e-300, 1e300)),
    *(("generation_config.json", "top_p", value) for value in (-1, NAN, 2, "x", 0)),
    *(("generation_config.json", "top_k", value) for value in (-1, 0, 1.5, "x", 10**30)),
    *(("generation_config.json", "do_sample", value) for value in ("x", None, 3)),
    *(("generation_config.json", "max_length", value) for value in (-1, 0, 10**12, "x")),
    *(("generation_config.json", "num_beams", value) for value in (0, 10**6, -1)),
    *(("generation_config.json", "pad_token_id", value) for value in (-1, 10**9, "x")),
    *(("generation_config.json", "repetition_penalty", value) for value in (NAN, 0, -1)),
    *(("generation_config.json", "custom_generate", value) for value in ("../../elsewhere", 3)),
    *(
        ("generation_config.json", "task_options", value)
        for value in (
            *(5, "x", [], None, {"v2m": 5}, {"v2m": {"top_p": -1}}, {"i2vm": {"temperature": NAN}}, {"x": {}}, DEEP),
            *(
                {"v2m": {"nonsense": 1}},
                {"v2m": {"do_sample": "x"}},
                {"v2m": {"max_length": 10**9}},
                {"v2m": {"top_k": -3}},
            ),
        )
    ),
    *(("processor_config.json", "size", value) for value in (0, -32, 10**9, "x", None, NAN)),
    *(("processor_config.json", "frames", value) for value in (0, 8, -9, 10**9, LONG_NUMBER)),
    *(("processor_config.json", "fps", value) for value in (0, NAN, -1, INF, 1e300)),
    *(("processor_config.json", "processor_class", value) for value in ("os.system", None, 3)),
    *(("tokenizer_config.json", "tokenizer_class", value) for value in ("os.system", None, 3, "LlamaTokenizer")),
    *(("tokenizer_config.json", "sizes.0.1", value) for value in (10**11, -1, 0, NAN, "x")),
    *(("tokenizer_config.json", "sizes", value) for value in ([], "x", [3], [[]], None, [["visual"]], {"visual": 64})),
    *(("tokenizer_config.json", "num_special_tokens", value) for value in (10**10, -1, 0)),
    *(("motion_vqvae/config.json", "codebook_size", value) for value in (160_000_000_000, 0, -1, "x", 31)),
    *(("motion_vqvae/config.json", "factors", value) for value in ([], [0, 36], [10**6, 36], "x", [1, 36, 10**9])),
    *(("motion_vqvae/config.json", "depth", value) for value in (1_000_000, -1)),
    *(("motion_vqvae/config.json", "fps", value) for value in (0, NAN, -15, 1e300)),
    *(("motion_vqvae/config.json", "rotation", value) for value in ("x", None, [])),
    *(("video_fsq/config.json", "levels", value) for value in ([2**20] * 4, [0, 4, 4], [], "x", [1.5, 4, 4])),
    *(("video_fsq/config.json", "channels", value) for value in (10**6, 0, -8, 7)),
    *(("video_fsq/config.json", "num_res_blocks", value) for value in (1_000_000, -1)),
]


@kind("checkpoints/values", VALUES)
def values(place: Place, variant: tuple[str, str, Any]) -> Command:
    """A setting that it should not have."""
    file, name, value = variant
    folder = place.copy("checkpoint")
    path = folder / file
    path.write_text(to_json(with_value(json.loads(path.read_text()), name, value)), encoding="utf-8")
    return load(place, folder)


@kind("checkpoints/settings", 70)
def settings(place: Place, number: int) -> Command:
    """A file of settings, changed anywhere."""
    folder = place.copy("checkpoint")
    path = folder / SETTINGS[number % len(SETTINGS)]
    changed = odd_json(path.read_text(), place.rng)
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass"))
    return load(place, folder)


@kind("checkpoints/flips", 36)
def flips(place: Place, number: int) -> Command:
    """Changed bytes in a file of weights, or half of it."""
    folder = place.copy("checkpoint")
    path = folder / f"{PARTS[number % 3]}model.safetensors"
    damage = cut if number % 4 == 3 else flip
    path.write_bytes(damage(path.read_bytes(), place.rng))
    return load(place, folder)


Header = dict[str, Any]
HEADERS: list[Callable[[Header, str], Any]] = [
    lambda header, name: header.pop(name),
    lambda header, name: header[name].update(shape=[2**40]),
    lambda header, name: header[name].update(shape=[-1]),
    lambda header, name: header[name].update(dtype="F99"),
    lambda header, name: header[name].update(dtype="F64"),
    lambda header, name: header[name].update(dtype="I32"),
    lambda header, name: header[name].update(dtype="F8_E4M3"),
    lambda header, name: header[name].update(data_offsets=[0, 2**60]),
    lambda header, name: header[name].update(data_offsets=[8, 0]),
    lambda header, name: header[name].update(shape=[*header[name]["shape"], 1]),
    lambda header, name: header.update({f"{name}.\x1b[31m\nmore": header[name]}),
    lambda header, name: header.update({"os.system": header.pop(name)}),
    lambda header, name: header.update(__metadata__={"format": "tf"}),
    lambda header, name: header.update(__metadata__={"format": "x" * 100_000}),
    lambda header, name: header.update(__metadata__=3),
    lambda header, name: header.clear(),
]


@kind("checkpoints/headers-of-weights", [(change, part) for change in HEADERS for part in PARTS[:2]])
def headers_of_weights(place: Place, variant: tuple[Callable[[Header, str], Any], str]) -> Command:
    """Weights whose header lies."""
    change, part = variant
    folder = place.copy("checkpoint")
    path = folder / f"{part}model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header, place.rng.choice([name for name in header if name != "__metadata__"]))
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    return load(place, folder)


@kind("checkpoints/numbers", [(part, value) for part in PARTS for value in (NAN, INF, -INF, 1e38, 0.0, 1e-45)])
def numbers(place: Place, variant: tuple[str, float]) -> Command:
    """Weights that are not finite, very large, or all the same; one in a tensor, or all."""
    from safetensors.numpy import load_file, save_file

    part, value = variant
    folder = place.copy("checkpoint")
    path = folder / f"{part}model.safetensors"
    tensors = load_file(path)
    for name in place.rng.sample(sorted(tensors), place.rng.choice((1, len(tensors)))):
        if tensors[name].dtype.kind != "f":
            continue
        changed = np.array(tensors[name])
        changed.reshape(-1)[:: place.rng.choice((1, 10**9))] = value
        tensors[name] = changed
    save_file(tensors, path, metadata={"format": "pt"})
    return load(place, folder)


INDEXES: list[Any] = [
    *(
        {"weight_map": {"x": name}}
        for name in ("../../elsewhere/secret.txt", "/etc/passwd", "missing", "", "/dev/zero", 3)
    ),
    *({"weight_map": value} for value in (None, [], 3, {}, "x", {"x": None})),
    *({}, [], 3, "x", {"metadata": {"total_size": 10**30}, "weight_map": {"x": "first.safetensors"}}),
]


@kind("checkpoints/indexes", INDEXES)
def indexes(place: Place, index: Any) -> Command:
    """Weights in pieces, whose index names something else."""
    folder = place.copy("checkpoint")
    (folder / "model.safetensors").rename(folder / "first.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return load(place, folder)


CODE = "import os\nos.system('touch {}')\nclass Stranger: pass\n"


def _remote_code(place: Place, folder: Path, file: str, value: Any) -> None:
    (folder / "stranger.py").write_text(CODE.format(place.canary), encoding="utf-8")
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": value}), encoding="utf-8")


def _beside(place: Place, folder: Path, name: str, content: bytes | str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


Plant = Callable[[Place, Path], None]
PLANTS: list[Plant] = [
    *(
        lambda place, folder, file=file, key=key: _remote_code(place, folder, file, {key: "stranger.Stranger"})
        for file, key in (
            *(("config.json", "AutoConfig"), ("config.json", "AutoModel"), ("config.json", "AutoModelForCausalLM")),
            *(("processor_config.json", "AutoProcessor"), ("motion_vqvae/config.json", "AutoModel")),
        )
    ),
    lambda place, folder: _remote_code(
        place, folder, "tokenizer_config.json", {"AutoTokenizer": ["stranger.Stranger"] * 2}
    ),
    lambda place, folder: _remote_code(place, folder, "config.json", {"AutoConfig": f"{folder}--stranger.Stranger"}),
    lambda place, folder: _beside(place, folder, "custom_generate/generate.py", CODE.format(place.canary)),
    lambda place, folder: _beside(place, folder, "modeling_unimo.py", CODE.format(place.canary)),
    lambda place, folder: _beside(place, folder, "unimo_hf/__init__.py", CODE.format(place.canary)),
    lambda place, folder: _beside(place, folder, "pytorch_model.bin", torch_zip(traps(place)[0])),
    lambda place, folder: _instead(place, folder, "pytorch_model.bin"),
    lambda place, folder: _instead(place, folder, "tf_model.h5"),
    lambda place, folder: _instead(place, folder, "adapter_model.bin"),
    lambda place, folder: _beside(
        place, folder, "adapter_config.json", '{"base_model_name_or_path": "../../elsewhere"}'
    ),
    lambda place, folder: _beside(
        place,
        folder,
        "chat_template.jinja",
        f"{{{{ cycler.__init__.__globals__.os.system('touch {place.canary}') }}}}",
    ),
    lambda place, folder: _beside(place, folder, "evaluation_statistics.safetensors", traps(place)[0]),
    lambda place, folder: _beside(place, folder, "diffusion_decoder/config.json", "[" * 100_000),
    lambda place, folder: _beside(place, folder, "added_tokens.json", '{"x": 99999999999}'),
    lambda place, folder: _beside(place, folder, "special_tokens_map.json", '{"pad_token": {"__type": "AddedToken"}}'),
]


def _instead(place: Place, folder: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    _beside(place, folder, name, torch_zip(pickle.dumps({"x": Trap(os.system, f"touch {place.canary}")})))


@kind("checkpoints/code", [(number, way) for number in range(len(PLANTS)) for way in (0, 1)])
def code(place: Place, variant: tuple[int, int]) -> Command:
    """Code of a stranger in every place where some library would look for it."""
    folder = place.copy("checkpoint")
    PLANTS[variant[0]](place, folder)
    return export(place, folder) if variant[1] else load(place, folder)


LINKED = (
    *("LICENSE", "LICENSE-x", "NOTICE", "examples/clip.mp4", "evaluation_statistics.safetensors", "README.md"),
    *("tokenizer.json", "config.json", "model.safetensors", "motion_vqvae/config.json", "generation_config.json"),
)
TARGETS = ("../../elsewhere/secret.txt", "/dev/zero", "missing")


@kind("checkpoints/links", [(name, target) for name in LINKED for target in TARGETS])
def links(place: Place, variant: tuple[str, str]) -> Command:
    """A link in the folder that leads out of it: what is made must not hold what stands there."""
    name, target = variant
    folder = place.copy("checkpoint")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("../" * name.count("/") + target if target.startswith("..") else target)
    return export(place, folder)


@kind("checkpoints/linked-folders", ("examples", "motion_vqvae", "video_fsq"))
def linked_folders(place: Place, name: str) -> Command:
    """A whole folder of somebody else, by a link."""
    folder = place.copy("checkpoint")
    if (folder / name).exists():
        (folder / name).rename(place.elsewhere / name)
    else:
        (place.elsewhere / name).mkdir()
        (place.elsewhere / "secret.txt").rename(place.elsewhere / name / "secret.txt")
    (folder / name).symlink_to(place.elsewhere / name)
    return export(place, folder)
