"""The colours of a head from one photograph: a texture, or without texture coordinates a colour per vertex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from unveil.appearance.light import SkinLight
from unveil.appearance.texel_kernels import TexelMesh
from unveil.appearance.texture import COLOUR_PULL, NOBODY, bake_texture
from unveil.appearance.view import View, sample_view
from unveil.geometry.diffuse import Neighbours, diffuse, neighbours
from unveil.heads.model import MorphableModel
from unveil.reprs import short_repr
from unveil.typing import Bools, Float32s, Floats, Image, UInt8s

FINEST = 1024  # pixels across the head; photographs that show it larger are reduced


@dataclass(frozen=True, eq=False)
class HeadColours:
    """The colours of a head, RGB uint8: textures [S, S, 3], or vertex colours [V, 3] for a model without texture."""

    lit: UInt8s  # as the photograph shows them
    albedo: UInt8s  # without the light of the photograph; the same as ``lit`` where that is not known
    light: SkinLight | None = None  # x to the right, y up, z to the camera of the photograph; None where not known
    deviation: Float32s | None = None  # [S / 4, S / 4] by how many grey levels guessed colours may be off, where known
    __repr__ = short_repr

    @classmethod
    def alike(cls, colours: UInt8s) -> HeadColours:
        """Colours whose light is not known."""
        return cls(colours, colours)


def head_colours(
    image: Image,
    projected: Floats,
    model: MorphableModel,
    hidden: Callable[[], Bools] | Bools | None = None,
) -> HeadColours:
    """The textures that `bake_texture` gives, or vertex colours for a model that is not ``textured``.

    Args:
        image: the photograph, uint8 RGB [H, W, 3].
        projected: [V, 3] vertices in pixels of the image and a depth in pixels, smaller is nearer.
        model: the head model.
        hidden: [H, W] pixels of the image that do not show the head, and are not used; or a function that gives them.
    """
    if model.textured:
        baked = bake_texture(image, projected, model, hidden=hidden)
        return HeadColours(baked.lit, baked.albedo, baked.light if model.skin else None, baked.deviation)
    return HeadColours.alike(_at_vertices(image, projected, model, hidden() if callable(hidden) else hidden))


def vertex_colours(colours: UInt8s, model: MorphableModel) -> UInt8s:
    """The colour [V, 3] of each vertex, from a texture or from vertex colours; on a seam, from one of its sides."""
    if not model.textured:
        return colours
    return nearest_texels(colours, model.vertex_uv())


def nearest_texels(picture: UInt8s, uv: Floats) -> UInt8s:
    """The colours [N, 3] of a picture [H, W, 3] at texture coordinates [N, 2]."""
    height, width = picture.shape[:2]
    column = np.clip(uv[:, 0] * width, 0, width - 1).astype(int)
    row = np.clip((1 - uv[:, 1]) * height, 0, height - 1).astype(int)
    return np.asarray(picture[row, column], np.uint8)


def _at_vertices(
    image: Image,
    projected: Floats,
    model: MorphableModel,
    hidden: Bools | None,
) -> UInt8s:
    """The colour [V, 3] that the photograph shows at each vertex, continued smoothly where it shows none."""
    corners, edges = _mesh(model)
    seen = sample_view(View.of(image, np.asarray(projected, np.float64), model.faces, FINEST, hidden), corners)
    colours = diffuse(seen.colour, COLOUR_PULL * seen.weight, edges, NOBODY)
    return np.asarray(np.clip(colours + 0.5, 0, 255), np.uint8)


@lru_cache(maxsize=2)
def _mesh(model: MorphableModel) -> tuple[TexelMesh, Neighbours]:
    """Each vertex as the corner of one of its triangles, and the neighbours of each."""
    count = len(model.head.template)
    faces = np.ascontiguousarray(model.faces, np.int32)
    corner = np.zeros(count, np.int64)  # rows of the flattened faces
    corner[faces.ravel()] = np.arange(faces.size)
    triangle, place = np.divmod(corner, 3)
    return (triangle.astype(np.int32), np.eye(3, dtype=np.float32)[place], faces), neighbours(faces, count)
