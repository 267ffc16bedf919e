# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Good files of every kind that is damaged, small, each made when it is first asked for."""

import pickle
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MOTION_FRAMES, MOTION_FPS = 40, 30.0
CLIPS, CLIP_FRAMES, CLIP_SIZE = 3, 9, 32
VIDEOS = {
    "clip.mp4": ("libx264", "yuv420p"),
    "clip.mkv": ("libx264", "yuv444p"),
    "clip.webm": ("libvpx-vp9", "yuv420p"),
    "clip.avi": ("mpeg4", "yuv420p"),
    "clip.mov": ("mjpeg", "yuvj420p"),
    "clip.gif": ("gif", "rgb8"),
}
PICTURES = ("png", "jpg", "webp", "bmp", "tif", "gif", "ppm", "avif")
OPTIMISATION = {
    "steps": 2,
    "batch_size": 2,
    "warmup_steps": 1,
    "decay_steps": 1,
    "log_every": 1,
    "validate_every": 2,
    "save_every": 2,
}


class Seeds:
    """Good files in a folder, made on demand, once for all processes.

    Args:
        folder (`Path`): Where they are kept.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def __getitem__(self, name: str) -> Path:
        """A file or folder, as `motions/walk.npz`: the first part of the name says what makes it."""
        from filelock import FileLock

        top = name.partition("/")[0]
        self.folder.mkdir(parents=True, exist_ok=True)
        done = self.folder / f".{top}.done"
        if not done.exists():
            with FileLock(self.folder / f".{top}.lock"):
                if not done.exists():
                    MAKERS[top](self, self.folder / top)
                    done.touch()
        return self.folder / name

    def changed(self) -> list[str]:
        """What was changed, made or removed in them since they were made."""
        found = []
        for done in self.folder.glob(".*.done"):
            top = self.folder / done.name.removeprefix(".").removesuffix(".done")
            latest = done.stat().st_mtime_ns
            found += [str(path) for path in (top, *top.rglob("*")) if path.lstat().st_mtime_ns > latest]
        return sorted(found)


def motions(seeds: Seeds, folder: Path) -> None:
    """One motion in the form of every program that is read."""
    import torch

    from unimo_hf.motion.motion import Motion, load_collection

    folder.mkdir()
    records = [motion for _, motion in load_collection(REPOSITORY / "assets" / "motions" / "test")]
    motion = next(motion for motion in records if len(motion) >= 2 * MOTION_FRAMES).resample(MOTION_FPS)[
        :MOTION_FRAMES
    ]
    for ending in ("npz", "safetensors", "bvh"):
        motion.save(folder / f"walk.{ending}")
    root, body, position = motion.global_orient, motion.body_pose, motion.transl
    smpl = np.concatenate((root, body, np.zeros((MOTION_FRAMES, 6))), axis=1)
    betas = np.tile(motion.betas, (MOTION_FRAMES, 1))
    group = {
        name: torch.from_numpy(np.array(value))
        for name, value in (("global_orient", root), ("body_pose", body), ("transl", position), ("betas", betas))
    }
    torch.save({"smpl_params_incam": group, "smpl_params_global": group}, folder / "hmr4d_results.pt")
    columns = np.zeros((MOTION_FRAMES, 322), dtype=np.float32)
    columns[:, :3], columns[:, 3:66], columns[:, 309:312], columns[:, 312:] = root, body, position, betas
    np.save(folder / "motionx.npy", columns)
    cameras = np.tile(np.eye(4), (MOTION_FRAMES, 1, 1))
    person = {"pose": smpl, "trans": position, "pose_world": smpl, "trans_world": position, "betas": betas}
    pickles: dict[str, Any] = {
        "wham_output.pkl": {0: {**person, "frame_ids": np.arange(MOTION_FRAMES)}},
        "3dpw.pkl": {"poses": [smpl], "trans": [position], "genders": ["m"], "cam_poses": cameras},
        "aist.pkl": {"smpl_poses": smpl, "smpl_trans": position * 100, "smpl_scaling": np.array([100.0])},
    }
    for number in range(3):
        one = {"transl": position, "global_orient": root, "body_pose": body, "betas": betas}
        pickles[f"rich/{number:05d}/004.pkl"] = {name: value[number : number + 1] for name, value in one.items()}
    for name, content in pickles.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pickle.dumps(content, protocol=4))
    Motion.load(folder / "wham_output.pkl", coordinates="camera")  # a seed that is not good tests nothing
    _collection(folder / "collection", motion)


def _collection(folder: Path, motion: Any) -> None:
    folder.mkdir()
    np.savez(
        folder / "motions.npz",
        body_pose=motion.body_pose,
        global_orient=motion.global_orient,
        transl=motion.transl,
        betas=np.stack([motion.betas] * 2),
        clip_start=np.array([0, MOTION_FRAMES // 2]),
        clip_length=np.array([MOTION_FRAMES // 2] * 2),
        clip_name=np.array(["subject/walk", "subject/run"]),
        fps=np.array(MOTION_FPS),
    )
    (folder / "clips.json").write_text("[]", encoding="utf-8")


def _picture(width: int = 48, height: int = 32, shift: int = 0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack((rows * 7 + shift, columns * 5, rows * columns % 256), axis=-1).astype(np.uint8)


def videos(seeds: Seeds, folder: Path) -> None:
    """A video of a second in every container."""
    import av

    folder.mkdir()
    for name, (codec, pixel_format) in VIDEOS.items():
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 48, 32, pixel_format
            stream.codec_context.thread_count = 1
            for number in range(CLIP_FRAMES):
                frame = av.VideoFrame.from_ndarray(_picture(shift=8 * number), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def pictures(seeds: Seeds, folder: Path) -> None:
    """A picture in every form."""
    from PIL import Image

    folder.mkdir()
    for ending in PICTURES:
        Image.fromarray(_picture()).save(folder / f"person.{ending}")


def checkpoint(seeds: Seeds, folder: Path) -> None:
    """The smallest checkpoint that has all parts."""
    micro = _from_tests("micro_checkpoint")
    micro.write_micro_checkpoint(folder)


def clips(seeds: Seeds, folder: Path) -> None:
    """Three clips."""
    size = ["--clips", str(CLIPS), "--frames", str(CLIP_FRAMES), "--size", str(CLIP_SIZE), "--workers", "1"]
    unimo("data", "render", str(seeds["motions/walk.npz"]), "-o", str(folder), *size)


def shards(seeds: Seeds, folder: Path) -> None:
    """Their codes."""
    unimo("data", "encode", str(seeds["clips"]), "-o", str(folder), "--model", str(seeds["checkpoint"]))


def unimo(*arguments: str) -> None:
    """Run a command of ours in this process; raises `RuntimeError` with what it printed if it fails."""
    from unimo_hf.cli.app import app

    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = app(list(arguments), prog_name="unimo", standalone_mode=False)
    if code:
        raise RuntimeError(f"unimo {' '.join(arguments)} fails: {out.getvalue()}{err.getvalue()}")


def recipe(seeds: Seeds, network: str, output: Path | str) -> dict[str, Any]:
    """A recipe of two steps for `motion-vqvae`, `video-fsq` or `unimo`."""
    micro = _from_tests("training/micro_recipes")
    assets = seeds["motions/walk.npz"].parent  # for its name only; every path is set below
    walk = str(seeds["motions/walk.npz"])
    if network == "motion-vqvae":
        values = micro.motion_vqvae_recipe(assets)
        values["data"]["motions"] = walk
    elif network == "video-fsq":
        values = micro.video_fsq_recipe(assets)
        values["data"] |= {"motions": walk, "front": 2, "around": 2}
        values["fit_start"] = False
        values["validation_clips"] = 1
    else:
        values = {
            "model": {"file": str(seeds["checkpoint"] / "config.json")},
            "tokenizers": {name: str(seeds["checkpoint"] / name) for name in ("video_fsq", "motion_vqvae")},
            "shards": str(seeds["shards"]),
            "validation_clips": 1,
            "size": CLIP_SIZE,
        }
    return {**values, "output": str(output), "optimisation": OPTIMISATION}


def runs(seeds: Seeds, folder: Path) -> None:
    """A training of each network that has come to its second step."""
    folder.mkdir()
    for network in ("motion-vqvae", "unimo"):
        path = folder / f"{network}.yaml"
        path.write_text(yaml.safe_dump(recipe(seeds, network, folder / network)), encoding="utf-8")
        unimo("train", network, str(path))


def _from_tests(module: str) -> Any:
    """A module of the tests, which make the smallest networks too."""
    import importlib

    path = REPOSITORY / "tests" / module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    return importlib.import_module(path.name)


MAKERS: dict[str, Callable[[Seeds, Path], None]] = {
    maker.__name__: maker for maker in (motions, videos, pictures, checkpoint, clips, shards, runs)
}
