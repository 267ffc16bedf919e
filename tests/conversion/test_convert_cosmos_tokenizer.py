# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
import shutil
from pathlib import Path

import convert_cosmos_tokenizer
import pytest
import torch
from convert_cosmos_tokenizer import BUFFERS, convert, main, target_name
from cosmos_files import GOLDENS, golden_tokenizer_weights, names_in, write_torchscript
from cosmos_tokenizer_forward import CosmosTokenizer
from key_matching import match_keys
from safetensors.torch import load_file, save_file

from unimo_hf import VideoFSQ, VideoFSQConfig

GOLDEN = load_file(GOLDENS / "dv_io.safetensors")
CASES = ("case0", "case1", "case2")

pytestmark = pytest.mark.filterwarnings("ignore:.*is not byte for byte a file of Cosmos")


def tensors():
    return golden_tokenizer_weights("encoder") | golden_tokenizer_weights("decoder")


def write_halves(folder, **changes):
    """The tensors of `encoder.jit` and `decoder.jit`, some changed; saved in the other way, which is faster."""
    paths = []
    for half in ("encoder", "decoder"):
        weights = golden_tokenizer_weights(half)
        paths.append(folder / f"{half}.jit")
        torch.save({key: changes.get(key, weight) for key, weight in weights.items()}, paths[-1])
    return paths


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """`encoder.jit` and `decoder.jit` as TorchScript, as NVIDIA publishes them."""
    folder = tmp_path_factory.mktemp("cosmos")
    return [
        write_torchscript(folder / f"{half}.jit", golden_tokenizer_weights(half)) for half in ("encoder", "decoder")
    ]


@pytest.fixture(scope="module")
def converted(tmp_path_factory, published):
    """The golden tokenizer, converted by the command line."""
    output = tmp_path_factory.mktemp("unimo") / "deep" / "video_fsq"
    encoder, decoder = published
    main(["--encoder", str(encoder), "--decoder", str(decoder), "--output", str(output)])
    return output


@pytest.fixture(scope="module")
def model(converted):
    return VideoFSQ.from_pretrained(converted.parent, subfolder="video_fsq", dtype=torch.float32).eval()


