# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from evaluation_fakes import make_motion, make_statistics

from unimo_hf.evaluation.evaluate_motion_vqvae import cut_clips, evaluate_motion_vqvae, place_before_camera
from unimo_hf.evaluation.training_statistics import TrainingClip, build_training_statistics
from unimo_hf.motion.body import Body

# Five frames of a random motion are too short for a stand of a foot, and one clip for counts of codes.
pytestmark = pytest.mark.filterwarnings("ignore:There is no value of foot_sliding", "ignore:One clip alone")


def make_config(**changes):
    fields = {"codebook_size": 512, "codes_per_frame": 36, "rotation": "6d", "fps": 15.0, "coordinates": "camera"}
    return SimpleNamespace(**fields | changes)


def straighten(frames):
    """All joints straight."""
    frames = frames.clone()
    frames[..., :126] = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(21)
    return frames


class Memory:
    """A tokenizer that keeps every clip and gives it back changed; its codes are the numbers of the clips.

    Vectors of codes are the numbers from one on. Of fewer than 10 codes a frame comes no pose.
    """

    config = make_config()
    device = torch.device("cpu")
    codebook = SimpleNamespace(codes=torch.arange(1.0, 513.0)[:, None])

    def __init__(self, change=lambda frames: frames):
        self.clips, self.change, self.prefixes = [], change, []

    def encode(self, motion):
        first = len(self.clips)
        self.clips += list(motion)
        return torch.arange(first, len(self.clips))[:, None, None].expand(-1, motion.shape[1], 36)

    def decode(self, motion_codes):
        return self.change(torch.stack([self.clips[number] for number in motion_codes[:, 0, 0]]))

    def decode_latents(self, quantized):
        vectors = quantized.unflatten(1, (-1, 36))
        self.prefixes.append(int((vectors != 0).sum(dim=2).unique()))
        frames = self.decode(vectors[..., 0].long() - 1)
        return straighten(frames) if self.prefixes[-1] < 10 and self.config.rotation == "6d" else frames


@pytest.fixture(scope="module")
def body():
    return Body.load()


def evaluate(tokenizer, motions, body, **options):
    options = {"model": "fake", "frames": 5, "batch_size": 2, "progress": False} | options
    return evaluate_motion_vqvae(tokenizer, motions, body, **options)


def test_clips_do_not_overlap_and_are_at_the_models_rate():
    motions = [make_motion(0, frames=23, fps=30), make_motion(1, frames=4), make_motion(2, frames=10)]
    clips = cut_clips(motions, 5, 15)
    assert len(clips) == 2 + 0 + 2  # 23 frames at 30 fps are 12 at 15
    assert all((len(clip), clip.fps) == (5, 15) for clip in clips)
    np.testing.assert_allclose(clips[1].transl, motions[0].transl[10:20:2], atol=1e-6)


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_a_perfect_tokenizer_scores_zero(body):
    result = evaluate(Memory(), [make_motion(0, frames=11), make_motion(1, frames=9)], body)
    assert result["clips"] == 3
    assert max(result["metrics"][name] for name in ("mpjpe", "pa_mpjpe", "pve")) < 0.01
    assert result["metrics"]["accel"] < 0.01
    assert result["metrics"]["codebook_utilisation"] == pytest.approx(300 / 512)
    assert result["metrics"]["codebook_perplexity"] == pytest.approx(3)
    assert result["protocol"]["codebook_utilisation"]["variant"] == "3 random clips"
    assert result["protocol"]["pve"]["points"] == f"{len(body.v_template)} vertices"


@pytest.mark.parametrize(("options", "counted"), [({}, 100), ({"utilisation_clips": 7}, 7)])
@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_codes_of_so_many_clips_are_counted_together(body, options, counted):
    result = evaluate(Memory(), [make_motion(0, frames=5 * 103)], body, batch_size=103, **options)
    # Each clip has a code of its own.
    assert result["metrics"]["codebook_utilisation"] == pytest.approx(100 * counted / 512)
    assert result["metrics"]["codebook_perplexity"] == pytest.approx(counted)
    assert result["protocol"]["codebook_utilisation"]["variant"] == f"{counted} random clips"


def test_some_clip_must_be_counted(body):
    with pytest.raises(ValueError, match="utilisation_clips is 0; it must be at least 1"):
        evaluate(Memory(), [make_motion(0)], body, utilisation_clips=0)


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_what_the_first_codes_of_a_frame_say(body):
    tokenizer = Memory()
    result = evaluate(tokenizer, [make_motion(0, frames=11), make_motion(1, frames=9)], body)
    assert tokenizer.prefixes == [1, 2, 4, 9, 18] * 2  # of two batches; all 36 are the MPJPE itself
    metrics = result["metrics"]
    assert min(metrics[f"mpjpe_first_{kept}"] for kept in (1, 2, 4, 9)) > 20
    assert metrics["mpjpe_first_18"] < 0.01
    assert result["protocol"]["mpjpe_first_18"]["variant"] == "first 18 codes of a frame"
    # All codes of a clip are equal, other than those of the other half of the clips: nothing can be guessed.
    assert metrics["code_entropy_order_2"] > 8.9


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_the_path_of_the_root(body):
    def slow_down(frames):
        frames = frames.clone()
        frames[:, 1:, 142:] -= torch.tensor([0.0, 0.003, 0.004])  # 5 mm a frame, added up over 5 frames
        return frames

    result = evaluate(Memory(slow_down), [make_motion(0, frames=5)], body)
    assert result["metrics"]["root_position"] == pytest.approx((0 + 5 + 10 + 15 + 20) / 5, rel=1e-3)
    assert result["metrics"]["mpjpe"] < 0.01  # the root is aligned
    assert result["metrics"]["rte"] > 1
    assert result["metrics"]["w_mpjpe100"] > 1


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_weights_and_what_was_left_out(body):
    result = evaluate(Memory(), [make_motion(0, frames=11), make_motion(1, frames=4)], body, weights_bytes=8_500_000)
    assert result["metrics"]["weights"] == 8.5
    assert (result["frames"], result["clip_frames"], result["frames_left_out"]) == (10, 5, 5)
    assert "weights" not in evaluate(Memory(), [make_motion(0)], body)["metrics"]


