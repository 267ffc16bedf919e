# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The motion tokenizer against the goldens of Duolando's quantiser, residual stack and losses, and by its rules."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unimo_hf import MotionVQVAE, MotionVQVAEConfig
from unimo_hf.model.modeling_motion_vqvae import (
    Codebook,
    ResidualStack,
    StridedConv,
    kernel_and_padding,
    reconstruction_terms,
)
from unimo_hf.model.motion_features import expert_channels

TINY = {"widths": [8, 8, 8, 8], "depth": 1, "codebook_size": 16}


def tiny(**fields):
    return MotionVQVAE(MotionVQVAEConfig(**{**TINY, **fields}))


def load(goldens, name):
    with np.load(goldens / "motion" / f"{name}.npz") as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


@pytest.fixture(scope="module")
def expected(goldens):
    return json.loads((goldens / "motion" / "expected.json").read_text(encoding="utf-8"))


# The codebook


def golden_codebook(arrays, prefix=""):
    config = MotionVQVAEConfig(widths=[8, 8, 8, 8], codebook_size=16, codebook_dim=8)
    codebook = Codebook(config).train()
    with torch.no_grad():
        codebook.codes.copy_(arrays[f"{prefix}code_before"])
        codebook.sums.copy_(arrays[f"{prefix}sum_before"])
        codebook.counts.copy_(arrays[f"{prefix}count_before"])
        codebook.initialized.fill_(True)
    return codebook


def test_one_step_of_the_moving_averages(goldens, expected):
    arrays = load(goldens, "quantiser")
    codebook = golden_codebook(arrays)
    latents = arrays["x_nct"].transpose(1, 2)
    quantized, indices, loss = codebook(latents)
    close = {"atol": 1e-5, "rtol": 1e-5}
    assert torch.equal(indices, arrays["exp_indices"])
    torch.testing.assert_close(quantized.transpose(1, 2), arrays["exp_quantised_nct"], **close)
    torch.testing.assert_close(codebook.codes, arrays["exp_code_after"], **close)
    torch.testing.assert_close(codebook.counts, arrays["exp_count_after"], **close)
    torch.testing.assert_close(codebook.sums, arrays["exp_sum_after"], **close)
    assert float(loss) / 0.02 == pytest.approx(expected["quantiser"]["commit_loss"], abs=1e-5)
    spread = (latents - latents.mean()).square().mean().sqrt()
    assert float(spread) == pytest.approx(expected["quantiser"]["prenorm"], abs=1e-5)
    fit = (quantized - latents).square().sum(-1).mean()
    assert float(fit) == pytest.approx(expected["quantiser"]["fit"], abs=1e-5)
    assert indices.unique().numel() == expected["quantiser"]["used_curr"]
    assert int((codebook.counts >= 1).sum()) == expected["quantiser"]["usage"]
    # Root of the mean square over rows x columns, as the original divides by the square root of their number.
    change = (codebook.codes - arrays["code_before"]).norm() / codebook.codes.numel() ** 0.5
    assert float(change) == pytest.approx(expected["quantiser"]["dk"], abs=1e-5)


def test_codes_out_of_use_restart_at_outputs_of_the_encoder(goldens, expected):
    arrays = load(goldens, "quantiser")
    codebook = golden_codebook(arrays, "restart_")
    latents = arrays["x_nct"].transpose(1, 2)
    _, indices, loss = codebook(latents)
    replaced = arrays["exp_restart_mask"]
    assert torch.equal(indices, arrays["exp_restart_indices"])
    assert torch.equal(codebook.counts < 1, replaced)
    assert int((~replaced).sum()) == expected["quantiser"]["restart_usage"]
    assert indices.unique().numel() == expected["quantiser"]["restart_used_curr"]
    assert float(loss) / 0.02 == pytest.approx(expected["quantiser"]["restart_commit_loss"], abs=1e-5)
    torch.testing.assert_close(codebook.counts, arrays["exp_restart_count_after"], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        codebook.codes[~replaced], arrays["exp_restart_code_after_kept"][~replaced], atol=1e-5, rtol=0
    )
    for code in codebook.codes[replaced]:
        assert (latents.flatten(0, 1) == code).all(dim=1).any()


@pytest.mark.parametrize("threshold", [0.5, 1.0, 4.0])
def test_which_codes_are_out_of_use_says_the_threshold(goldens, threshold):
    arrays = load(goldens, "quantiser")
    codebook = golden_codebook(arrays, "restart_")
    codebook.restart_threshold = threshold
    latents = arrays["x_nct"].transpose(1, 2)
    codebook(latents)
    restarted = (codebook.codes[:, None] == latents.flatten(0, 1)).all(dim=2).any(dim=1)
    assert torch.equal(restarted, arrays["exp_restart_count_after"] < threshold)


