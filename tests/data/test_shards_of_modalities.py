# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Shards of modalities that nobody has thought of: a class of its own each, and nothing else changes."""

import json
import re

import pyarrow.parquet
import pytest
import torch
from torch.utils.data import DataLoader

from unimo_hf import MotionVQVAE, MotionVQVAEConfig
from unimo_hf.data.encoding import write_codes, write_shards
from unimo_hf.data.shards import METADATA, CodeShards, check_tokenizers, fingerprints
from unimo_hf.model.modalities import Modality, ModalityTokenizer, by_modality, plain_table
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tasks import Segment, Task
from unimo_hf.model.tokenization_unimo import UniMoTokenizer


class SoundTokenizer(ModalityTokenizer):
    """Loudness of both ears, `(B, ticks, 2)` in [0, 1), in 256 steps."""

    modality = Modality("sound", size=256, grid=(1, 2), frames=4)

    def encode(self, data):
        return (data * 256).long().unflatten(2, (1, 2))

    def decode(self, codes):
        return (codes.flatten(2) + 0.5) / 256


class LetterTokenizer(ModalityTokenizer):
    """Letters from `a` on as bytes, `(B, letters)`; spaces fill a row up."""

    modality = Modality("letters", size=26, grid=(1, 1), frames=0)

    def encode(self, data):
        return (data.long() - ord("a")).clamp_min(-1)


FRAMES = 9
PARAMETERS = {"body_pose": 63, "betas": 10, "global_orient": 3, "transl": 3}
WORDS = ("walk", "", "jump", "i")


@pytest.fixture(scope="module")
def tokenizers():
    torch.manual_seed(0)
    motion = MotionVQVAE(MotionVQVAEConfig(factors=[1, 4], widths=[8, 8], depth=1, codebook_size=16))
    return by_modality(motion.eval(), SoundTokenizer(), LetterTokenizer())


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(0)
    return [
        {
            "sound": torch.rand(3, 2, generator=generator),
            "letters": torch.tensor(list(word.ljust(5).encode()), dtype=torch.uint8),
            **{key: torch.randn(FRAMES, size, generator=generator) for key, size in PARAMETERS.items()},
        }
        for word in WORDS
    ]


@pytest.fixture(scope="module")
def processor(tokenizers):
    table = {name: tokenizer.modality for name, tokenizer in tokenizers.items()}
    sizes = [(name, kind.rows) for name, kind in table.items()]
    return UniMoProcessor(UniMoTokenizer(sizes), size=32, frames=FRAMES, modalities=plain_table(table))


def test_data_become_a_batch_of_sequences(tokenizers, clips, processor, tmp_path):
    assert list(write_shards(clips, tmp_path, tokenizers, batch_size=3)) == [3, 4]
    shards = CodeShards(tmp_path)
    check_tokenizers(shards, tokenizers)
    assert shards.shapes == {"motion": (FRAMES, 4), "sound": (3, 1, 2), "letters": (5,)}
    assert shards.metadata["tokenizers"].keys() == {"motion"}  # the others have no weights
    batch = next(iter(DataLoader(shards, batch_size=4)))
    heard = tokenizers["sound"].decode(batch["sound"])
    assert (heard - torch.stack([clip["sound"] for clip in clips])).abs().max() <= 0.5 / 256
    spelt = ["".join(chr(ord("a") + code) for code in row if code >= 0) for row in batch["letters"].tolist()]
    assert spelt == list(WORDS)

    task = Task("sound to motion", "[T7]", condition=(Segment("sound"),), target=(Segment("motion"),))
    whole = processor.build_sequence(task, {name: batch[name] for name in ("sound", "motion")})
    back = processor.post_process(whole["input_ids"], whole["sequence"])
    assert torch.equal(back["sound"], batch["sound"])
    assert torch.equal(back["motion"].flatten(2), batch["motion"])


def test_texts_of_different_lengths_end_where_they_end(tokenizers, clips, processor, tmp_path):
    list(write_shards(clips, tmp_path, tokenizers, batch_size=1))
    column = pyarrow.parquet.read_table(tmp_path / "shard_00000.parquet")["letters_codes"]
    assert [len(row) for row in column.to_pylist()] == [len(word) for word in WORDS]
    batch = next(iter(DataLoader(CodeShards(tmp_path), batch_size=4)))
    task = Task("caption", "[T8]", condition=(Segment("motion"),), target=(Segment("letters"),))
    whole = processor.build_sequence(task, {name: batch[name] for name in ("motion", "letters")})
    back = processor.post_process(whole["input_ids"], whole["sequence"])["letters"]
    assert torch.equal(back[:, :-1], batch["letters"])
    assert (back[:, -1] == -1).all()
    learned = (whole["labels"] != -100).sum(dim=1).tolist()
    assert learned == [len(word) + 1 for word in WORDS]  # the letters and one end


