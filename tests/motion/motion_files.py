# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motions for the tests, and files as other programs write them, made without the package."""

import contextlib
import struct
import tracemalloc

import numpy as np
import roma
import torch

from unimo_hf.motion.motion import Motion

# Rest pelvis of SMPL (male, female, neutral), metres: the first row of J_regressor @ v_template of the models that
# their owner publishes, as many programs that read AMASS and AIST++ print it; to more digits than the package has it.
SMPL_PELVIS = {
    "m": (-0.00217368, -0.24078917, 0.02858379),
    "f": (-0.00087631, -0.21141872, 0.02782112),
    "n": (-0.00179506, -0.22333382, 0.02821918),
}
# That of the body in use (assets/body/smplx), found in the same way, to a millimetre.
BODY_PELVIS = (0.0, -0.35, 0.0)


def make_motion(frames=5, fps=30.0, seed=0, **changes):
    """A random motion before a camera."""
    generator = np.random.default_rng((seed, frames))
    fields = {
        "body_pose": generator.normal(0, 0.4, (frames, 63)),
        "global_orient": generator.normal(0, 0.6, (frames, 3)),
        "transl": generator.normal(0, 1, (frames, 3)),
        "betas": generator.normal(0, 1, 10),
        "fps": fps,
    }
    return Motion(**(fields | changes))


def gvhmr_results(frames=5):
    """What GVHMR saves of a video, with random numbers."""

    def group(shift):
        return {
            "body_pose": torch.randn(frames, 63),
            "betas": torch.arange(frames)[:, None].repeat(1, 10).float(),
            "global_orient": torch.randn(frames, 3),
            "transl": torch.randn(frames, 3) + shift,
        }

    return {"smpl_params_incam": group(0), "smpl_params_global": group(9), "K_fullimg": torch.eye(3)}


def matrices(axis_angle):
    """Axis-angle `(T, 3J)` to matrices `(T, J, 3, 3)`, float64."""
    return roma.rotvec_to_rotmat(
        torch.as_tensor(np.array(axis_angle, dtype=np.float64)).unflatten(-1, (-1, 3))
    ).numpy()


def degrees_between(left, right):
    """The largest angle between rotations given as axis-angle `(T, 3J)`."""
    turns = matrices(left).swapaxes(-1, -2) @ matrices(right)
    skew = np.linalg.norm(turns - turns.swapaxes(-1, -2), axis=(-1, -2)) / np.sqrt(8)
    return float(np.degrees(np.arctan2(skew, (np.trace(turns, axis1=-2, axis2=-1) - 1) / 2)).max())


@contextlib.contextmanager
def memory_below(limit):
    """Fail where Python takes more than `limit` bytes at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def python2_pickle(value) -> bytes:
    """What cPickle of Python 2 writes at protocol 2: text and the bytes of arrays are both `str`."""
    return b"\x80\x02" + _pickled(value) + b"."


def _pickled(value) -> bytes:
    if isinstance(value, dict):
        return b"}(" + b"".join(_pickled(key) + _pickled(item) for key, item in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_pickled, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_pickled, value)) + b"t"
    if isinstance(value, str | bytes):
        content = value.encode("latin1") if isinstance(value, str) else value
        if len(content) < 256:
            return b"U" + bytes([len(content)]) + content
        return b"T" + struct.pack("<i", len(content)) + content
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    kind = value.dtype.str
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _pickled((0,)) + _pickled("b") + b"tR"
    dtype = (
        b"cnumpy\ndtype\n" + _pickled((kind[1:], 0, 1)) + b"R" + _pickled((3, kind[0], None, None, None, -1, -1, 0))
    )
    return (
        empty
        + b"("
        + _pickled(1)
        + _pickled(value.shape)
        + dtype
        + b"b"
        + _pickled(False)
        + _pickled(value.tobytes())
        + b"tb"
    )
