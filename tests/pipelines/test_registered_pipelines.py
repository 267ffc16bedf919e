# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Both tasks through `transformers.pipeline`."""

import shutil

import numpy as np
import pytest
from transformers import pipeline

from unimo_hf import UniMoForConditionalGeneration, UniMoPipeline
from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.checkpoint import resolve_checkpoint
from unimo_hf.pipelines.registered_pipelines import TASKS, register_pipelines
from unimo_hf.video.reading import Video
from unimo_hf.video.writing import write_video


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register_pipelines()


@pytest.fixture(scope="module")
def unimo(micro_checkpoint):
    return UniMoPipeline.from_pretrained(micro_checkpoint)


@pytest.fixture(scope="module")
def video_to_motion(micro_checkpoint):
    return pipeline("video-to-motion", model=str(micro_checkpoint), device="cpu")


@pytest.fixture(scope="module")
def image_to_video_and_motion(micro_checkpoint):
    return pipeline("image-to-video-and-motion", model=micro_checkpoint, device="cpu", do_sample=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    paths = [tmp_path_factory.mktemp("clips") / f"{number}.mp4" for number in range(3)]
    for number, path in enumerate(paths):
        frames = np.random.default_rng(number).integers(0, 256, (4 + number, 24, 32, 3), dtype=np.uint8)
        write_video(path, frames, fps=15.0)
    return [str(path) for path in paths]


def test_one_video(video_to_motion, unimo, clips):
    motion = video_to_motion(clips[0])
    assert isinstance(motion, Motion)
    np.testing.assert_array_equal(motion.transl, unimo.video_to_motion(clips[0]).transl)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_many_videos(video_to_motion, clips, batch_size):
    motions = video_to_motion(clips, batch_size=batch_size)
    assert [len(motion) for motion in motions] == [4, 5, 6]
    streamed = video_to_motion(path for path in clips)
    assert [len(motion) for motion in streamed] == [4, 5, 6]


def test_frames_in_memory(video_to_motion):
    video = Video(np.zeros((3, 20, 20, 3), np.uint8), 15.0)
    assert len(video_to_motion(video)) == 3
    assert [len(motion) for motion in video_to_motion([video, video])] == [3, 3]


def test_one_picture_and_many(image_to_video_and_motion, unimo):
    picture = np.random.default_rng(0).integers(0, 256, (20, 32, 3), dtype=np.uint8)
    video, motion = image_to_video_and_motion(picture, seed=4)
    assert isinstance(video, Video)
    assert isinstance(motion, Motion)
    expected, _ = unimo.image_to_video_and_motion(picture, do_sample=True, seed=4)
    np.testing.assert_array_equal(video.frames, expected.frames)
    for made, _ in image_to_video_and_motion([picture, picture], seed=4, batch_size=2):
        np.testing.assert_array_equal(made.frames, expected.frames)


def test_options_of_the_pipeline_and_of_the_call(video_to_motion, unimo, clips):
    options = {"do_sample": True, "top_p": 0.9, "temperature": 1.5, "seed": 7}
    expected = unimo.video_to_motion(clips[2], **options)
    np.testing.assert_array_equal(video_to_motion(clips[2], **options).body_pose, expected.body_pose)
    with pytest.raises(ValueError, match=r"has no options \['num_beams'\]; it has \['do_sample'"):
        video_to_motion(clips[0], num_beams=2)


def test_a_model_that_is_loaded_already(micro_checkpoint, clips):
    model = UniMoForConditionalGeneration.from_pretrained(micro_checkpoint)
    task = pipeline("video-to-motion", model=model, device="cpu")
    assert task.unimo.model is model
    assert len(task(clips[0])) == 4


def test_a_model_without_a_folder(micro_checkpoint):
    model = UniMoForConditionalGeneration(UniMoForConditionalGeneration.from_pretrained(micro_checkpoint).config)
    model.name_or_path = model.config._name_or_path = ""
    with pytest.raises(ValueError, match="does not say where its tokenizers lie"):
        pipeline("video-to-motion", model=model, device="cpu")


def test_a_folder_without_tokenizers(micro_checkpoint, tmp_path):
    folder = shutil.copytree(micro_checkpoint, tmp_path / "half")
    shutil.rmtree(folder / "video_fsq")
    with pytest.raises(ValueError, match=r"video_fsq/config\.json is missing"):
        pipeline("video-to-motion", model=str(folder), device="cpu")


def test_without_a_model_it_is_the_one_that_ships(tmp_path):
    task = pipeline("video-to-motion", device="cpu")
    assert task.unimo.folder == resolve_checkpoint("unimo-tiny")
    assert len(task(Video(np.zeros((3, 20, 20, 3), np.uint8), 15.0))) == 3
    task.save_pretrained(str(tmp_path))
    assert str(task.unimo.folder) not in (tmp_path / "config.json").read_text()


def test_registering_again_changes_nothing(caplog):
    register_pipelines()
    assert not caplog.records
    assert set(TASKS) == {"video-to-motion", "image-to-video-and-motion"}