@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_decoded_betas_are_averaged_over_time(body):
    def flicker(frames):
        frames = frames.clone()
        frames[:, ::2, 126:136] += 2.0
        frames[:, 1::2, 126:136] -= 3.0
        return frames  # of 5 frames: 3 × 2 - 2 × 3 = 0

    assert evaluate(Memory(flicker), [make_motion(0, frames=5)], body)["metrics"]["pve"] < 0.01


def test_errors_and_baselines(body):
    motions = [make_motion(seed, frames=10) for seed in range(3)]
    training = build_training_statistics([TrainingClip("around", motion) for motion in motions], body)
    result = evaluate(Memory(straighten), motions, body, statistics=training)
    assert result["metrics"]["mpjpe"] > 20
    assert set(result["baselines"]) == {"constant", "mean_pose"}
    assert result["baselines"]["mean_pose"]["mpjpe"] < result["baselines"]["constant"]["mpjpe"]


@pytest.mark.parametrize("rotation", ["matrix", "axis_angle"])
@pytest.mark.filterwarnings("ignore:There are no statistics")
def test_the_format_is_that_of_the_tokenizer(body, rotation):
    tokenizer = Memory()
    tokenizer.config = make_config(rotation=rotation, fps=30.0)
    result = evaluate(tokenizer, [make_motion(0, fps=30)], body)
    assert tokenizer.clips[0].shape[-1] == {"matrix": 211, "axis_angle": 79}[rotation]
    assert result["fps"] == 30
    assert result["metrics"]["mpjpe"] < 0.01


def test_a_tokenizer_of_the_world_sees_upright_motions(body):
    tokenizer = Memory()
    tokenizer.config = make_config(coordinates="world")
    motion = make_motion(0).to_world_up("z", body)
    with pytest.warns(UserWarning, match="no camera 'world'"):
        result = evaluate(tokenizer, [motion], body, statistics=make_statistics())
    np.testing.assert_allclose(tokenizer.clips[0][0, 142:], motion.to_world_up("y", body).transl[0], atol=1e-6)
    assert result["camera"] == "world"
    assert set(result["baselines"]) == {"mean_pose"}


def test_a_motion_in_the_world_is_seen_by_a_camera(body):
    camera_frame = make_motion(0)
    assert place_before_camera(camera_frame, body, "front", 0) is camera_frame
    still = np.zeros((5, 3))
    world = type(camera_frame)(np.zeros((5, 63)), still, still, np.zeros(10), 15, "world", "y")
    heads, fronts = [], []
    for seed in range(20):
        seen = place_before_camera(world, body, "front", (1, seed))
        assert (seen.coordinates, seen.up) == ("camera", "-y")
        joints = seen.joints(body)[0]
        assert (joints[:22, 2] > 1).all()  # in front of the camera
        pixels = np.sqrt(2) * joints[:22, :2] / joints[:22, 2:]
        assert np.abs(pixels).max() < 0.55  # in the picture, or nearly
        heads.append(joints[15, 1] - joints[0, 1])
        fronts.append(joints[10, 2] - joints[7, 2])  # toes against ankle
    assert max(heads) < -0.3  # y points down
    assert max(fronts) < 0  # the person faces the camera
    again = place_before_camera(world, body, "front", (1, 3))
    np.testing.assert_array_equal(again.transl, place_before_camera(world, body, "front", (1, 3)).transl)
    np.testing.assert_allclose(np.diff(joints[:22], axis=0).shape, (21, 3))


def test_placing_keeps_the_body_rigid(body):
    upright = make_motion(4).to_world_up("z", body)
    seen = place_before_camera(upright, body, "around", 0)
    before, after = (torch.pdist(torch.as_tensor(motion.joints(body)[2])) for motion in (upright, seen))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=0)
    speed = [np.linalg.norm(np.diff(motion.joints(body)[:, 0], axis=0), axis=-1) for motion in (upright, seen)]
    np.testing.assert_allclose(*speed, atol=1e-5)


def test_motions_too_short_for_a_clip_are_refused(body):
    with pytest.raises(ValueError, match="None of the 2 motions fills a clip of 5 frames at 15 fps"):
        evaluate(Memory(), [make_motion(0, frames=4)] * 2, body, statistics=make_statistics())
    with pytest.raises(ValueError, match="batch_size is 0"):
        evaluate(Memory(), [make_motion(0)], body, statistics=make_statistics(), camera="front", batch_size=0)
