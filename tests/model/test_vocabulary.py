# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unimo_hf.model.vocabulary import MOTION, SPECIAL, VISUAL, Vocabulary


def test_sizes_of_the_paper():
    vocabulary = Vocabulary()
    assert (vocabulary.motion_offset, vocabulary.special_offset, vocabulary.size) == (64000, 64512, 64576)
    specials = (vocabulary.v2m_id, vocabulary.i2vm_id, vocabulary.start_of_target_id, vocabulary.pad_id)
    assert specials == (64512, 64513, 64514, 64515)


def test_every_id_has_one_modality():
    vocabulary = Vocabulary(20, 10, 6)
    modality = vocabulary.modality(torch.arange(vocabulary.size))
    assert modality.tolist() == [VISUAL] * 20 + [MOTION] * 10 + [SPECIAL] * 6
    for name in (VISUAL, MOTION, SPECIAL):
        first, end = vocabulary.id_range(name)
        assert (modality[first:end] == name).all()
        assert (modality == name).sum() == end - first


@given(st.integers(1, 300), st.integers(1, 300), st.integers(5, 20))
def test_codes_and_ids_are_each_others_inverse(visual_size, motion_size, num_special):
    vocabulary = Vocabulary(visual_size, motion_size, num_special)
    visual, motion = torch.arange(visual_size), torch.arange(motion_size)
    assert torch.equal(vocabulary.ids_to_visual(vocabulary.visual_to_ids(visual)), visual)
    assert torch.equal(vocabulary.ids_to_motion(vocabulary.motion_to_ids(motion)), motion)
    assert torch.equal(vocabulary.visual_to_ids(visual), visual)


def test_shapes_are_kept_and_small_types_are_taken():
    codes = torch.zeros(2, 3, 4, dtype=torch.int16)
    ids = Vocabulary().motion_to_ids(codes)
    assert ids.shape == codes.shape
    assert ids.dtype == torch.int64


@pytest.mark.parametrize("codes", [[-1], [512]])
def test_a_code_outside_the_codebook_is_refused(codes):
    with pytest.raises(ValueError, match=r"`motion_codes` must lie in \[0, 512\)"):
        Vocabulary().motion_to_ids(torch.tensor(codes))


def test_codes_are_integers():
    with pytest.raises(TypeError, match="integers"):
        Vocabulary().visual_to_ids(torch.zeros(3))


@pytest.mark.parametrize("sizes", [(0, 512, 64), (64000, 0, 64), (64000, 512, 4)])
def test_a_vocabulary_without_room_is_refused(sizes):
    with pytest.raises(ValueError, match="must be at least"):
        Vocabulary(*sizes)


def test_special_names_are_unique():
    names = Vocabulary().special_names()
    assert names[:5] == ["[T1]", "[T2]", "[STG]", "<pad>", "<unk>"]
    assert len(set(names)) == 64
