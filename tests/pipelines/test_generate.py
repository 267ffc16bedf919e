# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""One door for every task: values of any modality in, values out, and what is refused."""

import re

import numpy as np
import pytest
import torch

from unimo_hf import Motion, UniMoConfig, UniMoForConditionalGeneration, UniMoPipeline, UniMoProcessor
from unimo_hf.model import tasks
from unimo_hf.model.modalities import Modality, ModalityTokenizer
from unimo_hf.model.tasks import Segment, Task
from unimo_hf.model.tokenization_unimo import UniMoTokenizer
from unimo_hf.video.reading import Video

FRAMES, SPECIALS = 9, 16
WORDS = {"name": "words", "size": 12, "grid": [1, 1], "frames": 0}


class SoundTokenizer(ModalityTokenizer):
    """Every four frames have two numbers, 0 to 15."""

    modality = Modality("sound", size=16, grid=(1, 2), frames=4)

    def encode(self, data):
        return data.round().long().clamp(0, 15)

    def decode(self, codes):
        return codes.flatten(2).float()


class WordTokenizer(ModalityTokenizer):
    modality = Modality(**WORDS)

    def encode(self, data):
        return data

    def decode(self, codes):
        return codes


@pytest.fixture
def unimo(micro_checkpoint, monkeypatch) -> UniMoPipeline:
    for task in (
        Task("sound to motion", "[T7]", condition=(Segment("sound"),), target=(Segment("motion"),)),
        Task("motion to sound", "[T8]", condition=(Segment("motion"),), target=(Segment("sound"),)),
        Task("motion to words", "[T9]", condition=(Segment("motion"),), target=(Segment("words"),)),
        Task("fill", "[T10]", (Segment("motion", stop=1), Segment("motion", start=8)), (Segment("motion", 1, 8),)),
        Task("m2v", "[T11]", (Segment("visual", stop=1), Segment("motion")), (Segment("visual", start=1),)),
        Task("two people", "[T12]", (Segment("motion"), Segment("motion", stream=1)), (Segment("sound"),)),
        Task("smell", "[T13]", (Segment("smell"),), (Segment("motion"),)),
        Task("of pictures", "[T14]", (Segment("visual"),), (Segment("sound"),)),
    ):
        monkeypatch.setitem(tasks.TASKS, task.name, task)
    plain = UniMoPipeline.from_pretrained(micro_checkpoint)
    derived = ("vocab_size", "pad_token_id", "max_position_embeddings")
    settings = {name: value for name, value in plain.model.config.to_dict().items() if name not in derived}
    sound = {"name": "sound", "size": 16, "grid": [1, 2], "frames": 4}
    settings |= {"modalities": [*plain.model.config.modalities, sound, WORDS], "streams": 2, "initializer_range": 0.5}
    config = UniMoConfig(**settings | {"num_special_tokens": SPECIALS, "rope_parameters": None})
    torch.manual_seed(0)
    tokenizer = UniMoTokenizer(list(config.vocabulary.sizes.items()), SPECIALS)
    processor = UniMoProcessor(tokenizer, size=32, frames=FRAMES, fps=15.0, modalities=config.modalities)
    model = UniMoForConditionalGeneration(config)
    unimo = UniMoPipeline(model, plain.motion_vqvae, plain.video_fsq, processor)
    unimo.tokenizers |= {"sound": SoundTokenizer(), "words": WordTokenizer()}
    return unimo


def video(frames: int = FRAMES) -> Video:
    return Video(np.random.default_rng(0).integers(0, 256, (frames, 40, 24, 3), np.uint8), 15.0)


def same(one: Motion, other: Motion) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("transl", "body_pose", "betas"))


def test_the_named_calls_are_short_forms_of_it(micro_checkpoint):
    unimo = UniMoPipeline.from_pretrained(micro_checkpoint)
    long, picture = video(16), video(1).frames[0]
    assert same(unimo.generate("v2m", video=long), unimo.video_to_motion(long))
    made, motion = unimo.generate("i2vm", image=picture, seed=0)
    again, same_motion = unimo.image_to_video_and_motion(picture, seed=0)
    assert np.array_equal(made.frames, again.frames)
    assert same(motion, same_motion)
    assert motion.provenance == same_motion.provenance
    # The task takes the first frame of whatever shows it, and a picture is a video of one frame.
    assert np.array_equal(unimo.generate("i2vm", video=Video(picture[None], 15.0), seed=0)[0].frames, made.frames)
    assert len(unimo.generate("v2m", image=picture)) == 1


