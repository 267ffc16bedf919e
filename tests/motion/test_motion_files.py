# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from motion_files import BODY_PELVIS, SMPL_PELVIS, gvhmr_results, make_motion, memory_below

from unimo_hf.motion import MotionError, load_collection
from unimo_hf.motion.formats.amass import blender_fps
from unimo_hf.motion.motion import Motion


def assert_same(left, right):
    for name in ("body_pose", "global_orient", "transl", "betas", "fps", "coordinates", "up"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


class TestOwn:
    @given(frames=st.integers(1, 9), fps=st.floats(1, 240), up=st.sampled_from(["y", "-y", "z"]))
    def test_round_trip(self, tmp_path_factory, frames, fps, up):
        path = tmp_path_factory.mktemp("motion") / "a.npz"
        motion = make_motion(frames, fps, coordinates="world", up=up)
        motion.save(path)
        assert_same(Motion.load(path), motion)

    @pytest.mark.parametrize("fps", [15, 24, 29.97, 30, 50, 59.94, 60, 120, 250])
    def test_the_blender_add_on_opens_it(self, tmp_path, fps):
        """The add-on reads these names, refuses less than 30 fps, and takes every int(fps / 30)-th frame."""
        motion = make_motion(frames=40, fps=fps)
        motion.save(tmp_path / "a.npz")
        with np.load(tmp_path / "a.npz", allow_pickle=False) as data:
            found = int(data["mocap_frame_rate"])
            assert found >= 30
            step = int(found / 30)
            frames = len(data["poses"][::step])
            assert data["poses"].shape == (len(data["trans"]), 165)
            assert data["betas"].shape == (10,)
            assert str(data["gender"]) == "neutral"
        assert frames / 30 == pytest.approx(motion.duration, abs=2 / min(fps, 30)), "played at its own speed"

    def test_the_rate_for_blender(self):
        assert [blender_fps(fps) for fps in (1, 24, 29.97, 44, 59.94, 120)] == [30, 30, 30, 30, 60, 120]

    def test_a_rate_of_choice(self, tmp_path):
        make_motion(frames=17, fps=15).save(tmp_path / "a.npz", fps=15)
        with np.load(tmp_path / "a.npz") as data:
            assert data["poses"].shape == (17, 165)
            assert "native_fps" not in data
        make_motion(frames=17, fps=15).save(tmp_path / "a.npz", fps=60)
        assert len(Motion.load(tmp_path / "a.npz")) == 65

    def test_a_wrong_suffix_or_place(self, tmp_path):
        with pytest.raises(MotionError, match=r"ends in \.npz, \.safetensors, \.bvh; found .*a\.pkl"):
            make_motion().save(tmp_path / "a.pkl")
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="file"):
            make_motion().save(tmp_path / "file" / "a.npz")

    def test_another_version(self, tmp_path):
        make_motion().save(tmp_path / "a.npz")
        arrays = dict(np.load(tmp_path / "a.npz")) | {"format_version": np.array(2)}
        np.savez(tmp_path / "b.npz", **arrays)
        with pytest.raises(MotionError, match=r"b\.npz has format version 2; this program reads version 1"):
            Motion.load(tmp_path / "b.npz")

    def test_the_file_and_the_call_must_agree(self, tmp_path):
        make_motion().save(tmp_path / "a.npz")
        assert Motion.load(tmp_path / "a.npz", fps=30, coordinates="camera").fps == 30
        with pytest.raises(MotionError, match=r"says fps 30\.0, the call says 25"):
            Motion.load(tmp_path / "a.npz", fps=25)
        with pytest.raises(MotionError, match="says coordinates 'camera'"):
            Motion.load(tmp_path / "a.npz", coordinates="world")


