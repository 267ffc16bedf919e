# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The numbers of the original program, at the tolerances that stand beside them (tests/goldens/cosmos/README.md)."""

import json

import pytest
import torch
from cosmos_decoder import SIZES, golden_weights
from safetensors.torch import load_file

from unimo_hf.decoding import sampling
from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.denoiser import VisualCodeDenoiser
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder


@pytest.fixture(scope="module")
def golden(goldens):
    return load_file(goldens / "cosmos" / "dd_io.safetensors")


@pytest.fixture(scope="module")
def golden_video(goldens):
    return load_file(goldens / "cosmos" / "cv_io.safetensors")


@pytest.fixture(scope="module")
def model(goldens, golden, golden_video):
    statistics = {f"latents_{name}": golden_video[f"latent_{name}"].tolist() for name in ("mean", "std")}
    model = DiffusionDecoder(DiffusionDecoderConfig(**SIZES, **statistics)).eval()
    model.load_state_dict(golden_weights(goldens) | {"text_context": golden["crossattn_emb"][0]}, strict=True)
    return model


@pytest.fixture(scope="module")
def inputs(golden):
    return golden["x"], golden["timesteps"][0], golden["tokens"][:, 0], golden["crossattn_emb"]


def close(found, expected, tolerance):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=1e-4)


@torch.no_grad()
def test_network_equals_cosmos(model, golden, inputs):
    latents, c_noise, visual_codes, context = inputs
    assert golden["fps"].item() == 24
    close(model.denoiser(*inputs), golden["out"], 1e-5)
    close(model.denoiser(*inputs, padding_mask=golden["padding_mask"]), golden["out"], 1e-5)
    close(model.denoiser(*inputs, padding_mask=golden["padding_mask_half"]), golden["out_padding_mask_half"], 1e-5)
    close(model.denoiser(*inputs, fps=12), golden["out_fps12"], 1e-5)
    nothing = torch.zeros_like(visual_codes), torch.zeros_like(context)
    close(model.denoiser(latents, c_noise, *nothing), golden["out_uncond"], 1e-5)


@torch.no_grad()
def test_what_lies_between_equals_cosmos(model, golden, inputs):
    kept = {}

    def keep(name):
        return lambda module, arguments, output: kept.update({name: output})

    network = model.denoiser.transformer
    layers = {
        "patch": network.patch_embed,
        "rope": network.rope,
        "features": network.time_embed.time_proj,
        "lora": network.time_embed.t_embedder,
    }
    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    model.denoiser(*inputs)
    for handle in handles:
        handle.remove()
    close(kept["patch"], golden["patch_embedded"], 1e-5)
    close(kept["features"], golden["timestep_features"], 1e-5)
    close(kept["lora"], golden["adaln_lora"], 1e-5)
    for found, function in zip(kept["rope"], (torch.cos, torch.sin), strict=True):
        close(found, function(golden["rope_freqs"]), 1e-5)


@pytest.mark.parametrize("batch_branches", [True, False])
@pytest.mark.parametrize("run", ["g1.8_s15", "g1.0_s4"])
@torch.no_grad()
def test_sampler_equals_cosmos(model, golden, goldens, run, batch_branches):
    facts = json.loads((goldens / "cosmos" / "dd.json").read_text())["self_check"][f"sampler_{run}"]
    expected = {name: golden[f"sampler_{run}.{name}"] for name in ("noise", "timesteps", "samples")}
    asked = []

    def predict(latents, c_noise):
        asked.append((latents, c_noise))
        return model._predict(latents, c_noise, golden["tokens"][:, 0], facts["guidance"], batch_branches)

    samples = sampling.sample(predict, expected["noise"], facts["num_steps"])
    close(samples, expected["samples"], 1e-4)
    close(torch.stack([c_noise for _, c_noise in asked]), expected["timesteps"], 1e-5)
    close(asked[0][0], golden[f"sampler_{run}.first_scaled_input"], 1e-4)
    close(asked[1][0], golden[f"sampler_{run}.second_scaled_input"], 1e-4)
    sigmas = golden[f"sampler_{run}.sigmas"]
    close(torch.stack([torch.exp(4 * c_noise) for _, c_noise in asked]), sigmas[:-1], 1e-5)
    assert sigmas[-1] == 0


@pytest.mark.parametrize("case", ["case0", "case1"])
@torch.no_grad()
def test_video_decoder_equals_cosmos(model, golden_video, case):
    close(model.video_decoder(golden_video[f"{case}.latent"]), golden_video[f"{case}.video"], 5e-4)


@torch.no_grad()
def test_statistics_by_frame_equal_cosmos(model, golden_video):
    latents = model.video_decoder.denormalize(golden_video["sampler_latent"])
    close(latents, golden_video["denormalised_latent"], 1e-5)
    close(model.video_decoder(latents), golden_video["denormalised_video"], 5e-4)


def test_real_size_has_the_shapes_of_cosmos():
    with torch.device("meta"):
        denoiser = VisualCodeDenoiser(DiffusionDecoderConfig())
        decoder = DiffusionDecoder(DiffusionDecoderConfig()).video_decoder
    shapes = {name: list(parameter.shape) for name, parameter in denoiser.named_parameters()}
    assert sum(parameter.numel() for parameter in denoiser.parameters()) / 1e9 == pytest.approx(7.24, abs=0.005)
    assert sum(parameter.numel() for parameter in decoder.parameters()) / 1e6 == pytest.approx(62.7, abs=0.05)
    block = "transformer.transformer_blocks.27."
    for name, shape in {
        "token_embedder.weight": [64000, 32],
        "transformer.patch_embed.proj.weight": [4096, 196],
        "transformer.time_embed.t_embedder.linear_1.weight": [4096, 4096],
        "transformer.time_embed.t_embedder.linear_2.weight": [12288, 4096],
        "transformer.time_embed.norm.weight": [4096],
        f"{block}attn2.to_k.weight": [4096, 1024],
        f"{block}attn1.norm_q.weight": [128],
        f"{block}ff.net.0.proj.weight": [16384, 4096],
        f"{block}norm3.linear_1.weight": [256, 4096],
        f"{block}norm3.linear_2.weight": [12288, 256],
        "transformer.proj_out.weight": [64, 4096],
        "transformer.norm_out.linear_2.weight": [8192, 256],
    }.items():
        assert shapes[name] == shape, name
