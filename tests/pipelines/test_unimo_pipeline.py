# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Both tasks, with networks of random weights: what goes in, what comes out, and what continues what."""

import json
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from unimo_hf import Motion, UniMoPipeline
from unimo_hf.model.decode_loop import DecodeLoop
from unimo_hf.model.target_writer import TargetWriter
from unimo_hf.pipelines import modality_values
from unimo_hf.pipelines.frame_source import FrameSource
from unimo_hf.video import VideoError, probe_video, write_video
from unimo_hf.video.reading import Video

FRAMES, SIZE, CODES = 9, 32, 36


@pytest.fixture(scope="module")
def unimo(micro_checkpoint) -> UniMoPipeline:
    return UniMoPipeline.from_pretrained(micro_checkpoint)


def make_video(frames: int = FRAMES, height: int = 40, width: int = 24, fps: float = 15.0, seed: int = 0) -> Video:
    """Coloured squares that change slowly."""
    generator = np.random.default_rng(seed)
    corners = generator.integers(0, 256, (2, 4, 4, 3))
    weight = np.linspace(0, 1, frames)[:, None, None, None]
    small = (corners[0] * (1 - weight) + corners[1] * weight).astype(np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return Video(small[:, rows][:, :, columns], fps)


def same(one: Motion, other: Motion) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("transl", "body_pose", "betas"))


@pytest.mark.parametrize(
    ("frames", "fps", "height", "width"),
    [(1, 30.0, 32, 32), (4, 15.0, 9, 50), (9, 15.0, 64, 48), (24, 60.0, 33, 71), (5, 6.0, 300, 20)],
)
def test_video_to_motion_gives_a_pose_for_each_frame(unimo, frames, fps, height, width):
    motion = unimo.video_to_motion(make_video(frames, height, width, fps))
    assert (len(motion), motion.fps) == (frames, fps)
    assert (motion.coordinates, motion.up) == ("camera", "-y")


def test_the_model_may_be_in_half_precision(micro_checkpoint):
    unimo = UniMoPipeline.from_pretrained(micro_checkpoint, dtype=torch.bfloat16)
    assert unimo.model.dtype == torch.bfloat16
    assert unimo.video_fsq.dtype == unimo.motion_vqvae.dtype == torch.float32
    assert len(unimo.video_to_motion(make_video(11))) == 11
    assert len(unimo.image_to_video_and_motion(make_video(1).frames[0], seed=0)[1]) == FRAMES


def test_a_file_gives_what_its_frames_give(unimo, tmp_path):
    video = make_video(12, 48, 32, fps=30.0)
    path = tmp_path / "clip.mp4"
    write_video(path, video.frames, video.fps, crf=0, pixel_format="yuv444p")
    motion = unimo.video_to_motion(path)
    assert (len(motion), motion.fps) == (12, 30.0)
    several = unimo.video_to_motion([str(path), video])
    assert same(several[0], motion)
    assert len(several[1]) == 12


