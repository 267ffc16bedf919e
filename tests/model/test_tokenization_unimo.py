# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from transformers import TokenizersBackend

from unimo_hf.model.tokenization_unimo import UniMoTokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return UniMoTokenizer([("visual", 20), ("motion", 10)], 6)


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


def test_ids_have_the_names_of_their_codes(tokenizer):
    assert tokenizer.decode(tokenizer.vocabulary.to_ids("motion", torch.tensor([5]))) == "<m:5>"
    later = UniMoTokenizer([("visual", 20), ("motion", 10), ("sound", 4)], 6)
    assert later("<m:5> [T3] <sound:2>").input_ids == [25, 35, 38]


def test_what_version_0_1_saved_is_read(tokenizer, tmp_path):
    former = UniMoTokenizer(visual_vocab_size=20, motion_vocab_size=10, num_special_tokens=6)
    assert former.vocabulary == tokenizer.vocabulary


def test_saved_and_loaded_with_and_without_this_package(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    text = "[T1] <v:5> [STG] <m:4>"
    loaded = UniMoTokenizer.from_pretrained(tmp_path)
    assert loaded.vocabulary == tokenizer.vocabulary
    assert list(loaded.vocabulary.sizes) == ["visual", "motion"]
    assert loaded(text).input_ids == tokenizer(text).input_ids
    general = TokenizersBackend.from_pretrained(tmp_path)
    assert general(text).input_ids == tokenizer(text).input_ids
    assert (tmp_path / "tokenizer_config.json").stat().st_size < 2000
