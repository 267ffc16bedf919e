# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""NVIDIA's files, made of the goldens, become a folder that loads; other files leave nothing behind."""

import io
import json
import sys
from pathlib import Path

import cosmos_diffusion_forward
import pytest
import torch
from convert_cosmos_diffusion_decoder import (
    check_output,
    convert,
    file_of_vae,
    main,
    read_network,
    read_statistics,
    read_video_decoder,
    sizes_of_network,
    target_name,
)
from cosmos_files import GOLDENS, golden_tokenizer_weights, write_torchscript
from key_matching import match_keys
from safetensors.torch import load_file, save_file

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.denoiser import VisualCodeDenoiser
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder

IO = load_file(GOLDENS / "dd_io.safetensors")
VIDEO = load_file(GOLDENS / "cv_io.safetensors")
STATISTICS = VIDEO["latent_mean"], VIDEO["latent_std"]


def network_weights():
    return load_file(GOLDENS / "dd_weights.safetensors")


def decoder_weights():
    return load_file(GOLDENS / "cv_decoder.safetensors")


@pytest.fixture
def files(tmp_path):
    """The arguments of `convert`: files as NVIDIA publishes them, and a folder that is not there."""
    extra = {
        "net.blocks.block0.blocks.0.block.attn.to_q.1._extra_state": io.BytesIO(b"x"),
        "logvar.0.weight": torch.ones(2),
        "conditioner.text.weight": torch.ones(2),
    }
    torch.save(network_weights() | extra, tmp_path / "model.pt")
    context = {"context": IO["crossattn_emb"], "context_mask": torch.ones(1, 6)}
    torch.save(context, tmp_path / "aux_vars.pt")
    vae = tmp_path / "Cosmos-1.0-Tokenizer-CV8x8x8"
    vae.mkdir()
    write_torchscript(vae / "decoder.jit", decoder_weights())
    torch.save(tuple(part.flatten() for part in STATISTICS), vae / "mean_std.pt")
    return {
        "checkpoint": tmp_path / "model.pt",
        "aux": tmp_path / "aux_vars.pt",
        "vae": vae,
        "output": tmp_path / "new" / "diffusion_decoder",
    }


def refused(files, *found):
    """The converter stops with these words, and nothing is left of the output."""
    with pytest.raises(ValueError, match=r"\S") as error:
        convert(**files)
    for words in found:
        assert words in str(error.value)
    assert not files["output"].parent.exists()