def test_nothing_is_generated_twice_or_in_vain(unimo, monkeypatch):
    asked, passes = [], []
    write, prefill = TargetWriter.write, DecodeLoop.prefill

    def spy(writer, **options):
        target = write(writer, **options)
        known = options.get("forced_target_ids")
        asked.append((0 if known is None else known.shape[1] // CODES, target.shape[1] // CODES))
        if known is not None:
            assert torch.equal(target[:, : known.shape[1]], known)
        return target

    monkeypatch.setattr(TargetWriter, "write", spy)
    monkeypatch.setattr(DecodeLoop, "prefill", lambda loop, prompt: passes.append(prompt) or prefill(loop, prompt))
    unimo.video_to_motion(make_video(16))
    # Windows that go on look at their first frame once more, for its place, behind the same pass over the pictures.
    assert asked == [(0, 9), (4, 9), (0, 1), (7, 9), (0, 1)]
    assert len(passes) == 3
    asked.clear()
    unimo.video_to_motion(make_video(3))
    assert asked == [(0, 3)]


def test_windows_continue_each_other(unimo):
    video = make_video(25)
    motion = unimo.video_to_motion(video)
    # Whatever stands behind a window cannot change it, but for the one shape of the whole.
    start = unimo.video_to_motion(Video(video.frames[:FRAMES], video.fps))
    np.testing.assert_allclose(motion.body_pose[:FRAMES], start.body_pose, atol=1e-6)
    steps = np.linalg.norm(np.diff(motion.joints(unimo.body)[:, 0], axis=0), axis=1)
    seams = steps[[8, 13, 18, 23]]
    # A step is a velocity of the decoder everywhere: seams are no larger than the steps around them.
    assert seams.max() <= 1.5 * steps.max(initial=0, where=~np.isin(np.arange(24), [8, 13, 18, 23]))
    assert len(np.unique(motion.betas)) == 10


def test_windows_of_a_checkpoint_that_samples_follow_the_seed(unimo, monkeypatch):
    monkeypatch.delitem(unimo.model.generation_config.task_options, "v2m")
    assert unimo.default_decoding("v2m") == "sampled"
    assert same(*(unimo.video_to_motion(make_video(24), seed=1) for _ in range(2)))


@pytest.mark.parametrize(
    ("frames", "fps", "expected"),
    [(32, 30.0, [18, 28, 32]), (33, 30.0, [18, 28, 33]), (11, 10.0, [6, 9, 11]), (16, 15.0, [9, 14, 16])],
)
def test_progress_is_told_window_by_window_in_frames_of_the_video(unimo, frames, fps, expected):
    told = []
    unimo.video_to_motion(make_video(frames, fps=fps), on_frames=lambda done, total: told.append((done, total)))
    assert told == [(done, frames) for done in expected]


def test_a_long_video_is_never_held_as_a_whole(unimo, monkeypatch):
    given, alive = [], []

    def frames():
        for number in range(30):
            frame = np.full((200, 200, 3), number, np.uint8)
            given.append(weakref.ref(frame))
            alive.append(sum(reference() is not None for reference in given))
            yield frame

    monkeypatch.setattr(modality_values, "open_source", lambda video, fps: FrameSource(frames(), fps, 30))
    assert len(unimo.video_to_motion("long.mp4")) == 30
    assert max(alive) <= 3


def test_greedy_is_the_default_of_video_to_motion_and_sampling_follows_the_seed(unimo, monkeypatch):
    video = make_video(9)
    assert unimo.default_decoding("v2m") == "greedy"
    assert unimo.default_decoding("i2vm") == "sampled"
    assert same(unimo.video_to_motion(video), unimo.video_to_motion(video, seed=3))
    assert same(unimo.video_to_motion(video), unimo.video_to_motion(video, do_sample=False))
    monkeypatch.setitem(unimo.model.generation_config.task_options["v2m"], "mean_codes", True)
    assert unimo.default_decoding("v2m") == "mean"
    assert not same(unimo.video_to_motion(video), unimo.video_to_motion(video, do_sample=False))
    first, again, other = (unimo.video_to_motion(video, do_sample=True, seed=seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)
    assert same(unimo.video_to_motion([video, video], do_sample=True, seed=1)[1], first)


def test_image_to_video_and_motion(unimo, tmp_path):
    Image.fromarray(make_video(1, 60, 90).frames[0]).save(tmp_path / "person.png")
    video, motion = unimo.image_to_video_and_motion(tmp_path / "person.png", seed=0)
    assert video.frames.dtype == np.uint8
    assert video.frames.shape == (FRAMES, 21, 32, 3)
    assert (len(motion), motion.fps, video.fps) == (FRAMES, 15.0, 15.0)
    picture = Image.open(tmp_path / "person.png")
    (again, same_motion), (other, _) = (
        unimo.image_to_video_and_motion(given, seed=seed) for given, seed in ((picture, 0), (np.array(picture), 5))
    )
    assert np.array_equal(video.frames, again.frames)
    assert same(motion, same_motion)
    assert not np.array_equal(video.frames, other.frames)
    both = unimo.image_to_video_and_motion([tmp_path / "person.png", picture], seed=0)
    assert all(np.array_equal(video.frames, one.frames) for one, _ in both)


def test_the_first_frame_of_the_video_is_the_picture_through_the_tokenizer(unimo):
    picture = make_video(1, 32, 32).frames[0]
    video, _ = unimo.image_to_video_and_motion(picture, seed=0)
    prepared = unimo.processor.prepare_image(picture).pixel_values
    through = unimo.decode_video(unimo.video_fsq.encode(prepared))[0]
    np.testing.assert_array_equal(video.frames[0], unimo.processor.to_frames(through)[0].numpy())


def test_what_evaluation_asks_for(unimo):
    clips = torch.rand(3, 3, FRAMES, SIZE, SIZE) * 2 - 1
    codes = unimo.motion_codes_from_video(clips)
    assert codes.shape == (3, FRAMES, CODES)
    torch.testing.assert_close(unimo.motion_codes_from_video(clips[1:2]), codes[1:2])
    visual_codes, motion_codes = unimo.codes_from_image(clips[:, :, 0], do_sample=True, seed=0)
    assert visual_codes.shape == (3, 2, 2, 2)
    assert motion_codes.shape == (3, FRAMES, CODES)
    assert unimo.decode_video(visual_codes).shape == clips.shape
    motions = unimo.decode_motion(motion_codes)
    assert [len(motion) for motion in motions] == [FRAMES] * 3
    assert (unimo.frames, unimo.fps, unimo.device.type) == (FRAMES, 15.0, "cpu")


def test_generated_motion_of_mean_codes(unimo, monkeypatch):
    picture = make_video(1, 32, 32).frames[0]
    options = unimo.model.generation_config.task_options
    _, drawn = unimo.image_to_video_and_motion(picture, seed=0)
    monkeypatch.setitem(options, "i2vm", {"mean_codes": True})
    video, mean = unimo.image_to_video_and_motion(picture, seed=0)
    again_video, again = unimo.image_to_video_and_motion(picture, seed=0)
    assert same(mean, again)
    assert not same(mean, drawn)
    assert np.array_equal(video.frames, again_video.frames)
    # Who asks for samples gets samples.
    assert same(unimo.image_to_video_and_motion(picture, do_sample=True, seed=0)[1], drawn)


def test_clips_of_another_size_are_refused(unimo):
    with pytest.raises(ValueError, match="64x48 pixels; this model takes squares of 32x32"):
        unimo.motion_codes_from_video(torch.zeros(1, 3, FRAMES, 48, 64))
    with pytest.raises(ValueError, match="this model takes"):
        unimo.codes_from_image(torch.zeros(1, 3, 64, 64))


def test_clips_may_be_shorter_than_those_of_the_model(unimo):
    codes = unimo.motion_codes_from_video(torch.zeros(1, 3, 1, SIZE, SIZE))
    assert codes.shape == (1, 1, CODES)


def test_frames_without_a_rate_are_refused(unimo):
    with pytest.raises(TypeError, match=r"give Video\(frames, fps\)"):
        unimo.video_to_motion(make_video(3).frames)


def test_drawing_keeps_size_and_rate(unimo, tmp_path):
    video = make_video(7, 48, 64, fps=30.0)
    write_video(tmp_path / "clip.mp4", video.frames, video.fps)
    motion = unimo.video_to_motion(tmp_path / "clip.mp4")
    assert motion.transl[:, 2].min() > 2
    unimo.draw(tmp_path / "clip.mp4", motion, tmp_path / "overlay.mp4")
    drawn = probe_video(tmp_path / "overlay.mp4")
    assert (drawn.frames, drawn.fps, drawn.height, drawn.width) == (7, 30.0, 48, 64)


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x00\x00\x00\x20ftypisom" + bytes(200)])
def test_errors_name_the_file(unimo, tmp_path, content):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        unimo.video_to_motion(path)
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        unimo.image_to_video_and_motion(path)
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        unimo.video_to_motion([tmp_path / "gone.mp4"])


@pytest.mark.parametrize(
    ("option", "value"), [("top_p", 0.0), ("top_p", 1.2), ("temperature", 0.0), ("temperature", float("nan"))]
)
def test_options_out_of_range(unimo, option, value):
    with pytest.raises(ValueError, match=f"`{option}`"):
        unimo.video_to_motion(make_video(1), **{option: value})
    with pytest.raises(ValueError, match=f"`{option}`"):
        unimo.image_to_video_and_motion(make_video(1).frames[0], **{option: value})


def test_a_clean_process_gives_the_same_through_every_door(unimo, micro_checkpoint, tmp_path):
    video = make_video(11)
    write_video(tmp_path / "clip.mp4", video.frames, video.fps)
    expected = unimo.video_to_motion(tmp_path / "clip.mp4").transl.tolist()
    code = f"""
import json, unimo_hf
from transformers import AutoModel, AutoModelForCausalLM, AutoProcessor, pipeline
folder, clip = {str(micro_checkpoint)!r}, {str(tmp_path / "clip.mp4")!r}
own = unimo_hf.UniMoPipeline.from_pretrained(folder).video_to_motion(clip)
task = pipeline("video-to-motion", model=folder, device="cpu")(clip)
names = [type(load.from_pretrained(folder, **part)).__name__ for load, part in (
    (AutoModelForCausalLM, {{}}), (AutoProcessor, {{}}),
    (AutoModel, {{"subfolder": "video_fsq"}}), (AutoModel, {{"subfolder": "motion_vqvae"}}),
)]
print(json.dumps([own.transl.tolist(), task.transl.tolist(), names]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    own, task, names = json.loads(result.stdout.splitlines()[-1])
    np.testing.assert_allclose(own, expected, atol=1e-6)
    np.testing.assert_allclose(task, expected, atol=1e-6)
    assert names == ["UniMoForConditionalGeneration", "UniMoProcessor", "VideoFSQ", "MotionVQVAE"]