def test_a_tie_goes_to_the_lowest_index():
    codebook = Codebook(MotionVQVAEConfig(widths=[2, 2, 2, 2], codebook_size=3)).eval()
    with torch.no_grad():
        codebook.codes.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]))
    assert codebook.nearest(torch.tensor([[0.0, 1.0], [0.5, 0.0]])).tolist() == [0, 0]


def test_the_nearest_code_is_found_in_float32_whatever_the_autocast():
    codebook = Codebook(MotionVQVAEConfig(**TINY, codebook_dim=2))
    with torch.no_grad():
        codebook.codes.copy_(torch.stack((torch.linspace(1, 1.5, 16), torch.ones(16)), dim=1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert codebook.nearest(codebook.codes).tolist() == list(range(16))


def test_unit_codes_stay_on_the_sphere():
    model = tiny(unit_codes=True, codebook_dim=3).train()
    for _ in range(3):
        output = model(torch.randn(4, 8, 145))
    assert torch.allclose(model.codebook.codes.norm(dim=-1), torch.ones(16))
    assert torch.allclose(model.encode_latents(torch.randn(1, 8, 145)).norm(dim=-1), torch.ones(1, 8 * 36))
    output.loss.backward()
    assert all(parameter.grad is not None for parameter in model.encoder.parameters())


def test_evaluation_changes_nothing():
    codebook = Codebook(MotionVQVAEConfig(widths=[4, 4, 4, 4], codebook_size=8)).eval()
    with torch.no_grad():
        for tensor in (codebook.codes, codebook.sums, codebook.counts):
            tensor.normal_()
    before = {key: value.clone() for key, value in codebook.state_dict().items()}
    codebook(torch.randn(2, 5, 4))
    assert all(torch.equal(before[key], value) for key, value in codebook.state_dict().items())


@pytest.mark.parametrize("vectors", [100, 3])
def test_the_first_batch_places_the_codes(vectors):
    model = tiny(codebook_dim=4).train()
    model.codebook.decay = 1.0  # leaves them where they were placed
    latents = torch.randn(1, vectors, 4)
    model.codebook(latents)
    assert bool(model.codebook.initialized)
    assert model.codebook.codes.unique(dim=0).shape[0] == 16
    # Fewer vectors than codes: each is repeated with a little noise.
    nearest = (model.codebook.codes[:, None] - latents[0]).norm(dim=-1).amin(dim=1)
    assert nearest.max() < (1e-6 if vectors == 100 else 0.1)


def test_gradient_reaches_every_weight():
    model = tiny().train()
    model(torch.randn(2, 4, 145)).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.encoder.blocks[0][0].weight.grad.abs().sum() > 0


# The convolutions


@pytest.mark.parametrize(("prefix", "reverse"), [("fwd", False), ("rev", True)])
def test_residual_stack_golden(goldens, prefix, reverse):
    arrays = load(goldens, "resnet")
    stack = ResidualStack(8, MotionVQVAEConfig(), (3, 1), reverse)
    for number, unit in enumerate(stack):
        assert unit.conv1.dilation == (int(arrays[f"{prefix}_dilations"][number]),)
        unit.load_state_dict(
            {
                f"conv{position}.{kind}": arrays[f"{prefix}_unit{number}_conv{kernel}_{kind}"]
                for position, kernel in ((1, 3), (2, 1))
                for kind in ("weight", "bias")
            }
        )
    torch.testing.assert_close(stack(arrays[f"{prefix}_x"]), arrays[f"exp_{prefix}_y"], atol=1e-5, rtol=0)


def test_kernels_keep_the_length_exact():
    for stride in (1, 2, 3, 36):
        kernel, padding = kernel_and_padding(stride)
        assert kernel - 2 * padding == stride


@pytest.mark.parametrize("extra", [0, 2])  # steps that a kernel is longer than ours
@pytest.mark.parametrize("stride", [1, 2, 3, 36])
@torch.no_grad()
def test_a_strided_convolution_without_stride(stride, extra):
    kernel, padding = kernel_and_padding(stride)
    kernel, padding = kernel + extra, padding + extra // 2
    convolution = StridedConv(8, 6, kernel, stride=stride, padding=padding)
    hidden = torch.randn(2, 8, 5 * stride)
    expected = nn.Conv1d.forward(convolution, hidden)
    torch.testing.assert_close(convolution(hidden), expected)
    in_bfloat16 = convolution.bfloat16()(hidden.bfloat16()).float()
    assert (in_bfloat16 - expected).norm() < 0.02 * expected.norm()


def millions(**fields):
    """Parameters, the codebook among them."""
    with torch.device("meta"):
        model = MotionVQVAE(MotionVQVAEConfig(**fields))
    return sum(tensor.numel() for tensor in (*model.parameters(), model.codebook.codes)) / 1e6


FACTORS = {1: [1, 1, 1, 1], 8: [2, 2, 2, 1], 24: [2, 2, 2, 3], 36: [2, 2, 3, 3], 54: [2, 3, 3, 3]}


def test_parameter_counts():
    found = [round(millions(factors=factors), 2) for factors in FACTORS.values()]
    assert found == [110.09, 113.84, 119.08, 123.01, 126.94]


# The model


@pytest.mark.parametrize("frames", [1, 2, 17, 33])
def test_any_length(frames):
    model = tiny().eval()
    codes = model.encode(torch.randn(2, frames, 145))
    assert codes.shape == (2, frames, 36)
    assert codes.dtype == torch.int64
    assert 0 <= int(codes.min()) <= int(codes.max()) < 16
    assert model.decode(codes).shape == (2, frames, 145)


@pytest.mark.parametrize("factors", [[1, 1, 1, 1], [2, 2, 3, 3], [1, 1, 36]])
def test_every_layout_keeps_the_length(factors):
    model = tiny(factors=factors, widths=[8] * len(factors)).eval()
    codes = model.encode(torch.randn(1, 5, 145))
    assert codes.shape == (1, 5, model.config.codes_per_frame)
    assert model.decode(codes).shape == (1, 5, 145)


def test_a_frame_encoder_sees_one_frame_at_a_time():
    model = tiny(frame_encoder=True).eval()
    motion = torch.randn(1, 5, 145)
    motion_codes = model.encode(motion)
    changed = motion.clone()
    changed[:, 2] += 1
    assert (model.encode(changed) != motion_codes).any(dim=-1).tolist() == [[False, False, True, False, False]]
    alone = model.encode(torch.cat((motion[:, :1], motion[:, 3:4]), dim=1))  # behind another frame
    assert torch.equal(alone[:, 1], motion_codes[:, 3])


def test_a_new_stack_of_residual_units_changes_nothing():
    hidden = torch.randn(2, 8, 7)
    model = tiny(depth=2)
    assert torch.equal(model.encoder.blocks[0][1](hidden), hidden)


def test_decoding_the_codes_is_the_reconstruction():
    model = tiny().eval()
    output = model(torch.randn(2, 6, 145))
    torch.testing.assert_close(model.decode(output.motion_codes), output.reconstruction)


def test_with_and_without_experts():
    assert list(tiny().decoders) == ["body_pose", "betas", "global_orient", "transl"]
    alone = tiny(experts=False).eval()
    assert list(alone.decoders) == ["all"]
    assert alone(torch.randn(1, 3, 145)).reconstruction.shape == (1, 3, 145)


def test_clips_of_a_batch_do_not_touch():
    model = tiny().eval()
    motion = torch.randn(3, 5, 145)
    alone = torch.cat([model.encode(clip[None]) for clip in motion])
    assert torch.equal(model.encode(motion), alone)


def test_nothing_is_normalised_unless_it_is_asked_for():
    motion = torch.randn(2, 3, 145) * 5 + 1
    assert torch.equal(tiny().normalize(motion), motion)


def test_statistics_of_the_first_root_are_its_own():
    model = tiny()
    motion = torch.randn(200, 9, 145) * 0.3
    motion[:, 0, -3:] = motion[:, 0, -3:] * 2 + 4
    motion[..., 7] = 1.0  # a channel that never varies keeps its scale
    model.fit_statistics(motion)
    normal = model.normalize(motion)
    assert float(normal[:, 0, -3:].mean()) == pytest.approx(0, abs=1e-3)
    assert float(normal[:, 0, -3:].std()) == pytest.approx(1, abs=0.05)
    assert float(normal[:, 1:, -3:].std()) == pytest.approx(1, abs=0.05)
    assert torch.equal(normal[..., 7], torch.zeros_like(normal[..., 7]))
    torch.testing.assert_close(model.denormalize(normal), motion)
    assert not torch.equal(model.mean, tiny().mean)


def test_ordered_codes_keep_a_prefix_and_only_in_training():
    model = tiny(ordered_codes=1.0)
    kept = model._keep_prefix(torch.ones(64, 3 * 36, 8))[..., 0].unflatten(1, (3, 36))
    lengths = kept.sum(dim=-1)
    assert torch.equal(lengths[:, :1].expand(-1, 3), lengths)  # the same prefix in every frame of a clip
    assert torch.equal(kept, (torch.arange(36) < lengths[..., None]).float())
    assert lengths.min() >= 1
    assert lengths.max() <= 36
    torch.manual_seed(0)
    model.eval()
    motion = torch.randn(2, 4, 145)
    assert torch.equal(model(motion).reconstruction, model(motion).reconstruction)


# The loss


def test_loss_golden(goldens, expected):
    arrays = load(goldens, "loss")
    target, prediction = arrays["target"], arrays["pred"]
    terms = reconstruction_terms(prediction, target, expert_channels("6d"))
    for name in ("body_pose", "betas", "global_orient"):
        golden = sum(expected["loss"][name].values())
        assert float(terms[name]) == pytest.approx(golden, abs=1e-6)
    # The whole frame as one expert: the three figures over all channels.
    (alone,) = reconstruction_terms(prediction, target, {"all": 145}).values()
    assert float(alone) == pytest.approx(sum(expected["loss"][kind] for kind in ("rec", "vel", "acc")), abs=1e-6)
    # The golden adds plain differences for the root too; ours leaves frame 0 and the second difference out.
    root = (prediction - target)[..., -3:]
    golden = sum(root.diff(n=order, dim=1).abs().mean() for order in range(3))
    assert float(golden) == pytest.approx(sum(expected["loss"]["transl"].values()), abs=1e-6)
    others = sum(float(terms[name]) for name in ("body_pose", "betas", "global_orient"))
    assert others + float(golden) == pytest.approx(expected["loss"]["sum_over_four_experts"], abs=1e-5)


def test_the_root_is_a_velocity_already():
    channels = expert_channels("6d")
    target, prediction = torch.zeros(1, 4, 145), torch.zeros(1, 4, 145)
    prediction[0, :, -3] = torch.tensor([8.0, 1.0, 3.0, 3.0])
    # L1 over 4 x 3 numbers: 15 / 12. Difference between frames 1, 2, 3: (2 + 0) / 6; 8 to 1 does not count.
    assert float(reconstruction_terms(prediction, target, channels)["transl"]) == pytest.approx(15 / 12 + 2 / 6)


def test_velocity_and_acceleration_count_as_much_as_the_frames():
    channels = expert_channels("6d")
    target, prediction = torch.zeros(1, 4, 145), torch.zeros(1, 4, 145)
    prediction[0, :, 0] = prediction[0, :, -3] = torch.tensor([0.0, 1.0, 3.0, 0.0])
    terms = reconstruction_terms(prediction, target, channels)
    # Means over 4, 3 and 2 frames of 126 channels: 4, differences 1, 2, -3, and of those 1, -5.
    assert float(terms["body_pose"]) == pytest.approx((4 / 4 + 6 / 3 + 6 / 2) / 126)
    # The root is a velocity: its differences (2, -3; not across frame 0) are the acceleration.
    assert float(terms["transl"]) == pytest.approx((4 / 4 + 5 / 2) / 3)


def test_one_frame_has_a_loss():
    output = tiny().eval()(torch.randn(2, 1, 145))
    assert torch.isfinite(output.loss)


def test_the_loss_can_be_left_out():
    assert tiny().eval()(torch.randn(1, 2, 145), return_loss=False).loss is None


# Files and errors

LOADED = """
import sys, torch
from safetensors.torch import load_file
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
folder, data = sys.argv[1], load_file(sys.argv[1] + "/expected.safetensors")
model = MotionVQVAE.from_pretrained(folder).eval()
with torch.no_grad():
    assert torch.equal(model.encode(data["motion"]), data["codes"])
    assert torch.equal(model.decode(data["codes"]), data["reconstruction"])
print("equal")
"""


def test_saved_and_loaded_in_a_clean_process(tmp_path):
    model = tiny(codebook_dim=4).train()
    motion = torch.randn(2, 5, 145)
    model.fit_statistics(motion)
    model(motion)  # places the codes
    model.eval().save_pretrained(tmp_path)
    with torch.no_grad():
        codes = model.encode(motion)
        data = {"motion": motion, "codes": codes, "reconstruction": model.decode(codes).contiguous()}
    save_file(data, tmp_path / "expected.safetensors")
    loaded = MotionVQVAE.from_pretrained(tmp_path)
    state = loaded.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    result = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.stdout.strip().endswith("equal"), result.stderr


@pytest.mark.parametrize("shape", [(1, 0, 145), (1, 4, 144), (4, 145)])
def test_wrong_motion(shape):
    with pytest.raises(ValueError, match=r"`motion` has shape"):
        tiny().encode(torch.zeros(shape))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (torch.zeros(1, 3, 35, dtype=torch.long), r"has shape \(1, 3, 35\)"),
        (torch.zeros(1, 0, 36, dtype=torch.long), r"has shape \(1, 0, 36\)"),
        (torch.full((1, 1, 36), 16), r"holds 16 to 16; allowed is 0 to 15"),
        (torch.full((1, 1, 36), -1), r"holds -1"),
    ],
)
def test_wrong_codes(codes, message):
    with pytest.raises(ValueError, match=message):
        tiny().decode(codes)