def test_codes_of_a_large_codebook(tmp_path):
    """Two bytes while they are enough, four where they are not."""
    for largest, kind in ((2**16 - 1, "uint16"), (2**16, "uint32")):
        folder = tmp_path / kind
        codes = torch.tensor([[[0, largest]], [[1, 2]]])
        list(write_codes([{"sound": codes}], folder, None))
        assert torch.equal(torch.stack([clip["sound"] for clip in CodeShards(folder)]), codes)
        schema = pyarrow.parquet.read_schema(folder / "shard_00000.parquet")
        assert str(schema.field("sound_codes").type.value_type) == kind


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([{"sound": torch.full((1, 3, 2), -1)}], "The sound codes hold -1 to 0; 0 to 2147483647 can be written"),
        ([{"letters": torch.full((1, 3), -2)}], "The letters codes hold -2 to 0"),
        ([{"sound": torch.full((1, 3, 2), 2**31)}], "The sound codes hold 0 to 2147483648"),
        ([{"sound": torch.zeros(1, 3, 2).long()}, {"sound": torch.zeros(1, 4, 2).long()}], "must be alike"),
        ([{"sound": torch.zeros(1, 3, 2).long()}, {"letters": torch.zeros(1, 4).long()}], "must be alike"),
    ],
)
def test_codes_that_cannot_be_written(tmp_path, batches, message):
    with pytest.raises(ValueError, match=message):
        list(write_codes(batches, tmp_path, None))
    assert not (tmp_path / METADATA).exists()


def test_clips_that_lack_a_modality(tokenizers, clips, tmp_path):
    silent = [{key: value for key, value in clip.items() if key != "sound"} for clip in clips]
    with pytest.raises(ValueError, match=r"Clips hold \['betas', .*\]; the tokenizer of 'sound' needs 'sound'"):
        list(write_shards(silent, tmp_path, tokenizers))
    list(write_shards(silent, tmp_path, {"motion": tokenizers["motion"]}))
    shards = CodeShards(tmp_path)
    check_tokenizers(shards, tokenizers)
    assert shards[0].keys() == {"motion"}


def test_shards_of_version_0_1_name_the_network(tokenizers, clips, tmp_path):
    motion = {"motion": tokenizers["motion"]}
    list(write_shards(clips, tmp_path, motion))
    metadata = json.loads((tmp_path / METADATA).read_text())
    for digest, fits in ((fingerprints(motion)["motion"], True), ("another", False)):
        (tmp_path / METADATA).write_text(json.dumps(metadata | {"tokenizers": {"motion_vqvae": digest}}))
        if fits:
            check_tokenizers(CodeShards(tmp_path), motion)
        else:
            with pytest.raises(ValueError, match="holds codes of another tokenizer of 'motion'"):
                check_tokenizers(CodeShards(tmp_path), motion)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"letters_shape": [3]}, "row 0 has 4 values of `letters_codes`; 0 to 3 are needed"),
        ({"letters_shape": [1]}, "4 rows and 10 values of `letters_codes`; a row has 0 to 1"),
        ({"letters_shape": [10**8]}, "row group 0 has 400000000 values; at most"),
        ({"letters_shape": [0]}, "letters_shape' holds 0"),
        ({"smells_shape": [2, 2]}, "`smells_codes` is needed"),
    ],
)
def test_damaged_shards_of_texts(tokenizers, clips, tmp_path, changes, message):
    list(write_shards(clips, tmp_path, {"letters": tokenizers["letters"]}))
    metadata = json.loads((tmp_path / METADATA).read_text())
    (tmp_path / METADATA).write_text(json.dumps(metadata | changes))
    with pytest.raises(ValueError, match=re.escape(message)):
        [CodeShards(tmp_path)[index] for index in range(4)]


def test_shapes_that_nobody_says(tokenizers, clips, tmp_path):
    list(write_shards(clips, tmp_path, {"letters": tokenizers["letters"]}))
    metadata = json.loads((tmp_path / METADATA).read_text())
    metadata["a b_shape"] = metadata.pop("letters_shape")
    (tmp_path / METADATA).write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="says the shape of no modality's codes"):
        CodeShards(tmp_path)


@pytest.mark.parametrize(("method", "arguments"), [("encode", [None]), ("decode", [None]), ("code_vectors", [])])
def test_what_a_tokenizer_lacks_is_said_to_who_asks_for_it(method, arguments):
    class OneWay(ModalityTokenizer):
        modality = SoundTokenizer.modality

    with pytest.raises(ValueError, match=f"OneWay, the tokenizer of 'sound', has no `{method}`"):
        getattr(OneWay(), method)(*arguments)
