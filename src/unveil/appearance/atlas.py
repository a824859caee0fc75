"""The texels at which a texture is computed, and the texture that is made of their values.

A small face is computed at half the texels a side: more would only enlarge what few pixels show. Eyes are painted, not
photographed, and keep the texels of the whole texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.appearance.texel_kernels import TexelMesh
from unveil.geometry.arrays import bounds
from unveil.geometry.uv import TexelMap, texel_map
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Float32s, Floats, Image, Int64s, UInt8s

# Pixels of the head's longer side, of the texels a side, up to which half the texels do. openhead's texture of 1024
# then has 0.8 texels, along a line, for each pixel of a face.
SMALL = 0.4
HALVED = 8  # what a size is to be a multiple of, for all that is made of a texture to be half as fine too
MARGIN = 6  # texels around the eyes that have their colour too, for filtering and mipmaps


@dataclass(frozen=True, eq=False)
class Atlas:
    """The N texels of a texture at which it is computed.

    They are those of a `TexelMap` of the texture's size or half of it, and after them, where it is half, the texels of
    the eyeballs in the texture itself.
    """

    size: int  # texels a side of the texture
    texels: TexelMap
    mesh: TexelMesh
    eyes_from: int  # the first of the N that may be an eyeball's
    fine: Int64s  # [N - in_map] row * size + column, of those texels that are not in the map
    near: Int64s  # [K] the same of those and of what is near them
    like: Int64s  # [K] which of the N these are like

    @classmethod
    def of(cls, model: MorphableModel, size: int, *, halved: bool) -> Atlas:
        """The texels of a head model with texture coordinates."""
        faces = np.ascontiguousarray(model.faces, np.int32)
        whole = texel_map(model.uv, model.uv_faces, size // 2 if halved else size).by_triangle()
        eyes = np.flatnonzero(eyeball_of(model)[model.faces].min(axis=1) >= 0)
        if not (halved and len(eyes)):
            nothing = np.zeros(0, np.int64)
            return cls(size, whole, (whole.triangle, whole.barycentric, faces), 0, nothing, nothing, nothing)
        fine = texel_map(model.uv, model.uv_faces[eyes], size).by_triangle()
        mesh = (
            np.concatenate([whole.triangle, eyes[fine.triangle].astype(np.int32)]),
            np.concatenate([whole.barycentric, fine.barycentric]),
            faces,
        )
        others = np.zeros(whole.size**2, np.uint8)
        others[whole.texels[~np.isin(whole.triangle, eyes)]] = 1
        away = np.ones(size * size, np.uint8)
        away[fine.texels] = 0
        close = cv2.distanceTransform(away.reshape(size, size), cv2.DIST_L2, 3) <= MARGIN
        near = np.flatnonzero(close & (enlarged(others.reshape(whole.size, -1), size) == 0))
        count = len(whole.texels)
        return cls(
            size, whole, mesh, count, fine.texels.astype(np.int64), near, count + fine.nearest[near].astype(np.int64)
        )

    @property
    def in_map(self) -> int:
        """How many of the N texels, the first, are those of the map."""
        return len(self.texels.texels)

    def sampled(self, picture: Float32s) -> Float32s:
        """A picture [S, S, C] of any size at the texels: [N, C]."""
        side = self.texels.size
        smooth = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR).reshape(side**2, -1)
        row, column = np.divmod(self.fine, self.size)
        return np.concatenate([smooth[self.texels.texels], smooth[row // 2 * side + column // 2]])

    def texture(self, values: UInt8s) -> Image:
        """The texture [size, size, 3] of values [N, 3]; outside the islands it is as inside of them."""
        small = self.texels.spread(values[: self.in_map])
        if self.texels.size == self.size:
            return small
        whole = cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        whole.reshape(self.size**2, -1)[self.near] = values[self.like]
        return np.asarray(whole, np.uint8)

    def flags(self, values: Bools) -> Bools:
        """Values [N] in the texture [size, size]; False outside the islands."""
        small = np.zeros(self.texels.size**2, np.uint8)
        small[self.texels.texels] = values[: self.in_map]
        return enlarged(small.reshape(self.texels.size, -1), self.size) > 0


def is_small(projected: Floats, size: int) -> bool:
    """Whether half the texels of a texture of ``size`` a side do for a head.

    Args:
        projected: [V, 3] its vertices in pixels of the photograph, and a depth.
        size: texels a side.
    """
    low, high = bounds(projected[:, :2])
    return size % HALVED == 0 and bool((high - low).max() <= SMALL * size)


def enlarged(flags: UInt8s, size: int) -> UInt8s:
    """Flags [S, S] in a square of ``size`` a side."""
    if len(flags) == size:
        return flags
    return np.asarray(cv2.resize(flags, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)


def eyeball_of(model: MorphableModel) -> Int64s:
    """The joint [V] of the eyeball that a vertex belongs to, moving with it and no other; -1 for all others."""
    found = np.full(len(model.head.template), -1, np.int64)
    for joint, name in enumerate(model.head.joint_names):
        if name.endswith("eye"):
            found[np.asarray(model.head.skin_weights)[:, joint] > 0.99] = joint
    return found
