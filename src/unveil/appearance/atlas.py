"""The texels at which a texture is computed, and the texture that their values give.

The skin of a small head is computed at half the texels a side, because more would only enlarge the few pixels that show
it. Eyes are painted, not photographed, and keep the texels of the full texture.
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

# A head is small up to this many pixels on its longer side per texel on a side of the texture. openhead's texture of
# 1024, halved, then still has 0.8 texels along a line for each pixel of the face.
SMALL = 0.4
HALVED = 8  # the size of a texture is a multiple of this, so that all that is made from it can be halved as well
MARGIN = 6  # texels around the eyes that have their colour too, for filtering and mipmaps


@dataclass(frozen=True, eq=False)
class Atlas:
    """The N texels at which a texture is computed.

    First come those of a `TexelMap` of the texture's size, or of half of it; where it is half, then the texels of the
    eyeballs at the texture's own size.
    """

    size: int  # texels a side of the texture
    texels: TexelMap
    mesh: TexelMesh
    eyes_from: int  # the first of the N that may be an eyeball's
    fine: Int64s  # [N - in_map] row * size + column of the texels that are not in the map
    near: Int64s  # [K] the same for these and for those within `MARGIN` of them
    like: Int64s  # [K] which of the N gives each of these its value

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
        """How many of the N texels belong to the map; they come first."""
        return len(self.texels.texels)

    def sampled(self, picture: Float32s) -> Float32s:
        """The values [N, C] of a picture [S, S, C], of any size, at the texels."""
        side = self.texels.size
        smooth = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR).reshape(side**2, -1)
        row, column = np.divmod(self.fine, self.size)
        return np.concatenate([smooth[self.texels.texels], smooth[row // 2 * side + column // 2]])

    def texture(self, values: UInt8s) -> Image:
        """The texture [size, size, 3] with values [N, 3]; outside the islands it continues their colours."""
        small = self.texels.spread(values[: self.in_map])
        if self.texels.size == self.size:
            return small
        whole = cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        whole.reshape(self.size**2, -1)[self.near] = values[self.like]
        return np.asarray(whole, np.uint8)

    def flags(self, values: Bools) -> Bools:
        """Flags [N] of the texels as a texture [size, size]; False outside the islands."""
        small = np.zeros(self.texels.size**2, np.uint8)
        small[self.texels.texels] = values[: self.in_map]
        return enlarged(small.reshape(self.texels.size, -1), self.size) > 0


def is_small(projected: Floats, size: int) -> bool:
    """Whether half the texels a side are enough for the skin of a head.

    Args:
        projected: [V, 3] its vertices in pixels of the photograph, and a depth.
        size: texels a side of the texture.
    """
    low, high = bounds(projected[:, :2])
    return size % HALVED == 0 and bool((high - low).max() <= SMALL * size)


def enlarged(flags: UInt8s, size: int) -> UInt8s:
    """Flags [S, S] enlarged to [size, size]."""
    if len(flags) == size:
        return flags
    return np.asarray(cv2.resize(flags, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)


def eyeball_of(model: MorphableModel) -> Int64s:
    """The joint [V] of the eyeball that a vertex belongs to, because it moves with that alone; -1 for all others."""
    found = np.full(len(model.head.template), -1, np.int64)
    for joint, name in enumerate(model.head.joint_names):
        if name.endswith("eye"):
            found[np.asarray(model.head.skin_weights)[:, joint] > 0.99] = joint
    return found