# --- The result is Cosmos ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_it_gives_the_codes_and_the_videos_of_cosmos(model, case):
    assert torch.equal(model.encode(GOLDEN[f"{case}.video"]), GOLDEN[f"{case}.indices"].long())
    video = model.decode(GOLDEN[f"{case}.indices"])
    torch.testing.assert_close(video, GOLDEN[f"{case}.reconstruction"], atol=5e-4, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_the_other_side_of_the_self_check_is_cosmos(model, case):
    cosmos = CosmosTokenizer(tensors(), model.encoder.patcher3d)
    pre_quant, video = cosmos.encode(GOLDEN[f"{case}.video"]), cosmos.decode(GOLDEN[f"{case}.codes"])
    torch.testing.assert_close(pre_quant, GOLDEN[f"{case}.pre_quant"], atol=5e-5, rtol=1e-4)
    torch.testing.assert_close(video, GOLDEN[f"{case}.reconstruction"], atol=5e-4, rtol=1e-4)


def test_weights_are_kept_bit_for_bit(converted):
    assert names_in(converted) == ["config.json", "model.safetensors"]
    assert VideoFSQ.from_pretrained(converted).dtype == torch.bfloat16
    found = load_file(converted / "model.safetensors")
    for key, weight in tensors().items():
        if not BUFFERS.fullmatch(key):
            assert torch.equal(found.pop(target_name(key)), weight)
    assert not found


# --- Layouts -----------------------------------------------------------------------------------------------------


def same_as(folder, converted):
    expected, found = (load_file(path / "model.safetensors") for path in (converted, folder))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@pytest.mark.parametrize("layout", ["model.pt", "wrapped", "net.", "safetensors"])
def test_one_file_with_all_tensors(tmp_path, converted, layout):
    weights = {key: weight for key, weight in tensors().items() if not key.startswith("inv_quant")}
    path = tmp_path / "model.pt"
    if layout == "safetensors":
        path = tmp_path / "model.safetensors"
        save_file(weights, path)
    elif layout == "net.":
        torch.save({f"net.{key}": weight for key, weight in weights.items()}, path)
    else:
        torch.save({"model": weights} if layout == "wrapped" else weights, path)
    main(["--checkpoint", str(path), "--output", str(tmp_path / "out")])
    same_as(tmp_path / "out", converted)


def test_the_order_of_the_halves_does_not_matter(tmp_path, converted):
    encoder, decoder = write_halves(tmp_path)
    main(["--encoder", str(decoder), "--decoder", str(encoder), "--output", str(tmp_path / "out")])
    same_as(tmp_path / "out", converted)


def test_the_widest_type_is_written(tmp_path):
    key = "decoder.norm_out.norm.weight"
    convert(write_halves(tmp_path, **{key: tensors()[key].float() + 1e-4}), tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert {weight.dtype for weight in found.values()} == {torch.float32}
    assert VideoFSQ.from_pretrained(tmp_path / "out").dtype == torch.float32


@pytest.mark.parametrize(
    "options", [[], ["--encoder", "a"], ["--decoder", "a"], ["--encoder", "a", "--checkpoint", "b"]]
)
def test_the_command_line_takes_both_halves_or_one_file(tmp_path, capsys, options):
    with pytest.raises(SystemExit, match="2"):
        main([*options, "--output", str(tmp_path / "out")])
    assert "give --encoder and --decoder, or --checkpoint alone" in capsys.readouterr().err


# --- The real size -----------------------------------------------------------------------------------------------


def dv8x16x16_shapes() -> dict[str, tuple[int, ...]]:
    """The published tensors (sizes of the specification, key grammar of NVIDIA's files) without the buffers."""
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name, inputs, outputs, kernel):
        shapes[f"{name}.conv3d.weight"], shapes[f"{name}.conv3d.bias"] = (outputs, inputs, *kernel), (outputs,)

    def factorized(name, inputs, outputs):
        conv(f"{name}.0", inputs, outputs, (1, 3, 3))
        conv(f"{name}.1", outputs, outputs, (3, 1, 1))

    def norm(name, width):
        shapes[f"{name}.norm.weight"] = shapes[f"{name}.norm.bias"] = (width,)

    def block(name, inputs, outputs):
        for part, width in (("1", inputs), ("2", outputs)):
            norm(f"{name}.norm{part}", width)
            factorized(f"{name}.conv{part}", width, outputs)
        if inputs != outputs:
            conv(f"{name}.nin_shortcut", inputs, outputs, (1, 1, 1))

    def middle(name):
        block(f"{name}.block_1", 512, 512)
        block(f"{name}.block_2", 512, 512)
        for kind in range(2):
            norm(f"{name}.attn_1.{kind}.norm", 512)
            for part in ("q", "k", "v", "proj_out"):
                conv(f"{name}.attn_1.{kind}.{part}", 512, 512, (1, 1, 1))

    def ends(name, inputs, first, last, outputs):
        factorized(f"{name}.conv_in", inputs, first)
        norm(f"{name}.norm_out", last)
        factorized(f"{name}.conv_out", last, outputs)

    ends("encoder", 192, 128, 512, 16)
    for level, widths in enumerate([(128, 256, 256), (256, 512, 512), (512, 512, 512)]):
        for index in range(2):
            block(f"encoder.down.{level}.block.{index}", widths[index], widths[index + 1])
    middle("encoder.mid")
    conv("quant_conv", 16, 6, (1, 1, 1))
    conv("post_quant_conv", 6, 16, (1, 1, 1))
    ends("decoder", 16, 512, 256, 192)
    middle("decoder.mid")
    for level, widths in enumerate([(512, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512)]):
        for index in range(3):
            block(f"decoder.up.{level}.block.{index}", widths[index], widths[index + 1])
    # Space and time after level 0, space alone after level 1; the decoder undoes both, its numbers run backwards.
    steps = {"encoder.down.0.downsample": (256, "1", "2"), "encoder.down.1.downsample": (512, "1", None)}
    steps |= {"decoder.up.1.upsample": (512, "2", "1"), "decoder.up.2.upsample": (512, "2", None)}
    for name, (width, spatial, temporal) in steps.items():
        conv(f"{name}.conv{spatial}", width, width, (1, 3, 3))
        if temporal:
            conv(f"{name}.conv{temporal}", width, width, (3, 1, 1))
        conv(f"{name}.conv3", width, width, (1, 1, 1))
    return shapes


def test_every_key_and_shape_of_the_published_tokenizer_has_its_place():
    sources = dv8x16x16_shapes()
    with torch.device("meta"):
        model = VideoFSQ(VideoFSQConfig())
    matches = match_keys(sources, {name: weight.shape for name, weight in model.state_dict().items()}, target_name)
    assert len(matches) == len(sources)
    # Entries of the published files, less the buffers that they carry.
    halves = {"encoder": ("encoder", "quant_conv"), "decoder": ("decoder", "post_quant_conv")}
    counts = {half: sum(key.startswith(names) for key in sources) for half, names in halves.items()}
    assert counts == {"encoder": 148 - 6, "decoder": 181 - 5}
    numbers = dict.fromkeys(halves, 0)
    for half, names in halves.items():
        for key, shape in sources.items():
            if key.startswith(names):
                numbers[half] += torch.Size(shape).numel()
    assert [round(count / 1e6, 1) for count in numbers.values()] == [45.5, 65.4]


# --- Bad input ---------------------------------------------------------------------------------------------------


def refused(folder, *files) -> str:
    """What the command prints; it ends with code 1 and leaves nothing."""
    names = ["--checkpoint"] if len(files) == 1 else ["--encoder", "--decoder"]
    before = names_in(folder)
    arguments = [word for name, file in zip(names, files, strict=True) for word in (name, str(file))]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--output", str(folder / "deep" / "video_fsq")])
    assert names_in(folder) == before
    return str(ended.value.code)


@pytest.mark.parametrize("half", [0, 1])
def test_a_truncated_half(tmp_path, published, half):
    halves = [shutil.copy(path, tmp_path) for path in published]
    halves[half] = Path(halves[half])
    halves[half].write_bytes(halves[half].read_bytes()[:-1000])
    assert f"{halves[half]} can't be read as a checkpoint; it is truncated" in refused(tmp_path, *halves)


def test_the_continuous_tokenizer(tmp_path):
    encoder, _ = write_halves(tmp_path)
    decoder = tmp_path / "cv.safetensors"
    shutil.copyfile(GOLDENS / "cv_decoder.safetensors", decoder)
    message = refused(tmp_path, encoder, decoder)
    assert f"{decoder} is a continuous Cosmos tokenizer (CV)" in message
    assert "post_quant_conv.conv3d.weight has 16 latent channels, expected 6" in message
    encoder, decoder = write_halves(tmp_path, **{"quant_conv.conv3d.weight": torch.zeros(16, 16, 1, 1, 1)})
    assert f"{encoder} is a continuous Cosmos tokenizer (CV)" in refused(tmp_path, encoder, decoder)


def test_a_tokenizer_of_the_old_structure(tmp_path):
    old = {
        key.replace("decoder.up.1.upsample.conv1", "decoder.up.2.upsample.conv1"): w for key, w in tensors().items()
    }
    torch.save(old, tmp_path / "model.pt")
    message = refused(tmp_path, tmp_path / "model.pt")
    assert (
        "model.pt is a tokenizer of the old structure (0.1): it doubles time in decoder.up.2.upsample.conv1" in message
    )


def test_files_other_than_the_published_ones_are_named(tmp_path, monkeypatch):
    halves = write_halves(tmp_path)
    with pytest.warns(UserWarning, match=r"encoder\.jit \(MD5 [0-9a-f]{32}\) is not byte for byte .*Cosmos-0\.1"):
        convert(halves, tmp_path / "out")
    digests = {convert_cosmos_tokenizer.md5_of(half) for half in halves}
    monkeypatch.setattr(convert_cosmos_tokenizer, "PUBLISHED", digests)
    monkeypatch.setattr(convert_cosmos_tokenizer.warnings, "warn", lambda *args, **kwargs: pytest.fail(str(args)))
    convert(halves, tmp_path / "again")


def test_half_of_it(tmp_path):
    encoder, decoder = write_halves(tmp_path)
    message = refused(tmp_path, encoder)
    assert "0 keys of the checkpoint that nothing uses" in message
    assert "176 weights of the model that nothing fills:\n" in message
    assert "\n  decoder.conv_in.0.weight" in message
    assert f"{decoder} hold no encoder.conv_in.0.conv3d.weight" in refused(tmp_path, decoder)


def test_a_key_in_both_files(tmp_path):
    encoder, _ = write_halves(tmp_path)
    autoencoder = tmp_path / "autoencoder.pt"
    torch.save(tensors(), autoencoder)
    assert f"{encoder} and {autoencoder} both hold encoder." in refused(tmp_path, encoder, autoencoder)


def test_keys_and_shapes_that_do_not_match_are_listed(tmp_path):
    weights = tensors() | {"decoder.extra.weight": torch.zeros(3), "quant_conv.conv3d.bias": torch.zeros(7)}
    del weights["encoder.norm_out.norm.bias"]
    torch.save(weights, tmp_path / "model.pt")
    message = refused(tmp_path, tmp_path / "model.pt")
    assert "1 keys of the checkpoint that nothing uses:\n  decoder.extra.weight" in message
    assert "1 weights of the model that nothing fills:\n  encoder.norm_out.bias" in message
    assert "1 shapes that differ:\n  quant_conv.conv3d.bias: found [7], expected [6]" in message


@pytest.mark.parametrize("key", ["quantizer._levels", "inv_quant.quantizer._basis", "quantizer.implicit_codebook"])
def test_another_quantiser(tmp_path, key):
    codebook = VideoFSQ(VideoFSQConfig(channels=1)).quantizer.indices_to_codes(torch.arange(64000).view(1, -1, 1, 1))
    weights = tensors() | {"quantizer.implicit_codebook": codebook[0, :, :, 0, 0].T.contiguous()}
    torch.save(weights, tmp_path / "model.pt")
    convert([tmp_path / "model.pt"], tmp_path / "good")
    weights[key][3] = 2
    torch.save(weights, tmp_path / "model.pt")
    message = refused(tmp_path, tmp_path / "model.pt")
    assert f"{tmp_path / 'model.pt'}: {key} is not the table of levels [8, 8, 8, 5, 5, 5]" in message


def test_weights_that_are_no_numbers(tmp_path):
    key = "decoder.mid.attn_1.1.q.conv3d.weight"
    weights = tensors()
    weights[key][0] = float("nan")
    encoder, decoder = write_halves(tmp_path, **{key: weights[key]})
    assert f"{decoder}: {key} holds 32 numbers that are NaN or infinite" in refused(tmp_path, encoder, decoder)


def test_an_output_that_exists(tmp_path):
    halves = write_halves(tmp_path)
    (tmp_path / "deep" / "video_fsq").mkdir(parents=True)
    assert "exists already" in refused(tmp_path, *halves)


def test_a_mistake_in_the_names_is_found_by_the_self_check(tmp_path, monkeypatch):
    def swapped(key):
        for one, other in ((".q.", ".k."), (".k.", ".q.")):
            if one in key:
                return target_name(key.replace(one, other))
        return target_name(key)

    monkeypatch.setattr(convert_cosmos_tokenizer, "target_name", swapped)
    halves = write_halves(tmp_path)
    with pytest.raises(RuntimeError, match="differs from the checkpoint"):
        convert(halves, tmp_path / "out")
    assert names_in(tmp_path) == ["decoder.jit", "encoder.jit"]


def test_the_configuration_says_what_it_is(converted):
    config = json.loads((converted / "config.json").read_text())
    assert (config["model_type"], config["channels"], config["levels"]) == ("unimo_video_fsq", 8, [8, 8, 8, 5, 5, 5])
