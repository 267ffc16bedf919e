# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from transformers import TokenizersBackend

from unimo_hf.model.tokenization_unimo import UniMoTokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return UniMoTokenizer(20, 10, 6)


def test_names_and_ids_of_the_paper():
    tokenizer = UniMoTokenizer()
    assert len(tokenizer) == tokenizer.vocab_size == 64_576
    ids = tokenizer("[T1] <v:0> <v:63999> [STG] <m:0> <m:511> <pad>").input_ids
    assert ids == [64512, 0, 63999, 64514, 64000, 64511, 64515]
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id) == (64515, 64516)


def test_text_goes_there_and_back(tokenizer):
    text = "[T2] <v:3> <v:0> [STG] <v:7> <m:9>"
    ids = tokenizer(text).input_ids
    assert ids == [31, 3, 0, 32, 7, 29]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<v:3> <v:0> <v:7> <m:9>"
    assert tokenizer("<v:20> walk").input_ids == [tokenizer.unk_token_id] * 2


def test_padding_is_on_the_left(tokenizer):
    batch = tokenizer(["[T1] <v:1>", "<v:2>"], padding=True, return_tensors="pt")
    assert batch["input_ids"].tolist() == [[30, 1], [33, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1], [0, 1]]


def test_tensors_need_no_strings(tokenizer):
    visual, motion = torch.arange(8).view(2, 2, 2), torch.arange(6).view(2, 3)
    ids = torch.cat(
        [tokenizer.encode_visual(visual).flatten(), torch.tensor([32]), tokenizer.encode_motion(motion).flatten()]
    )
    assert tokenizer.decode(ids[-1:]) == "<m:5>"
    back = tokenizer.split(ids)
    assert torch.equal(back[0], visual.flatten())
    assert torch.equal(back[1], motion.flatten())
    with pytest.raises(ValueError, match="one sequence"):
        tokenizer.split(ids[None])


def test_saved_and_loaded_with_and_without_this_package(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    text = "[T1] <v:5> [STG] <m:4>"
    loaded = UniMoTokenizer.from_pretrained(tmp_path)
    assert loaded.vocabulary == tokenizer.vocabulary
    assert loaded(text).input_ids == tokenizer(text).input_ids
    general = TokenizersBackend.from_pretrained(tmp_path)
    assert general(text).input_ids == tokenizer(text).input_ids
    assert (tmp_path / "tokenizer_config.json").stat().st_size < 2000