class TestAmass:
    def smplx(self, frames=4):
        source = make_motion(frames)
        return source, {
            "root_orient": source.global_orient.astype(np.float64),
            "pose_body": source.body_pose.astype(np.float64),
            "pose_hand": np.zeros((frames, 90)),
            "trans": source.transl,
            "betas": np.r_[source.betas, np.ones(6)],
            "gender": np.array("female"),
            "mocap_frame_rate": np.array(120.0),
        }

    def test_smplx(self, tmp_path):
        source, arrays = self.smplx()
        np.savez(tmp_path / "walk_stageii.npz", **arrays)
        motion = Motion.load(tmp_path / "walk_stageii.npz")
        assert (motion.fps, motion.coordinates, motion.up, motion.gender) == (120, "world", "z", "female")
        np.testing.assert_array_equal(motion.body_pose, source.body_pose)
        np.testing.assert_allclose(motion.betas, source.betas)
        assert Motion.load(tmp_path / "walk_stageii.npz", up="y").up == "y"

    def test_objects_beside_the_motion_do_not_matter(self, tmp_path):
        _, arrays = self.smplx()
        np.savez(tmp_path / "a.npz", **arrays, labels=np.array([{"a": 1}], dtype=object))
        assert len(Motion.load(tmp_path / "a.npz")) == 4

    def test_smplh_drops_its_shape_and_keeps_its_pelvis(self, tmp_path):
        poses = np.random.default_rng(0).normal(size=(3, 156))
        np.savez(
            tmp_path / "a.npz",
            poses=poses,
            trans=np.zeros((3, 3)),
            betas=np.ones(16),
            gender=b"male",
            mocap_framerate=60.0,
            dmpls=np.zeros((3, 8)),
        )
        motion = Motion.load(tmp_path / "a.npz")
        assert motion.fps == 60
        assert not motion.betas.any()
        assert motion.gender == "neutral"
        np.testing.assert_allclose(motion.transl + BODY_PELVIS, np.tile(SMPL_PELVIS["m"], (3, 1)), atol=1e-3)
        np.testing.assert_array_equal(motion.body_pose, poses[:, 3:66].astype(np.float32))

    def test_few_or_changing_shapes(self, tmp_path):
        _, arrays = self.smplx()
        np.savez(tmp_path / "a.npz", **arrays | {"betas": np.array([[1.0, 2.0], [3.0, 4.0]] * 2)})
        assert Motion.load(tmp_path / "a.npz").betas.tolist() == [2, 3] + [0] * 8
        np.savez(tmp_path / "a.npz", **arrays | {"betas": np.array([[1.0, 2.0]])})
        assert Motion.load(tmp_path / "a.npz").betas.tolist() == [1, 2] + [0] * 8

    def test_no_fps(self, tmp_path):
        _, arrays = self.smplx()
        del arrays["mocap_frame_rate"]
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(MotionError, match=r"a\.npz does not say its fps"):
            Motion.load(tmp_path / "a.npz")
        assert Motion.load(tmp_path / "a.npz", fps=25).fps == 25

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"trans": np.full((4, 3), np.nan)}, "transl holds 12 of 12 values"),
            ({"pose_body": np.zeros((4, 60))}, r"body_pose has shape \(4, 60\)"),
            ({"pose_body": np.zeros((0, 63)), "root_orient": np.zeros((0, 3)), "trans": np.zeros((0, 3))}, "0 frames"),
            ({"trans": np.array([{}], dtype=object)}, "pickled Python objects"),
            ({"poses": np.zeros((4, 100))}, "156"),
            ({"mocap_frame_rate": np.zeros(3)}, "must be one number"),
            ({"mocap_frame_rate": -1.0}, "fps is -1.0"),
            ({"betas": np.zeros((0, 10))}, "betas has shape"),
            ({"betas": np.zeros(0)}, "betas has shape"),
            ({"betas": np.zeros((7, 10))}, r"betas has shape \(7, 10\) .*must be \(n,\), \(1, n\) or \(4, n\)"),
            ({"betas": np.full(10, 1j)}, "betas has shape .* of complex128"),
            ({"trans": np.array(0.0)}, r"transl has shape \(\)"),
            ({"trans": np.full((4, 3), 1j)}, "transl has shape .* of complex128; it must be .* real numbers"),
            ({"gender": np.array(["male", "female"])}, r"gender has shape \(2,\) of <U6; it must be one text"),
            ({"up": np.array("")}, "up has shape .*; it must be one text that is not empty"),
            ({"gender": np.array("robot")}, "gender is 'robot'; it must be one of neutral, male, female"),
            ({"pose_body": np.full((4, 63), 45.0)}, "Are these degrees"),
            ({"mocap_frame_rate": 0.0}, r"fps is 0\.0; it must be a number from .* Give the right one as fps=…\."),
            ({"mocap_frame_rate": np.nan}, "fps is nan"),
        ],
    )
    def test_bad_files(self, tmp_path, changes, message):
        _, arrays = self.smplx()
        np.savez(tmp_path / "bad.npz", **arrays | changes)
        with pytest.raises(MotionError, match=message) as caught:
            Motion.load(tmp_path / "bad.npz")
        assert "bad.npz" in str(caught.value)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"trans": np.full((4, 3), "1")}, r"trans has shape \(4, 3\) of <U1; it must be \(4, 3\) real numbers"),
            ({"trans": np.zeros((4, 3), "M8[s]")}, r"trans has shape \(4, 3\) of datetime64\[s\]"),
            ({"trans": np.full((4, 3), 1j)}, "trans has shape .* of complex128"),
            ({"trans": np.zeros((3, 3))}, r"trans has shape \(3, 3\) of float64; it must be \(4, 3\)"),
            ({"poses": np.full((4, 156), 1j)}, "poses has shape .* of complex128"),
        ],
    )
    def test_bad_files_of_smplh(self, tmp_path, changes, message):
        arrays = {"poses": np.zeros((4, 156)), "trans": np.zeros((4, 3)), "mocap_framerate": 60.0}
        np.savez(tmp_path / "bad.npz", **arrays | changes)
        with pytest.raises(MotionError, match=message) as caught:
            Motion.load(tmp_path / "bad.npz")
        assert "bad.npz" in str(caught.value)

    @pytest.mark.parametrize("fps", [0.0, -1.0, np.nan, np.inf])
    def test_the_call_knows_better_than_no_rate(self, tmp_path, fps):
        _, arrays = self.smplx()
        np.savez(tmp_path / "a.npz", **arrays | {"mocap_frame_rate": fps})
        assert Motion.load(tmp_path / "a.npz", fps=30).fps == 30
        with pytest.raises(MotionError, match="fps is 0"):
            Motion.load(tmp_path / "a.npz", fps=0)

    def test_a_name_that_collections_have(self, tmp_path):
        """What a file is, its content says: one motion, which does not take the folder with it."""
        _, arrays = self.smplx()
        np.savez(tmp_path / "motions.npz", **arrays)
        assert len(Motion.load(tmp_path / "motions.npz")) == 4
        make_motion().save(tmp_path / "a.npz")
        assert [name for name, _ in load_collection(tmp_path)] == ["a", "motions"]
        (tmp_path / "motions.npz").write_bytes(b"no")
        skipped = []
        assert [name for name, _ in load_collection(tmp_path, skipped=skipped)] == ["a"]
        assert [path.name for path, _ in skipped] == ["motions.npz"]

    def test_no_motion_inside(self, tmp_path):
        np.savez(tmp_path / "shape.npz", betas=np.zeros(10))
        with pytest.raises(MotionError, match="holds no motion: found betas"):
            Motion.load(tmp_path / "shape.npz")


