# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
import shutil
from functools import partial

import convert_cosmos_ar
import pytest
import torch
from checkpoint_writing import write_weights
from convert_cosmos_ar import NEW_HEAD, NEW_TABLES, convert, main, squarest_grid, target_name
from cosmos_ar_forward import cosmos_logits, unimo_logits
from cosmos_files import GOLDENS, golden_ar_weights, names_in
from key_matching import match_keys
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoProcessor

from unimo_hf import (
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoConfig,
    UniMoForConditionalGeneration,
    UniMoProcessor,
    VideoFSQConfig,
)
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modalities import Modality
from unimo_hf.model.sequences import lay_out_codes
from unimo_hf.pipelines.checkpoint import check_fit

GOLDEN = load_file(GOLDENS / "ar_base.safetensors")
GRID = (4, 6)
NUM_CODES = 256
SETTINGS = {"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "vocab_size": 256, "ffn_hidden_size": 176}
SETTINGS |= {"norm_eps": 1e-5, "input_types": ["video"], "head_dim": None}


def close(actual, expected, atol=2e-4):
    torch.testing.assert_close(actual, expected, atol=atol, rtol=1e-4)


def clip(length=None):
    """The codes of three latent frames of Cosmos' grid, or as many of them as there are."""
    table = UniMoConfig().table | {"visual": Modality("visual", NUM_CODES, GRID, 8)}
    return lay_out_codes("visual", table, 17)[:length]


def write_checkpoint(folder, weights=None):
    """`model.pt` as NVIDIA publishes it."""
    path = folder / "model.pt"
    torch.save(golden_ar_weights() if weights is None else weights, path)
    return path


def write_settings(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(SETTINGS | changes))
    return path


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The golden model, converted by the command line."""
    folder = tmp_path_factory.mktemp("cosmos")
    arguments = ["--checkpoint", str(write_checkpoint(folder)), "--config", str(write_settings(folder))]
    main([*arguments, "--output", str(folder / "unimo")])
    return folder / "unimo"


@pytest.fixture(scope="module")
def model(converted):
    return UniMoForConditionalGeneration.from_pretrained(converted, dtype=torch.float32).eval()


# --- The result is Cosmos ----------------------------------------------------------------------------------------


@torch.no_grad()
def test_it_gives_the_logits_of_cosmos(model):
    close(
        model(GOLDEN["tokens"], sequence=clip(GOLDEN["tokens"].shape[1])).logits[..., :NUM_CODES],
        GOLDEN["logits_full"],
    )


def test_it_generates_the_codes_of_cosmos(model):
    prompt, sequence = GOLDEN["greedy_prompt"], GOLDEN["greedy_sequence"]
    found = model.generate_target(prompt, sequence=clip(), decoding=Decoding(do_sample=False))
    assert torch.equal(torch.cat([prompt, found], dim=1), sequence)
    assert torch.equal(model.generate(prompt, sequence=clip(), do_sample=False), sequence)


@torch.no_grad()
def test_the_switch_of_the_absolute_embedding_is_followed(tmp_path):
    settings = write_settings(tmp_path, apply_abs_pos_emb=True)
    convert(write_checkpoint(tmp_path), tmp_path / "out", settings)
    model = UniMoForConditionalGeneration.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    assert model.config.ape_mode == "hidden_each_layer"
    close(
        model(GOLDEN["tokens"][:1], sequence=clip(GOLDEN["tokens"].shape[1])).logits[..., :NUM_CODES],
        GOLDEN["logits_full_ape_fp32"],
    )


def test_both_sides_of_the_self_check_are_cosmos(model):
    weights = {key.removeprefix("model."): weight for key, weight in golden_ar_weights().items()}
    for row in range(2):
        found = cosmos_logits(weights, model.config, GOLDEN["tokens"][row], GRID)
        close(found, GOLDEN["logits_full"][row])
        close(unimo_logits(model.state_dict(), model.config, GOLDEN["tokens"][row], GRID), found)


def test_weights_are_kept_bit_for_bit(converted):
    found = load_file(converted / "model.safetensors")
    for key, weight in golden_ar_weights().items():
        written = found.pop(target_name(key.removeprefix("model.")))
        assert written.dtype == weight.dtype == torch.bfloat16
        assert torch.equal(written, weight)
    assert found.keys() == {*NEW_TABLES, NEW_HEAD}


def test_the_folder_is_ready_for_stage_2(converted, model):
    config = UniMoConfig.from_pretrained(converted)
    assert (config.ape_mode, config.frames, config.table["motion"].size) == ("none", 65, 512)
    assert config.table["visual"] == Modality("visual", 256, (32, 32), 8)
    assert str(config.dtype) in ("bfloat16", "torch.bfloat16")
    assert UniMoForConditionalGeneration.from_pretrained(converted).dtype == torch.bfloat16
    assert type(AutoModelForCausalLM.from_pretrained(converted)) is UniMoForConditionalGeneration
    assert type(AutoProcessor.from_pretrained(converted)) is UniMoProcessor
    processor = UniMoProcessor.from_pretrained(converted)
    assert processor.table == config.table
    assert (processor.size, processor.frames, processor.fps) == (512, 65, 24.0)
    assert processor.tokenizer.vocabulary == config.vocabulary
    assert model.generation_config.task_options == {"v2m": {"do_sample": False}}
    assert model.generation_config.top_p == 0.8
    assert "base_model: nvidia/Cosmos-1.0-Autoregressive-4B\n" in (converted / "README.md").read_text()
    assert names_in(converted.parent) == ["config.json", "model.pt", "unimo"]


# --- Layouts and options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["wrapped", "extra state", "net.", "bare", "safetensors"])
def test_every_layout_gives_the_same(tmp_path, converted, layout):
    weights = golden_ar_weights()
    if layout == "wrapped":
        weights = {"model": weights}
    elif layout == "extra state":
        weights["model.layers.0.attention._extra_state"] = torch.zeros(3, dtype=torch.uint8)
    elif layout == "net.":
        weights = {f"net.{key}": weight for key, weight in weights.items()}
    elif layout == "bare":
        weights = {key.removeprefix("model."): weight for key, weight in weights.items()}
    path = write_checkpoint(tmp_path, weights)
    if layout == "safetensors":
        path = tmp_path / "model.safetensors"
        save_file(weights, path)
    convert(path, tmp_path / "out")
    expected = load_file(converted / "model.safetensors")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_shards_load_as_one_file_does(tmp_path, converted, monkeypatch):
    monkeypatch.setattr(convert_cosmos_ar, "write_weights", partial(write_weights, max_shard_bytes=100_000))
    convert(write_checkpoint(tmp_path), tmp_path / "out")
    assert len(list((tmp_path / "out").glob("model-*-of-*.safetensors"))) > 2
    one, many = (UniMoForConditionalGeneration.from_pretrained(folder) for folder in (converted, tmp_path / "out"))
    expected = one.state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in many.state_dict().items())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_type_is_a_choice(tmp_path, dtype):
    arguments = ["--checkpoint", str(write_checkpoint(tmp_path)), "--output", str(tmp_path / "out"), "--dtype", dtype]
    main(arguments)
    model = UniMoForConditionalGeneration.from_pretrained(tmp_path / "out")
    assert str(model.dtype) == f"torch.{dtype}"
    assert torch.equal(model.lm_head.weight.float(), golden_ar_weights()["model.output.weight"].float())


def test_new_rows_look_like_the_visual_ones(tmp_path):
    weights = golden_ar_weights()
    table = weights["model.tok_embeddings.weight"] = (
        torch.randn(256, 64) * 0.3 + torch.linspace(-2, 2, 64)
    ).bfloat16()
    path = write_checkpoint(tmp_path, weights)
    convert(path, tmp_path / "visual")
    convert(path, tmp_path / "again")
    convert(path, tmp_path / "normal", new_rows="normal")
    found = {rule: load_file(tmp_path / rule / "model.safetensors") for rule in ("visual", "again", "normal")}
    motion = found["visual"][NEW_TABLES[0]].float()
    close(motion.mean(0), table.float().mean(0), 0.1)
    close(motion.std(0), table.float().std(0), 0.1)
    plain = found["normal"][NEW_TABLES[0]].float()
    assert plain.mean().abs() < 0.05
    assert plain.std().item() == pytest.approx(1.0, rel=0.05)
    head = found["visual"][NEW_HEAD].float()
    assert head.std().item() == pytest.approx(64**-0.5, rel=0.05)
    assert all(torch.equal(found["again"][name], weight) for name, weight in found["visual"].items())


def test_a_motion_tokenizer_gives_its_sizes_and_comes_along(tmp_path, micro_checkpoint):
    path, motion_vqvae = write_checkpoint(tmp_path), micro_checkpoint / "motion_vqvae"
    main(["--checkpoint", str(path), "--output", str(tmp_path / "out"), "--motion-vqvae", str(motion_vqvae)])
    config = UniMoConfig.from_pretrained(tmp_path / "out")
    assert config.table["motion"] == Modality("motion", 32, (6, 6))
    assert UniMoProcessor.from_pretrained(tmp_path / "out").fps == 15.0
    found = MotionVQVAE.from_pretrained(tmp_path / "out", subfolder="motion_vqvae").state_dict()
    expected = load_file(motion_vqvae / "model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_slots_of_a_frame_lie_in_the_squarest_grid():
    assert [squarest_grid(codes) for codes in (36, 24, 54, 7, 1)] == [(6, 6), (4, 6), (6, 9), (1, 7), (1, 1)]


# --- The real size -----------------------------------------------------------------------------------------------


def test_every_key_and_shape_of_the_4b_model_has_its_place():
    table = {"tok_embeddings": (64000, 4096), "norm": (4096,), "output": (64000, 4096)}
    block = {
        "attention_norm": (4096,),
        "attention.wq": (4096, 4096),
        "attention.wk": (1024, 4096),
        "attention.wv": (1024, 4096),
        "attention.wo": (4096, 4096),
        "attention.q_norm": (128,),
        "attention.k_norm": (128,),
        "ffn_norm": (4096,),
        "feed_forward.w1": (14336, 4096),
        "feed_forward.w3": (14336, 4096),
        "feed_forward.w2": (4096, 14336),
    }
    table |= {f"layers.{layer}.{name}": shape for layer in range(16) for name, shape in block.items()}
    sources = {f"{name}.weight": shape for name, shape in table.items()}
    with torch.device("meta"):
        model = UniMoForConditionalGeneration(UniMoConfig(ape_mode="none"))
        weights = {key: torch.empty(shape) for key, shape in sources.items()}
    targets = {name: weight.shape for name, weight in model.state_dict().items()}
    matches = match_keys(sources, targets, target_name, {*NEW_TABLES, NEW_HEAD})
    assert len(matches) == len(sources) == 179
    assert sum(weight.numel() for weight in weights.values()) == 4_014_088_192
    motion_config = MotionVQVAEConfig()
    config = convert_cosmos_ar.config_of(weights, "model.pt", {}, motion_config)
    assert config.to_dict() == UniMoConfig(ape_mode="none").to_dict()
    processor = convert_cosmos_ar.processor_of(config, motion_config)
    check_fit("the converted parts", config, motion_config, VideoFSQConfig(), processor)


# --- Bad input ---------------------------------------------------------------------------------------------------


def refused(folder, path, *options) -> str:
    """What the command prints; it ends with code 1 and leaves nothing."""
    before = names_in(folder)
    with pytest.raises(SystemExit) as ended:
        main(["--checkpoint", str(path), "--output", str(folder / "out"), *options])
    assert names_in(folder) == before
    message = str(ended.value.code)
    assert "Traceback" not in message
    return message


def changed(**changes):
    """The golden weights with other tensors; `None` takes one out. A dot is written `__`."""
    weights = golden_ar_weights()
    for name, value in changes.items():
        key = f"model.{name.replace('__', '.')}.weight"
        weights.pop(key, None)
        if value is not None:
            weights[key] = value
    return weights


def test_a_truncated_checkpoint(tmp_path):
    path = write_checkpoint(tmp_path)
    path.write_bytes(path.read_bytes()[:50_000])
    assert f"{path} can't be read as a checkpoint; it is truncated" in refused(tmp_path, path)


def test_no_checkpoint(tmp_path):
    assert "No such file" in refused(tmp_path, tmp_path / "model.pt")


def test_a_text_conditioned_variant(tmp_path):
    path = write_checkpoint(tmp_path, golden_ar_weights("ar_v2w"))
    message = refused(tmp_path, path)
    assert f"{path} is a text-conditioned Cosmos model (5B or 13B Video2World)" in message
    assert "layers.0.cross_attention" in message
    assert "Cosmos-1.0-Autoregressive-4B" in message


def test_rows_of_a_begin_token_alone(tmp_path):
    path = write_checkpoint(tmp_path, changed(tok_embeddings=torch.zeros(320, 64)))
    assert "tok_embeddings.weight: found [320, 64], expected [256, 64]" in refused(tmp_path, path)


def test_the_12b_variant(tmp_path):
    # Its 32 heads of 128 channels are narrower than its width of 5120.
    wide = {
        key: torch.zeros([80 if size == 64 else size for size in weight.shape]) for key, weight in changed().items()
    }
    for layer in range(2):
        wide[f"model.layers.{layer}.attention.wq.weight"] = torch.zeros(64, 80)
    message = refused(tmp_path, write_checkpoint(tmp_path, wide))
    assert "is the 12B or 13B Cosmos model" in message
    assert "maps a width of 80 to 64" in message


def test_another_kind_of_model(tmp_path):
    path = write_checkpoint(tmp_path, {"encoder.conv_in.weight": torch.zeros(3)})
    message = refused(tmp_path, path)
    assert f"{path} is no autoregressive Cosmos model: tok_embeddings.weight must have 2 dimensions" in message


def test_keys_that_do_not_match_are_listed(tmp_path):
    weights = changed(
        layers__1__feed_forward__w2=None,
        layers__1__feed_forward__w4=torch.zeros(3),
        layers__0__attention__wo=torch.zeros(64, 32),
    )
    path = write_checkpoint(tmp_path, weights)
    message = refused(tmp_path, path)
    assert str(path) in message
    assert "1 keys of the checkpoint that nothing uses:\n  layers.1.feed_forward.w4.weight" in message
    assert "1 weights of the model that nothing fills:\n  model.layers.1.mlp.down_proj.weight" in message
    assert "1 shapes that differ:\n  layers.0.attention.wo.weight: found [64, 32], expected [64, 64]" in message


@pytest.mark.parametrize(
    ("field", "value", "size"),
    [
        ("dim", 128, 64),
        ("n_layers", 16, 2),
        ("n_heads", 8, 4),
        ("n_kv_heads", 4, 2),
        ("head_dim", 128, 16),
        ("vocab_size", 64000, 256),
        ("ffn_hidden_size", 14336, 176),
    ],
)
def test_a_config_that_contradicts_the_tensors(tmp_path, field, value, size):
    path, settings = write_checkpoint(tmp_path), write_settings(tmp_path, **{field: value})
    message = refused(tmp_path, path, "--config", str(settings))
    assert f"config.json contradicts {path}: `{field}` is {value}, the tensors say {size}" in message


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_config_that_is_no_json_object(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    message = refused(tmp_path, write_checkpoint(tmp_path), "--config", str(tmp_path / "config.json"))
    assert "config.json is not a JSON object" in message


def test_sizes_that_make_no_model(tmp_path):
    path, settings = write_checkpoint(tmp_path), write_settings(tmp_path, norm_eps="small")
    message = refused(tmp_path, path, "--config", str(settings))
    assert f"{path} and its config.json describe no model: " in message
    assert "rms_norm_eps" in message


@pytest.mark.parametrize("name", ["tok_embeddings", "layers.1.attention.k_norm", "output"])
def test_weights_that_are_no_numbers(tmp_path, name):
    weights = golden_ar_weights()
    weights[f"model.{name}.weight"].view(-1)[5] = float("nan")
    path = write_checkpoint(tmp_path, weights)
    message = refused(tmp_path, path)
    assert f"{path}: {name}.weight holds 1 numbers that are NaN or infinite" in message


def test_an_output_that_exists(tmp_path):
    path = write_checkpoint(tmp_path)
    (tmp_path / "out").mkdir()
    assert "exists already" in refused(tmp_path, path)
    assert names_in(tmp_path / "out") == []


def test_an_output_that_cannot_be_made(tmp_path):
    path = write_checkpoint(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["--checkpoint", str(path), "--output", str(path / "out")])
    assert f"{path} is no folder: '{path / 'out'}'" in str(ended.value.code)


def test_no_space(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    assert "GB are needed and 0.00 GB are free" in refused(tmp_path, write_checkpoint(tmp_path))


def test_a_damaged_motion_tokenizer(tmp_path, micro_checkpoint):
    folder = shutil.copytree(micro_checkpoint / "motion_vqvae", tmp_path / "motion_vqvae")
    (folder / "model.safetensors").write_bytes(b"")
    message = refused(tmp_path, write_checkpoint(tmp_path), "--motion-vqvae", str(folder))
    assert "model.safetensors can't be loaded: it has 0 bytes" in message


def test_a_mistake_in_the_names_is_found_by_the_self_check(tmp_path, monkeypatch):
    swapped = convert_cosmos_ar.BLOCK_NAMES | {"feed_forward.w1": "mlp.up_proj", "feed_forward.w3": "mlp.gate_proj"}
    monkeypatch.setattr(convert_cosmos_ar, "BLOCK_NAMES", swapped)
    with pytest.raises(RuntimeError, match="gives other logits than the checkpoint"):
        convert(write_checkpoint(tmp_path), tmp_path / "out")
    assert names_in(tmp_path) == ["model.pt"]
