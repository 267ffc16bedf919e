# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unimo_hf.model.vocabulary import Vocabulary

PAPER = Vocabulary({"visual": 64000, "motion": 512})
SMALL = Vocabulary({"visual": 20, "motion": 10, "sound": 7, "text": 3}, num_special=6)


def test_sizes_of_the_paper():
    assert PAPER.ranges == {"visual": (0, 64000), "motion": (64000, 64512)}
    assert (PAPER.special_offset, PAPER.size) == (64512, 64576)
    specials = [PAPER.special_id(name) for name in ("[T1]", "[T2]", "[STG]", "<pad>", "<unk>")]
    assert specials == [64512, 64513, 64514, 64515, 64516]


def test_what_came_later_stands_behind_the_special_rows():
    assert SMALL.ranges == {"visual": (0, 20), "motion": (20, 30), "sound": (36, 43), "text": (43, 46)}
    assert SMALL.size == 46
    before = Vocabulary({"visual": 20, "motion": 10}, num_special=6)
    assert SMALL.names()[: before.size] == before.names()
    assert SMALL.names()[36] == "<sound:0>"


def test_every_id_has_one_modality():
    modality = SMALL.modality(torch.arange(SMALL.size))
    assert modality.tolist() == [1] * 20 + [2] * 10 + [0] * 6 + [3] * 7 + [4] * 3


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(5, 20))
def test_codes_and_ids_are_each_others_inverse(sizes, num_special):
    vocabulary = Vocabulary({f"m{place}": size for place, size in enumerate(sizes)}, num_special)
    seen = []
    for number, (name, size) in enumerate(vocabulary.sizes.items(), start=1):
        ids = vocabulary.to_ids(name, torch.arange(size))
        assert torch.equal(vocabulary.to_codes(name, ids), torch.arange(size))
        assert (vocabulary.modality(ids) == number).all()
        seen += ids.tolist()
    specials = [vocabulary.special_id(name) for name in vocabulary.special_names()]
    assert sorted(seen + specials) == list(range(vocabulary.size))


def test_shapes_are_kept_and_small_types_are_taken():
    codes = torch.zeros(2, 3, 4, dtype=torch.int16)
    ids = PAPER.to_ids("motion", codes)
    assert ids.shape == codes.shape
    assert ids.dtype == torch.int64


@pytest.mark.parametrize("codes", [[-1], [512]])
def test_a_code_outside_the_codebook_is_refused(codes):
    with pytest.raises(ValueError, match=r"motion codes must lie in \[0, 512\)"):
        PAPER.to_ids("motion", torch.tensor(codes))


def test_codes_are_integers():
    with pytest.raises(TypeError, match="integers"):
        PAPER.to_ids("visual", torch.zeros(3))


@pytest.mark.parametrize(("sizes", "num_special"), [((0, 512), 64), ((64000, 0), 64), ((64000, 512), 4)])
def test_a_vocabulary_without_room_is_refused(sizes, num_special):
    with pytest.raises(ValueError, match="must be at least"):
        Vocabulary(dict(zip(("visual", "motion"), sizes, strict=True)), num_special)


def test_special_names_are_unique():
    names = PAPER.special_names()
    assert names[:7] == ["[T1]", "[T2]", "[STG]", "<pad>", "<unk>", "[T3]", "[T4]"]
    assert len(set(names)) == 64
    with pytest.raises(ValueError, match=r"no special token '\[T99\]'"):
        PAPER.special_id("[T99]")