def test_a_modality_that_nobody_has_thought_of_goes_in_and_comes_out(unimo, tmp_path):
    sound = torch.arange(6).float().view(3, 2)
    motion = unimo.generate("sound to motion", sound=sound, seed=1)
    assert (len(motion), motion.fps, motion.coordinates) == (FRAMES, 15.0, "camera")
    assert (motion.provenance.kind, motion.provenance.task) == ("generated", "sound to motion")
    assert not same(motion, unimo.generate("sound to motion", sound=15 - sound, seed=1))
    motion.save(tmp_path / "motion.npz")
    heard = unimo.generate("motion to sound", motion=tmp_path / "motion.npz", seed=1)
    assert heard.shape == (3, 2)
    assert torch.equal(heard, unimo.generate("motion to sound", motion=motion, seed=1))
    assert unimo.generate("two people", motion=motion, motion_1=motion[:FRAMES], seed=1).shape == (3, 2)
    words = unimo.generate("motion to words", motion=motion, seed=1)
    assert words.ndim == 1
    assert (words >= 0).all()


def test_what_the_condition_holds_of_a_clip_stands_in_its_place(unimo):
    """Frames 0 and 8 are given: they come back as frames 0 and 8, and not as the first two."""
    given = unimo.generate("sound to motion", sound=torch.zeros(3, 2), seed=0)
    read = torch.randint(unimo.processor.table["motion"].size, (1, FRAMES, 6, 6))
    whole = unimo.generate_codes("fill", {"motion": read}, seed=0)["motion"]
    assert whole.shape == read.shape
    assert torch.equal(whole[:, [0, 8]], read[:, [0, 8]])
    assert not torch.equal(whole[:, 1:8], read[:, 1:8])
    assert len(unimo.generate("fill", motion=given)) == FRAMES
    made = unimo.generate("m2v", image=video(1).frames[0], motion=given, seed=0)
    assert made.frames.shape == (FRAMES, 32, 19, 3)


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        ("v2x", {}, "`task` must be one of ['fill', 'i2vm'"),
        ("v2m", {}, "The task 'v2m' needs one of ['video', 'image']; none is given."),
        ("v2m", {"video": None}, "needs one of ['video', 'image']; none is given."),
        ("i2vm", {"video": 1, "image": 2}, "needs one of ['video', 'image']; all of these are given."),
        ("sound to motion", {"sound": torch.zeros(3, 2), "sed": 1}, "takes no ['sed']; it takes ['sound']."),
        ("two people", {"motion": 1}, "needs one of ['motion_1']; none is given."),
        ("smell", {"smell": 1}, "The task 'smell' needs the modality 'smell'; the model has ['visual', 'motion',"),
        ("sound to motion", {"sound": [1]}, "`sound` is a list; a tensor that its tokenizer encodes is needed."),
        ("of pictures", {"video": video(10)}, "`video` has more than 9 frames at 15 fps; this task takes one clip"),
        ("sound to motion", {"sound": torch.zeros(3, 2), "top_p": 2}, "`top_p` is 2"),
        ("i2vm", {"image": 1, "video_decoder": "gpt"}, "`video_decoder` is 'gpt'"),
    ],
)
def test_what_is_refused(unimo, task, given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        unimo.generate(task, **given)


def test_a_modality_without_a_tokenizer(unimo):
    del unimo.tokenizers["sound"]
    with pytest.raises(ValueError, match=r"needs a tokenizer of the modality 'sound'; `tokenizers` holds those of \["):
        unimo.generate("sound to motion", sound=torch.zeros(3, 2))


def test_a_motion_that_is_no_clip_of_the_model(unimo):
    motion = unimo.generate("sound to motion", sound=torch.zeros(3, 2))
    with pytest.raises(ValueError, match="`motion` has 18 frames at 15 fps; a clip has 9"):
        unimo.generate("motion to sound", motion=Motion.concatenate([motion, motion]))
    world = Motion(motion.body_pose, motion.global_orient, motion.transl, motion.betas, 15.0, "world", "y")
    with pytest.raises(ValueError, match="`motion` is in 'world' coordinates; the model's are 'camera'"):
        unimo.generate("motion to sound", motion=world)
