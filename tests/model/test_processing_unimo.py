# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
import torch
from unimo_cases import random_sequences, tiny_config

from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tokenization_unimo import UniMoTokenizer

SIZES = [("visual", 20), ("motion", 10)]


@pytest.fixture(scope="module")
def processor():
    return UniMoProcessor(UniMoTokenizer(SIZES, 6), size=32, frames=17, fps=15.0, codes_per_frame=4)


def frames(count=5, height=20, width=40):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_the_table_is_that_of_the_model(processor):
    assert processor.table == tiny_config().table
    paper = UniMoProcessor(UniMoTokenizer())
    assert (len(paper.lay_out("v2m")), paper.table["visual"].grid, paper.table["motion"].grid) == (
        11_558,
        (32, 32),
        (6, 6),
    )
    assert len(processor.lay_out("v2m")) == 82
    assert len(processor.lay_out("v2m", frames=9)) == 2 + 2 * 4 + 9 * 4


def test_a_clip_is_fitted_and_filled_with_its_last_frame(processor):
    clip = processor.prepare_video(frames())
    assert clip.pixel_values.shape == (1, 3, 17, 32, 32)
    assert clip.pixel_values.dtype == torch.float32
    assert clip.pixel_values.abs().max() <= 1
    assert clip.num_frames == 5
    assert (clip.pixel_values[:, :, 4:] == clip.pixel_values[:, :, 4:5]).all()
    # Wide pictures get black bars above and below.
    assert (clip.pixel_values[..., :8, :] == -1).all()
    assert (clip.pixel_values[..., 24:, :] == -1).all()


def test_a_clip_is_cut(processor):
    clip = processor.prepare_video(torch.from_numpy(frames(30)))
    assert clip.num_frames == clip.pixel_values.shape[2] == 17
    assert processor.prepare_video(frames(30), num_frames=9).pixel_values.shape[2] == 9


def test_frames_of_the_models_size_come_back_exactly(processor):
    source = frames(17, 32, 32)
    clip = processor.prepare_video(source)
    assert np.array_equal(processor.to_frames(clip.pixel_values[0]).numpy(), source)


def test_padding_comes_off_and_points_find_their_place(processor):
    source = np.zeros((1, 40, 60, 3), dtype=np.uint8)
    source[:, 10:20, 30:45] = 255
    clip = processor.prepare_image(source[0])
    assert clip.pixel_values.shape == (1, 3, 1, 32, 32)
    assert processor.to_frames(clip.pixel_values[0], clip.geometry).shape == (1, 21, 32, 3)
    bright = (clip.pixel_values[0, 0, 0] > 0).nonzero().float()
    centre = clip.geometry.inverse_points(bright.mean(0).flip(0) + 0.5)
    torch.testing.assert_close(centre, torch.tensor([37.5, 15.0]), atol=1.0, rtol=0)


def test_a_call_takes_lists_of_any_size(processor):
    batch = processor(videos=[frames(3), frames(20, 64, 16)])
    assert batch["pixel_values"].shape == (2, 3, 17, 32, 32)
    assert batch["num_frames"] == [3, 17]
    assert [geometry.height for geometry in batch["geometry"]] == [20, 64]
    assert processor(images=frames(1)[0])["pixel_values"].shape == (1, 3, 1, 32, 32)
    assert processor(videos=frames())["pixel_values"].shape == (1, 3, 17, 32, 32)


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_sequences_go_there_and_back(processor, task):
    codes = {"visual": torch.randint(0, 20, (2, 3, 2, 2)), "motion": torch.randint(0, 10, (2, 17, 4))}
    whole = processor.build_sequence(task, codes)
    ids, sequence = whole["input_ids"], whole["sequence"]
    start = sequence.condition_length
    assert torch.equal(processor.tokenizer.vocabulary.modality(ids), sequence.modality.expand(2, -1))
    condition = processor(visual_codes=codes["visual"], task=task)
    assert torch.equal(ids[:, :start], condition["input_ids"])
    assert condition["attention_mask"].all()
    assert len(condition["sequence"]) == len(sequence)
    assert (whole["labels"][:, :start] == -100).all()
    assert torch.equal(whole["labels"][:, start:], ids[:, start:])
    assert not sequence.is_target[:, :start].any()
    assert sequence.is_target[:, start:].all()
    back = processor.post_process(ids, sequence)
    assert torch.equal(back["visual"], codes["visual"])
    assert torch.equal(back["motion"].flatten(2), codes["motion"])
    target = processor.post_process(ids[:, start:], sequence)
    assert torch.equal(target["motion"], back["motion"])
    assert "visual" not in target if task == "v2m" else torch.equal(target["visual"], codes["visual"][:, 1:])


