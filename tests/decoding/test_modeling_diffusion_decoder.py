# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The decoder as a user holds it: options, seeds, types, saving, and what is refused."""

import subprocess
import sys

import pytest
import torch
from cosmos_decoder import SIZES, random_decoder
from safetensors.torch import load_file, save_file

from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder

CODES = torch.randint(512, (1, 9, 2, 3), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    return random_decoder()


def decode(model, codes=CODES, seed=0, steps=2, **options):
    return model.decode(codes, steps=steps, generator=torch.Generator().manual_seed(seed), **options)


def test_a_clip_of_65_frames_in_one_pass(model):
    told = []
    video = decode(model, on_step=lambda done, total: told.append((done, total)))
    assert video.shape == (1, 3, 65, 32, 48)
    assert video.dtype == torch.float32
    assert video.isfinite().all()
    assert told == [(1, 2), (2, 2)]


def test_cosmos_settings_are_the_default(model, monkeypatch):
    asked = []
    predict = DiffusionDecoder._predict

    def spy(self, latents, c_noise, codes, guidance, batch_branches):
        asked.append((guidance, batch_branches, codes.shape[1]))
        return predict(self, latents, c_noise, codes, guidance, batch_branches)

    monkeypatch.setattr(DiffusionDecoder, "_predict", spy)
    model.decode(CODES)
    assert asked == [(2.0, True, 9)] * 15


def test_the_seed_decides(model):
    video = decode(model)
    assert torch.equal(video, decode(model))
    assert not torch.allclose(video, decode(model, seed=1), atol=1e-3)
    torch.manual_seed(3)
    from_the_global_one = model.decode(CODES, steps=2)
    torch.manual_seed(3)
    assert torch.equal(from_the_global_one, model.decode(CODES, steps=2))


def test_one_branch_at_a_time_gives_the_same(model):
    torch.testing.assert_close(decode(model, batch_branches=False), decode(model), atol=1e-3, rtol=1e-4)


def test_codes_of_a_batch_do_not_mix(model):
    codes = torch.cat((CODES[:, :2], CODES[:, 2:4]))
    batch = decode(model, codes)
    # The noise of the first clip is drawn first, so it is the same alone.
    torch.testing.assert_close(decode(model, codes[:1]), batch[:1], atol=1e-3, rtol=1e-4)
    assert not torch.allclose(batch[0], batch[1], atol=1e-2)


@torch.no_grad()
def test_guidance_counts_from_the_conditional(model):
    latents, c_noise, codes = torch.randn(1, 16, 2, 4, 6), torch.tensor(0.3), CODES[:, :2]
    plain, guided = (model._predict(latents, c_noise, codes, guidance, True) for guidance in (0, 2))
    context = model.text_context[None]
    conditional = model.denoiser(latents, c_noise, codes, context)
    unconditional = model.denoiser(latents, c_noise, 0 * codes, 0 * context)
    torch.testing.assert_close(plain, conditional)
    # In the usual words this is a scale of 3.
    torch.testing.assert_close(guided, unconditional + 3 * (conditional - unconditional), atol=1e-4, rtol=1e-4)


def test_two_windows_never_show_the_network_more_than_8_latent_frames(model, monkeypatch):
    seen = []
    handle = model.denoiser.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2].shape[1]))
    video = decode(model, windows=2)
    handle.remove()
    assert video.shape == (1, 3, 65, 32, 48)
    assert seen == [8] * 4
    assert not torch.allclose(video, decode(model), atol=1e-2)


def test_each_latent_frame_has_its_own_statistics(model):
    latents = torch.randn(2, 16, 5, 2, 2)
    found = model.video_decoder.denormalize(latents)
    mean, std = (torch.tensor(values) for values in (model.config.latents_mean, model.config.latents_std))
    expected = 2 * latents[1, 3, 4] * std[3, 4] + mean[3, 4]
    torch.testing.assert_close(found[1, 3, 4], expected)


def test_half_precision_runs_and_keeps_the_statistics(model, tmp_path):
    model.save_pretrained(tmp_path)
    half = DiffusionDecoder.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    latents = torch.randn(1, 16, 5, 2, 2)
    assert torch.equal(half.video_decoder.denormalize(latents), model.video_decoder.denormalize(latents))
    video, expected = decode(half), decode(model)
    assert video.dtype == torch.float32
    assert (video - expected).abs().mean() < 0.2 * expected.abs().mean()


def test_blocks_of_the_transformer_may_wait_on_the_cpu(tmp_path):
    model = random_decoder()
    expected = decode(model)
    assert model.offload_to_cpu("cpu") is model
    assert torch.equal(decode(model), expected)


def test_a_clean_process_loads_a_part_of_a_checkpoint_without_torchvision(model, tmp_path):
    model.save_pretrained(tmp_path / "diffusion_decoder")
    names = {path.name for path in (tmp_path / "diffusion_decoder").iterdir()}
    assert names == {"config.json", "model.safetensors"}
    save_file({"codes": CODES}, tmp_path / "codes.safetensors")
    program = (
        "import sys, torch\n"
        "sys.modules['torchvision'] = None\n"
        "from safetensors.torch import load_file, save_file\n"
        "from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder\n"
        "assert 'diffusers' not in sys.modules\n"
        "folder = sys.argv[1]\n"
        "model = DiffusionDecoder.from_pretrained(folder, subfolder='diffusion_decoder')\n"
        "codes = load_file(folder + '/codes.safetensors')['codes']\n"
        "video = model.decode(codes, steps=2, generator=torch.Generator().manual_seed(0))\n"
        "save_file({'video': video.contiguous()}, folder + '/video.safetensors')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    again = load_file(tmp_path / "video.safetensors")["video"]
    torch.testing.assert_close(again, decode(model), atol=1e-4, rtol=1e-4)


def test_without_diffusers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ImportError, match=r"pip install 'unimo_hf\[diffusion\]'") as error:
        DiffusionDecoder(DiffusionDecoderConfig(**SIZES))
    assert error.value.name == "diffusers"


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (torch.zeros(1, 1, 2, 2), "`visual_codes` is torch.float32; it must hold integers"),
        (torch.zeros(1, 2, 2, dtype=torch.long), r"`visual_codes` has shape \(1, 2, 2\)"),
        (torch.zeros(1, 0, 2, 2, dtype=torch.long), r"`visual_codes` has shape \(1, 0, 2, 2\)"),
        (torch.zeros(1, 11, 2, 2, dtype=torch.long), r"has \(11, 2, 2\) .*; this decoder takes at most \(10, 120"),
        (torch.zeros(1, 1, 121, 2, dtype=torch.long), r"has \(1, 121, 2\) latent frames, rows and columns"),
        (torch.full((1, 1, 2, 2), 512), "`visual_codes` holds 512 to 512; allowed is 0 to 511"),
        (torch.full((1, 1, 2, 2), -1), "`visual_codes` holds -1 to -1"),
    ],
)
def test_wrong_codes_are_refused(model, codes, found):
    with pytest.raises(ValueError, match=found):
        model.decode(codes)


@pytest.mark.parametrize(
    "option", [{"steps": 0}, {"guidance": -1.0}, {"guidance": float("nan")}, {"windows": 3}, {"windows": 0}]
)
def test_options_out_of_range_are_refused(model, option):
    ((name, value),) = option.items()
    with pytest.raises(ValueError, match=f"`{name}` is {value}"):
        model.decode(CODES, **option)


def test_two_windows_need_a_clip_longer_than_one(model):
    with pytest.raises(ValueError, match="two windows are for 9 to 14"):
        model.decode(CODES[:, :8], windows=2)