@torch.no_grad()
def test_the_result_is_cosmos(files, capsys):
    main([part for name, path in files.items() for part in (f"--{name}", str(path))])
    assert {path.name for path in files["output"].iterdir()} == {"config.json", "model.safetensors"}
    model = DiffusionDecoder.from_pretrained(files["output"].parent, subfolder="diffusion_decoder")
    assert model.dtype == torch.bfloat16
    model = model.float()
    out = model.denoiser(IO["x"], IO["timesteps"][0], IO["tokens"][:, 0], IO["crossattn_emb"])
    torch.testing.assert_close(out, IO["out"], atol=1e-5, rtol=1e-4)
    assert torch.equal(model.text_context, IO["crossattn_emb"][0].bfloat16().float())
    latents = model.video_decoder.denormalize(VIDEO["sampler_latent"])
    torch.testing.assert_close(latents, VIDEO["denormalised_latent"], atol=1e-5, rtol=1e-4)
    video = model.video_decoder(latents)
    torch.testing.assert_close(video, VIDEO["denormalised_video"], atol=5e-4, rtol=1e-4)
    config = json.loads((files["output"] / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["DiffusionDecoder"], "bfloat16")


@torch.no_grad()
def test_a_tokenizer_in_the_layout_of_diffusers(tmp_path):
    import diffusers

    vae = diffusers.AutoencoderKLCosmos(
        encoder_block_out_channels=(8, 16, 32, 32), decode_block_out_channels=(16, 32, 48, 48)
    ).eval()
    vae.save_pretrained(tmp_path / "vae")
    file = file_of_vae(tmp_path)
    assert file == tmp_path / "vae" / "diffusion_pytorch_model.safetensors"
    statistics = {name: values.view(16, 16).tolist() for name, values in read_statistics(file).items()}
    assert statistics["latents_std"][3][8] == pytest.approx(vae.config.latents_std[3 * 16 + 8])
    config = DiffusionDecoderConfig(
        num_hidden_layers=1, num_attention_heads=1, attention_head_dim=16, decoder_widths=[16, 32, 48], **statistics
    )
    decoder = DiffusionDecoder(config).video_decoder
    decoder.load_state_dict(read_video_decoder(file), strict=True)
    latents = torch.randn(1, 16, 2, 4, 4)
    torch.testing.assert_close(decoder(latents), vae.decode(latents).sample, atol=5e-4, rtol=1e-4)


def test_the_whole_autoencoder_and_a_lone_file_do_too(files):
    whole = decoder_weights() | {
        "encoder.conv_in.0.conv3d.weight": torch.ones(1),
        "encoder.patcher3d._arange": torch.arange(2),
        "quant_conv.conv3d.weight": torch.ones(1),
    }
    (files["vae"] / "decoder.jit").unlink()
    write_torchscript(files["vae"] / "autoencoder.jit", whole)
    convert(**files | {"vae": files["vae"] / "autoencoder.jit"})
    assert (files["output"] / "model.safetensors").exists()


def test_real_sizes_are_read_off_the_tensors():
    blocks = {}
    for block in range(28):
        prefix = f"net.blocks.block{block}.blocks".removeprefix("net.")
        for part, context in ((0, 4096), (1, 1024)):
            attention = f"{prefix}.{part}.block.attn"
            blocks |= {f"{attention}.to_{name}.0.weight": [4096, 4096] for name in ("q", "out")}
            blocks |= {f"{attention}.to_{name}.0.weight": [4096, context] for name in "kv"}
            blocks |= {f"{attention}.to_{name}.1.weight": [128] for name in "qk"}
        blocks |= {f"{prefix}.2.block.layer1.weight": [16384, 4096], f"{prefix}.2.block.layer2.weight": [4096, 16384]}
        for part in range(3):
            blocks[f"{prefix}.{part}.adaLN_modulation.1.weight"] = [256, 4096]
            blocks[f"{prefix}.{part}.adaLN_modulation.2.weight"] = [12288, 256]
    shapes = blocks | {
        "x_embedder.proj.1.weight": [4096, 196],
        "token_embedder.weight": [64000, 32],
        "t_embedder.1.linear_1.weight": [4096, 4096],
        "t_embedder.1.linear_2.weight": [12288, 4096],
        "affline_norm.weight": [4096],
        "final_layer.linear.weight": [64, 4096],
        "final_layer.adaLN_modulation.1.weight": [256, 4096],
        "final_layer.adaLN_modulation.2.weight": [8192, 256],
    }
    weights = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    config = DiffusionDecoderConfig(**sizes_of_network(weights, Path("model.pt")))
    assert config.to_dict() == DiffusionDecoderConfig().to_dict()
    with torch.device("meta"):
        ours = {f"denoiser.{name}": weight.shape for name, weight in VisualCodeDenoiser(config).state_dict().items()}
    sources = match_keys({f"network:{key}": shape for key, shape in shapes.items()}, ours, target_name)
    assert len(sources) == len(ours) == 28 * 20 + 8


def test_the_self_check_is_the_golden_network_and_sees_a_wrong_weight(files, monkeypatch):
    grid = tuple(IO["x"].shape[2:])
    monkeypatch.setattr(cosmos_diffusion_forward, "GRID", grid)
    convert(**files)
    config = DiffusionDecoderConfig.from_pretrained(files["output"])
    golden = cosmos_diffusion_forward.Prompt(IO["x"], IO["timesteps"][0], IO["tokens"][:, 0], IO["crossattn_emb"])
    plain = cosmos_diffusion_forward.cosmos_output(read_network(files["checkpoint"]), config, golden)
    torch.testing.assert_close(plain, IO["out"], atol=1e-5, rtol=1e-4)
    weights = load_file(files["output"] / "model.safetensors")
    ours = cosmos_diffusion_forward.our_output(weights, config, golden)
    torch.testing.assert_close(ours, IO["out"], atol=1e-5, rtol=1e-4)
    name = "denoiser.transformer.transformer_blocks.1.attn1.to_k.weight"
    save_file(weights | {name: weights[name].flip(0).contiguous()}, files["output"] / "model.safetensors")
    prompt = cosmos_diffusion_forward.seeded_prompt(config)
    expected = cosmos_diffusion_forward.cosmos_output(read_network(files["checkpoint"]), config, prompt)
    with pytest.raises(RuntimeError, match="gives other numbers than the checkpoint"):
        check_output(files["output"], config, expected)


def test_other_tensors_are_listed(files):
    weights = network_weights()
    del weights["net.affline_norm.weight"], weights["net.final_layer.linear.weight"]
    torch.save(weights, files["checkpoint"])
    refused(files, "model.pt: affline_norm.weight must have 1 dimensions; there is none", "7B-Decoder")
    weights = network_weights() | {"net.extra_pos_embedder.pos_emb_t": torch.ones(4)}
    del weights["net.t_embedder.1.linear_1.weight"]
    weights["net.x_embedder.proj.1.weight"] = torch.ones(64, 68)
    torch.save(weights, files["checkpoint"])
    refused(
        files,
        "1 keys of the checkpoint that nothing uses:\n  network:extra_pos_embedder.pos_emb_t",
        "1 weights of the model that nothing fills:\n  denoiser.transformer.time_embed.t_embedder.linear_1.weight",
        "1 shapes that differ:\n  network:x_embedder.proj.1.weight: found [64, 68], expected [64, 100]",
    )


def test_another_diffusion_model_is_refused(files):
    weights = network_weights()
    del weights["net.token_embedder.weight"]
    torch.save(weights, files["checkpoint"])
    refused(files, "token_embedder.weight must have 2 dimensions; there is none", "7B-Decoder-DV8x16x16ToCV8x8x8")


def test_the_discrete_tokenizer_is_refused(files):
    write_torchscript(files["vae"] / "decoder.jit", golden_tokenizer_weights("decoder"))
    refused(
        files, "nothing uses", "decoder:post_quant_conv.weight: found [16, 6, 1, 1, 1], expected [16, 16, 1, 1, 1]"
    )


def test_the_encoder_alone_is_refused(files):
    write_torchscript(files["vae"] / "decoder.jit", golden_tokenizer_weights("encoder"))
    refused(files, "decoder.jit: post_quant_conv.weight must have 5 dimensions; there is none")


def test_a_truncated_file_is_refused(files):
    content = files["checkpoint"].read_bytes()
    files["checkpoint"].write_bytes(content[: len(content) // 2])
    refused(files, "model.pt can't be read as a checkpoint")


def test_weights_that_are_no_numbers_are_refused(files):
    weights = network_weights()
    weights["net.affline_norm.weight"][3] = float("nan")
    torch.save(weights, files["checkpoint"])
    refused(files, "model.pt: affline_norm.weight holds 1 numbers that are NaN")


@pytest.mark.parametrize("content", [{"text": torch.ones(1, 6, 24)}, {"context": torch.ones(6, 24)}])
def test_another_text_is_refused(files, content):
    torch.save(content, files["aux"])
    refused(files, "aux_vars.pt holds", "context [1, length, channels]")


def test_a_text_of_another_width_is_refused(files):
    torch.save({"context": torch.ones(1, 6, 25)}, files["aux"])
    refused(files, "block0.blocks.1.block.attn.to_k.0.weight: found [64, 24], expected [64, 25]")


def test_statistics_are_needed_and_must_fit(files):
    pair = files["vae"] / "mean_std.pt"
    torch.save((torch.zeros(17), torch.ones(17)), pair)
    refused(files, "17 means and 17 deviations", "16 channels")
    torch.save((torch.zeros(32), torch.zeros(32)), pair)
    refused(files, "a deviation above 0")
    torch.save({"mean": torch.zeros(16)}, pair)
    refused(files, "mean_std.pt is no pair of tensors")
    pair.unlink()
    refused(files, "mean_std.pt, or latents_mean and latents_std in", "must be there")


def test_a_folder_without_a_tokenizer_is_refused(files, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(files | {"vae": tmp_path / "empty"}, "empty holds no tokenizer", "decoder.jit")


def test_what_the_command_says_is_one_message(files, monkeypatch):
    arguments = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    files["output"].mkdir(parents=True)
    with pytest.raises(SystemExit, match="exists already"):
        main(arguments)
    files["output"].rmdir()
    files["aux"].unlink()
    with pytest.raises(SystemExit, match=r"aux_vars\.pt"):
        main(arguments)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    torch.save({"context": IO["crossattn_emb"]}, files["aux"])
    with pytest.raises(SystemExit, match=r"unimo_hf\[diffusion\]"):
        main(arguments)


def test_safetensors_do_too(files, tmp_path):
    save_file(network_weights(), tmp_path / "model.safetensors")
    convert(**files | {"checkpoint": tmp_path / "model.safetensors"})
    assert (files["output"] / "config.json").exists()
