# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The parametric body: joints and vertices from SMPL-X parameters.

The kinematic chain is that of `smplx`, the field's own; this file reads the model file, skins the mesh, and fills what
UniMo does not model (hands, jaw, eyes, expression) with zeros. The default is the free (CC0) body that ships with the
package, in the SMPL-X file layout; a user's own `SMPLX_*.npz` drops in by path or by the environment variable
`UNIMO_BODY_MODEL`. SMPL-X model files are licensed by the Max Planck Society for non-commercial research and may not
be passed on: get your own at smpl-x.is.tue.mpg.de; nothing of one is shipped, cached or uploaded here.
"""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .npz import open_npz

FREE_BODY = Path(__file__).parent / "bodies" / "free_body_low.npz"
BODY_MODEL_VARIABLE = "UNIMO_BODY_MODEL"
NUM_BODY_JOINTS = 22
NUM_JOINTS = 55
NUM_BETAS = 10
# Left toe and heel, right toe and heel, by the number of vertices: SMPL-X, the free body, the free body reduced.
FOOT_VERTICES = {
    10475: (5770, 8846, 8463, 8635),
    13524: (5770, 8846, 8463, 8635),
    2502: (2159, 2366, 1105, 1117),
}

# Index of the parent of each of the 22 body joints; the pelvis has none.
BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)


class Body:
    """A body in the SMPL-X file layout.

    Args:
        arrays (`dict[str, np.ndarray]`): The fields of the model file that `smplx` reads.

    Raises:
        ValueError: If a field is missing, of another shape, or holds what is no finite number.

    Attributes:
        faces (`np.ndarray` of shape `(F, 3)`): Triangles, counter-clockwise seen from outside.
        regions (`np.ndarray` of shape `(V,)` or `None`): Region label of each vertex (free body only).
        region_names (`list[str]`): Names of the region labels.
    """

    REQUIRED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")

    def __init__(self, arrays: dict[str, np.ndarray]):
        _check_fields(arrays)

        def tensor(key: str) -> torch.Tensor:
            values = torch.as_tensor(np.array(arrays[key], dtype=np.float32))
            bad = int((~torch.isfinite(values)).sum())
            if bad:
                raise ValueError(f"{key} holds {bad} of {values.numel()} values that are not finite; all must be.")
            return values

        self.v_template = tensor("v_template")  # (V, 3)
        self.shapedirs = tensor("shapedirs")[..., :NUM_BETAS].contiguous()  # (V, 3, 10)
        self.joint_regressor = tensor("J_regressor")  # (55, V)
        self.skinning_weights = tensor("weights")  # (V, 55)
        posedirs = tensor("posedirs")  # (V, 3, 486)
        # The free body has no pose correctives: nothing is multiplied by zeros.
        self.posedirs = posedirs.flatten(0, 1).T.contiguous() if posedirs.any() else None  # (486, 3V)
        parents = np.asarray(arrays["kintree_table"])[0].astype(np.int64)
        parents[0] = -1
        self.parents = torch.as_tensor(parents)
        # Jaw, eyes and fingers at rest move as the head and the wrists do: their skin counts for those.
        owners = list(range(len(parents)))
        for joint in range(NUM_BODY_JOINTS, len(parents)):
            owners[joint] = owners[parents[joint]]
        self.body_skinning_weights = self.skinning_weights @ torch.eye(NUM_BODY_JOINTS)[owners]  # (V, 22)
        self.faces = np.asarray(arrays["f"]).astype(np.int32)
        self.regions = np.asarray(arrays["region"]) if "region" in arrays else None
        self.region_names = [str(name) for name in arrays.get("region_names", [])]
        # Rest joints are linear in the shape: keeping that map makes `joints` independent of the mesh size.
        self.rest_joints = self.joint_regressor @ self.v_template  # (55, 3)
        self.rest_joint_shapes = torch.einsum("jv,vck->jck", self.joint_regressor, self.shapedirs)  # (55, 3, 10)

    @classmethod
    def load(cls, path: str | os.PathLike | None = None) -> "Body":
        """Read a body model.

        The `smplx` package, which moves it, and SMPL-X model files are under a non-commercial licence of the Max
        Planck Society.

        Args:
            path (`str` or `os.PathLike`, *optional*): An `SMPLX_*.npz` of your own, under its licence. Default: the
                file named by the environment variable `UNIMO_BODY_MODEL`, else the free body that ships with the
                package (CC0).

        Raises:
            ValueError: If the file is no SMPL-X model in npz form, is damaged or too large, or has fields of another
                shape or values that are not finite.
        """
        return _load_cached(str(path or os.environ.get(BODY_MODEL_VARIABLE) or FREE_BODY))

    def joints(
        self,
        body_pose: torch.Tensor,
        global_orient: torch.Tensor,
        transl: torch.Tensor,
        betas: torch.Tensor,
    ) -> torch.Tensor:
        """Joint positions.

        Args:
            body_pose (`torch.Tensor` of shape `(T, 63)`): Axis-angle, radians. With `(T, 162)` jaw, eyes and hands
                follow in the order of SMPL-X's joints (hands in full, from the flat hand); they are zero otherwise.
            global_orient (`torch.Tensor` of shape `(T, 3)`): Axis-angle, radians.
            transl (`torch.Tensor` of shape `(T, 3)`): Metres.
            betas (`torch.Tensor` of shape `(10,)` or `(T, 10)`): Shape.

        Returns:
            `torch.Tensor` of shape `(T, 55, 3)`: Metres, in the frame of `transl`; the first 22 are the body joints.
        """
        from smplx.lbs import batch_rigid_transform, batch_rodrigues

        frames = len(global_orient)
        pose = self._full_pose(body_pose, global_orient)
        rotations = batch_rodrigues(pose.reshape(-1, 3)).reshape(frames, NUM_JOINTS, 3, 3)
        positions, _ = batch_rigid_transform(rotations, self.rest(self._expand(betas, frames)), self.parents)
        return positions + torch.as_tensor(transl, dtype=torch.float32)[:, None]

    def vertices(
        self,
        body_pose: torch.Tensor,
        global_orient: torch.Tensor,
        transl: torch.Tensor,
        betas: torch.Tensor,
    ) -> torch.Tensor:
        """Mesh vertices; arguments as [`Body.joints`].

        Returns:
            `torch.Tensor` of shape `(T, V, 3)`: Metres, in the frame of `transl`.
        """
        from smplx.lbs import batch_rigid_transform, batch_rodrigues

        frames = len(global_orient)
        betas = torch.as_tensor(betas, dtype=torch.float32)
        pose = self._full_pose(body_pose, global_orient)
        rotations = batch_rodrigues(pose.reshape(-1, 3)).reshape(frames, NUM_JOINTS, 3, 3)
        # A shape that stays is blended once and not once a frame.
        shaped = self.v_template + torch.einsum("vck,...k->...vc", self.shapedirs, betas)  # ([T,] V, 3)
        if self.posedirs is not None:
            feature = (rotations[:, 1:] - torch.eye(3)).flatten(1)
            shaped = shaped + (feature @ self.posedirs).unflatten(1, (-1, 3))
        rest = self.rest(self._expand(betas, frames))
        _, transforms = batch_rigid_transform(rotations, rest, self.parents)  # (T, 55, 4, 4)
        return _skin(self.skinning_weights, transforms, shaped) + torch.as_tensor(transl, dtype=torch.float32)[:, None]

    def posed_joints(
        self, rotations: torch.Tensor, betas: torch.Tensor, every_vertex: int | None = None
    ) -> torch.Tensor:
        """Joints, and vertices behind them if asked for, the pelvis at its rest place; differentiable.

        Jaw, eyes and hands are at rest, and pose correctives are left out: what a loss needs, and no more.

        Args:
            rotations (`torch.Tensor` of shape `(N, 22, 3, 3)`): Of the body joints, the pelvis first.
            betas (`torch.Tensor` of shape `(N, 10)`): Shape.
            every_vertex (`int`, *optional*): Each `every_vertex`-th follows the joints. Default: none does.

        Returns:
            `torch.Tensor` of shape `(N, 22 + V', 3)`: Metres.
        """
        from smplx.lbs import batch_rigid_transform

        device = rotations.device
        rest, shapes = (table[:NUM_BODY_JOINTS].to(device) for table in (self.rest_joints, self.rest_joint_shapes))
        rest = rest + torch.einsum("jck,nk->njc", shapes, betas)
        joints, transforms = batch_rigid_transform(rotations, rest, self.parents[:NUM_BODY_JOINTS])
        if every_vertex is None:
            return joints
        template, shapes, weights = (
            table[::every_vertex].to(device) for table in (self.v_template, self.shapedirs, self.body_skinning_weights)
        )
        vertices = _skin(weights, transforms, template + torch.einsum("vck,nk->nvc", shapes, betas))
        return torch.cat((joints, vertices), dim=1)

    @property
    def foot_vertices(self) -> tuple[int, int, int, int] | None:
        """Vertices of the left toe and heel and of the right toe and heel; `None` for a mesh that is not known."""
        return FOOT_VERTICES.get(len(self.v_template))

    def rest(self, betas: torch.Tensor) -> torch.Tensor:
        """Rest joints of shaped bodies, `(..., 10)` to `(..., 55, 3)`, metres, model frame (y up)."""
        return self.rest_joints + torch.einsum("jck,...k->...jc", self.rest_joint_shapes, betas)

    def rest_pelvis(self, betas: torch.Tensor) -> torch.Tensor:
        """Rest position of the pelvis, `(..., 10)` to `(..., 3)`: `pelvis = transl + rest_pelvis`."""
        return self.rest(torch.as_tensor(betas, dtype=torch.float32))[..., 0, :]

    @staticmethod
    def _full_pose(body_pose: torch.Tensor, global_orient: torch.Tensor) -> torch.Tensor:
        body_pose = torch.as_tensor(body_pose, dtype=torch.float32)
        global_orient = torch.as_tensor(global_orient, dtype=torch.float32)
        pose = body_pose.new_zeros(len(body_pose), NUM_JOINTS * 3)
        pose[:, :3] = global_orient
        pose[:, 3 : 3 + body_pose.shape[1]] = body_pose
        return pose

    @staticmethod
    def _expand(betas: torch.Tensor, frames: int) -> torch.Tensor:
        return torch.as_tensor(betas, dtype=torch.float32).expand(frames, NUM_BETAS)


def _skin(weights: torch.Tensor, transforms: torch.Tensor, shaped: torch.Tensor) -> torch.Tensor:
    """Linear blend skinning: `(V, J)`, `(T, J, 4, 4)` and `([T,] V, 3)` to `(T, V, 3)`."""
    blended = weights @ transforms[:, :, :3].flatten(2)  # (T, V, 12)
    turn, shift = blended.unflatten(2, (3, 4)).split((3, 1), dim=3)
    return (turn * shaped.unsqueeze(-2)).sum(dim=-1) + shift[..., 0]


@lru_cache(maxsize=4)
def _load_cached(path: str) -> Body:
    try:
        with open_npz(path) as archive:
            # No others: official files hold pickled objects beside them.
            wanted = (*Body.REQUIRED, "region", "region_names")
            arrays = {key: archive.read(key) for key in wanted if key in archive.names}
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is not a readable SMPL-X model file (.npz without pickled objects): {error}"
        ) from error
    try:
        return Body(arrays)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _check_fields(arrays: dict[str, np.ndarray]) -> None:
    """Raise `ValueError` unless the fields of a body model are there and fit together."""
    missing = [key for key in Body.REQUIRED if key not in arrays]
    if missing:
        raise ValueError(f"The body model lacks the fields {missing}; an SMPL-X npz has {list(Body.REQUIRED)}.")
    vertices = arrays["v_template"].size // 3
    shapes: dict[str, tuple[int | None, ...]] = {
        "v_template": (None, 3),
        "shapedirs": (vertices, 3, None),
        "posedirs": (vertices, 3, 9 * (NUM_JOINTS - 1)),
        "J_regressor": (NUM_JOINTS, vertices),
        "weights": (vertices, NUM_JOINTS),
        "kintree_table": (2, NUM_JOINTS),
        "f": (None, 3),
        "region": (vertices,),
    }
    for key in (key for key in shapes if key in arrays):
        array, shape = arrays[key], shapes[key]
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{key} is of type {array.dtype}; it must be numbers.")
        if array.ndim != len(shape) or any(
            not length if wanted is None else length != wanted
            for length, wanted in zip(array.shape, shape, strict=True)
        ):
            allowed = str(shape).replace("None", "1 or more")
            raise ValueError(f"{key} has shape {array.shape}; it must be {allowed}.")
    if arrays["shapedirs"].shape[2] < NUM_BETAS:
        raise ValueError(f"shapedirs has {arrays['shapedirs'].shape[2]} shapes; {NUM_BETAS} or more are needed.")
    parents = arrays["kintree_table"][0].tolist()
    if tuple(parents[1:NUM_BODY_JOINTS]) != BODY_PARENTS[1:] or any(
        not 0 <= parents[joint] < joint for joint in range(NUM_BODY_JOINTS, NUM_JOINTS)
    ):
        raise ValueError(
            f"kintree_table has the parents {parents}; those of the body joints must be {list(BODY_PARENTS)}, and the "
            "others must stand before their children."
        )
    first, last = arrays["f"].min(), arrays["f"].max()
    if not 0 <= first <= last < vertices:
        raise ValueError(f"f has faces of the vertices {first} to {last}; allowed are 0 to {vertices - 1}.")