class TestGvhmr:
    def test_both_frames(self, tmp_path):
        results = gvhmr_results()
        torch.save(results, tmp_path / "hmr4d_results.pt")
        seen = Motion.load(tmp_path / "hmr4d_results.pt", fps=60)
        assert (seen.coordinates, seen.up, seen.fps) == ("camera", "-y", 60)
        np.testing.assert_array_equal(seen.transl, results["smpl_params_incam"]["transl"].numpy())
        assert seen.betas.tolist() == [2] * 10
        world = Motion.load(tmp_path / "hmr4d_results.pt", coordinates="world")
        assert (world.coordinates, world.up, world.fps) == ("world", "y", 30)
        np.testing.assert_array_equal(world.transl, results["smpl_params_global"]["transl"].numpy())

    def test_never_unpickled(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return (open, (str(tmp_path / "sprung"), "w"))

        torch.save({"smpl_params_incam": Trap()}, tmp_path / "a.pt")
        with pytest.raises(MotionError, match=r"a\.pt is not a PyTorch file of tensors"):
            Motion.load(tmp_path / "a.pt")
        assert not (tmp_path / "sprung").exists()

    @pytest.mark.parametrize("name", ["a.pt", "a.pkl"])
    def test_saved_before_torch_1_6(self, tmp_path, name):
        torch.save(gvhmr_results(), tmp_path / name, _use_new_zipfile_serialization=False)
        with pytest.raises(MotionError, match=rf'{name} was saved by torch before 1\.6, .*torch\.load\("{name}"'):
            Motion.load(tmp_path / name)
        torch.save(torch.load(tmp_path / name, weights_only=True), tmp_path / "a.pt")
        assert len(Motion.load(tmp_path / "a.pt")) == 5

    def test_bad_shapes(self, tmp_path):
        results = gvhmr_results()
        for key, shape in {"betas": (4, 10), "transl": ()}.items():
            wrong = results["smpl_params_incam"] | {key: torch.zeros(shape)}
            torch.save(results | {"smpl_params_incam": wrong}, tmp_path / "a.pt")
            with pytest.raises(MotionError, match=rf"a\.pt: {key} has shape"):
                Motion.load(tmp_path / "a.pt")

    def test_a_bomb(self, tmp_path):
        torch.save(gvhmr_results(), tmp_path / "whole.pt")
        with zipfile.ZipFile(tmp_path / "whole.pt") as whole, zipfile.ZipFile(tmp_path / "a.pt", "w") as packed:
            for name in whole.namelist():
                packed.writestr(name, whole.read(name).ljust(10**6, b"\0"), zipfile.ZIP_DEFLATED)
        with pytest.raises(MotionError, match=r"a\.pt is not a PyTorch file .*it claims \d+ bytes in \d+"):
            Motion.load(tmp_path / "a.pt")

    def test_a_tensor_that_repeats_itself(self, tmp_path, monkeypatch):
        results = gvhmr_results()
        group = results["smpl_params_incam"]
        torch.save(results, tmp_path / "a.pt")
        monkeypatch.setattr("unimo_hf.motion.formats.gvhmr.MAX_BYTES", sum(value.nbytes for value in group.values()))
        assert Motion.load(tmp_path / "a.pt")
        group["transl"] = torch.zeros(3).expand(len(group["transl"]) + 1, 3)
        torch.save(results, tmp_path / "a.pt")
        with pytest.raises(MotionError, match=r"smpl_params_incam takes \d+ bytes; at most \d+ are allowed"):
            Motion.load(tmp_path / "a.pt")

    def test_other_contents(self, tmp_path):
        torch.save(torch.zeros(3), tmp_path / "a.pt")
        with pytest.raises(MotionError, match="no GVHMR result: found Tensor"):
            Motion.load(tmp_path / "a.pt")
        (tmp_path / "b.pt").write_bytes(b"")
        with pytest.raises(MotionError, match=r"b\.pt"):
            Motion.load(tmp_path / "b.pt")
        for transl in (torch.zeros(5, 3).to_sparse(), torch.zeros(5, 3, device="meta"), torch.zeros(5, 3) * 1j, [1]):
            results = gvhmr_results()
            results["smpl_params_incam"]["transl"] = transl
            torch.save(results, tmp_path / "c.pt")
            with pytest.raises(MotionError, match="must hold smpl_params_incam with tensors"):
                Motion.load(tmp_path / "c.pt")
        results = gvhmr_results()
        results["smpl_params_incam"]["betas"].requires_grad_()
        torch.save(results, tmp_path / "c.pt")
        assert len(Motion.load(tmp_path / "c.pt")) == 5
        results["smpl_params_incam"]["transl"] = torch.zeros(1, 3).expand(10**10, 3)
        torch.save(results, tmp_path / "c.pt")
        with pytest.raises(MotionError, match="at most"):
            Motion.load(tmp_path / "c.pt")


class TestHostileFiles:
    @pytest.mark.parametrize("content", [b"", b"PK", b"\x00" * 100, b"no archive at all"])
    def test_no_archive(self, tmp_path, content):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(MotionError, match=rf"a\.npz \({len(content)} bytes\) is not an \.npz file"):
            Motion.load(tmp_path / "a.npz")

    def test_cut_short_anywhere(self, tmp_path):
        make_motion().save(tmp_path / "a.npz")
        whole = (tmp_path / "a.npz").read_bytes()
        for length in range(0, len(whole), max(len(whole) // 20, 1)):
            (tmp_path / "b.npz").write_bytes(whole[:length])
            with pytest.raises(MotionError, match=r"b\.npz"):
                Motion.load(tmp_path / "b.npz")

    @pytest.mark.parametrize("shape", [(10**9, 165), (2**40, 2**40), (0, 10**19), (-1, 3), (4, 165)])
    def test_a_header_that_promises_what_is_not_there(self, tmp_path, shape):
        header = str({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
        member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\x00" * 64
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("poses.npy", member)
            archive.writestr("trans.npy", member)
        with memory_below(1_000_000), pytest.raises(MotionError, match=r"a\.npz: the array 'poses'"):
            Motion.load(tmp_path / "a.npz")

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_damaged_in_every_compression(self, tmp_path, method):
        make_motion(frames=50).save(tmp_path / "whole.npz")
        with (
            zipfile.ZipFile(tmp_path / "whole.npz") as whole,
            zipfile.ZipFile(tmp_path / "a.npz", "w", method) as packed,
        ):
            for name in whole.namelist():
                packed.writestr(name, whole.read(name))
            place = packed.getinfo("poses.npy")
        assert len(Motion.load(tmp_path / "a.npz")) == 50
        content = bytearray((tmp_path / "a.npz").read_bytes())
        middle = place.header_offset + place.compress_size // 2
        content[middle : middle + 64] = b"\xff" * 64
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(MotionError, match=r"a\.npz: the array 'poses' is damaged"):
            Motion.load(tmp_path / "a.npz")

    def test_a_bomb(self, tmp_path, monkeypatch):
        monkeypatch.setattr("unimo_hf.motion.npz.MAX_BYTES", 1000)
        make_motion().save(tmp_path / "a.npz")
        with pytest.raises(MotionError, match="over the 1000 bytes"):
            Motion.load(tmp_path / "a.npz")

    def test_a_header_without_end(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("poses.npy", b"\x93NUMPY\2\0" + (10**8).to_bytes(4, "little") + b" " * 10**8)
            archive.writestr("trans.npy", b"")
        with memory_below(2_000_000), pytest.raises(MotionError, match=r"'poses' has no valid \.npy header"):
            Motion.load(tmp_path / "a.npz")

    def test_small_numbers_become_larger_ones(self, tmp_path, monkeypatch):
        np.savez(tmp_path / "a.npz", poses=np.zeros((10, 165), np.int8), trans=np.zeros((10, 3)), fps=30)
        assert len(Motion.load(tmp_path / "a.npz", up="z")) == 10
        monkeypatch.setattr("unimo_hf.motion.npz.MAX_BYTES", 4000)
        with pytest.raises(MotionError, match=r"'poses' declares shape \(10, 165\); at most 1000 numbers"):
            Motion.load(tmp_path / "a.npz", up="z")

    def test_parts_without_end(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            for number in range(10_001):
                archive.writestr(zipfile.ZipInfo(f"{number}.npy"), b"")
        with pytest.raises(MotionError, match=r"a\.npz has 10001 parts; at most 10000 are allowed"):
            Motion.load(tmp_path / "a.npz")

    def test_messages_stay_short(self, tmp_path):
        np.savez_compressed(tmp_path / "a.npz", **{f"{'x' * 200}{number}": 0 for number in range(50)})
        with pytest.raises(MotionError, match=r"a\.npz holds no motion: found x+, .*, …; it must") as caught:
            Motion.load(tmp_path / "a.npz")
        assert len(str(caught.value)) < 2500
        arrays = {"poses": np.zeros((2, 165)), "trans": np.zeros((2, 3)), "betas": np.zeros(10), "fps": 30}
        np.savez_compressed(tmp_path / "b.npz", **arrays, gender=np.array("x" * 10**6))
        with pytest.raises(MotionError, match=r"gender has shape \(\) of <U1000000; it must be one text") as caught:
            Motion.load(tmp_path / "b.npz", up="z")

    def test_more_bytes_than_can_be_packed_in_so_few(self, tmp_path):
        make_motion().save(tmp_path / "a.npz")
        with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
            packed = archive.getinfo("poses.npy").compress_size
            archive.getinfo("poses.npy").file_size = 1100 * packed + 1025
            archive.writestr("more", b"")  # so that the list of contents is written anew
        with pytest.raises(
            MotionError, match=rf"'poses' claims {1100 * packed + 1025} bytes packed in {packed}; that"
        ):
            Motion.load(tmp_path / "a.npz")

    @given(position=st.integers(0, 10**6), value=st.integers(0, 255))
    def test_a_flipped_byte_gives_a_motion_or_a_clear_error(self, tmp_path_factory, position, value):
        path = tmp_path_factory.mktemp("flip") / "a.npz"
        make_motion(frames=2).save(path)
        content = bytearray(path.read_bytes())
        content[position % len(content)] = value
        path.write_bytes(bytes(content))
        try:
            Motion.load(path)
        except MotionError as error:
            assert "a.npz" in str(error)  # noqa: PT017

    def test_wrong_paths(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            Motion.load(tmp_path / "nowhere.npz")
        with pytest.raises(MotionError, match="is a folder"):
            Motion.load(tmp_path)
        for name, found in (("a.fbx", "'.fbx'"), ("a", "no suffix")):
            (tmp_path / name).write_bytes(b"x")
            with pytest.raises(MotionError, match=rf"end in \.npz, .*; found {found}"):
                Motion.load(tmp_path / name)