@pytest.mark.parametrize("interleaving", ["aligned", "blocked"])
def test_other_interleavings_go_there_and_back(interleaving):
    processor = UniMoProcessor(UniMoTokenizer(SIZES, 6), 32, 17, codes_per_frame=4, interleaving=interleaving)
    codes = {"visual": torch.randint(0, 20, (1, 3, 2, 2)), "motion": torch.randint(0, 10, (1, 17, 2, 2))}
    whole = processor.build_sequence("i2vm", codes)
    back = processor.post_process(whole["input_ids"], whole["sequence"])
    assert all(torch.equal(back[name], codes[name]) for name in codes)


def test_a_sequence_of_the_model_is_a_sequence_of_the_processor(processor):
    ids, sequence = random_sequences(tiny_config(), "i2vm")
    codes = processor.post_process(ids, sequence)
    assert torch.equal(processor.build_sequence("i2vm", codes)["input_ids"], ids)


def test_saved_and_loaded_it_is_the_same(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    loaded = UniMoProcessor.from_pretrained(tmp_path)
    assert (loaded.size, loaded.frames, loaded.fps, loaded.interleaving) == (32, 17, 15.0, "eq2")
    assert loaded.table == processor.table
    assert loaded.tokenizer.vocabulary == processor.tokenizer.vocabulary


def test_bad_input_is_refused(processor):
    visual, motion = torch.zeros(1, 3, 2, 2, dtype=torch.long), torch.zeros(1, 17, 4, dtype=torch.long)
    ids = processor.tokenizer.vocabulary.to_ids("motion", motion.flatten(1))
    cases = [
        (lambda: processor.prepare_video(frames().astype(np.float32)), "uint8"),
        (lambda: processor.prepare_video(frames()[..., :1]), "height, width, 3"),
        (lambda: processor.prepare_video(frames(0)), "must not be empty"),
        (lambda: processor.prepare_video(frames(), num_frames=10), "1 \\+ 8 k"),
        (lambda: processor.prepare_image(frames()), "A picture must have"),
        (lambda: processor(), "Give `videos`"),
        (lambda: processor(visual_codes=visual), "need a `task`"),
        (lambda: processor.build_condition("v2m", {"visual": visual[0, 0]}), "batch, ticks"),
        (lambda: processor.build_condition("v2m", {"visual": visual[..., :1]}), "codes of a tick must be 4"),
        (lambda: processor.build_condition("t2m", {"visual": visual}), "`task` must be one of"),
        (lambda: processor.build_condition("v2m", {"visual": visual + 20}), "must lie in"),
        (lambda: processor.build_condition("v2m", {}), "needs the codes of 'visual'; found \\[\\]"),
        (
            lambda: processor.build_condition("v2m", {"visual": visual, "sound": visual}),
            "takes no codes of \\['sound'\\]",
        ),
        (
            lambda: processor.build_sequence("v2m", {"visual": visual, "motion": motion[:, 1:]}),
            "16 ticks; this clip needs 17",
        ),
        (lambda: processor.post_process(ids[:, :3], processor.lay_out("v2m")), "no multiple of 4"),
        (lambda: UniMoProcessor(processor.tokenizer, size=30), "`size`"),
        (lambda: UniMoProcessor(processor.tokenizer, frames=16), "`frames`"),
        (lambda: UniMoProcessor(processor.tokenizer, fps=0), "`fps`"),
        (lambda: UniMoProcessor(processor.tokenizer, interleaving="mixed"), "`interleaving`"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()


def test_a_call_takes_no_option_that_would_do_nothing(processor):
    assert processor(videos=frames(), return_tensors="pt")["pixel_values"].shape == (1, 3, 17, 32, 32)
    with pytest.raises(ValueError, match="`return_tensors` must be 'pt'"):
        processor(videos=frames(), return_tensors="np")
    with pytest.raises(TypeError, match=r"has no options \['fps', 'size'\]; it has `return_tensors`"):
        processor(videos=frames(), size=64, fps=30)
