"""The ends of hair: at its edge single strands of different lengths, instead of a line.

They are a strip of triangles around the cap. It has a picture of its own, in which strands are opaque and the gaps
between them transparent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS
from unveil.appearance.hair.mesh import CapMesh, cap_mesh
from unveil.appearance.hair.noise import smooth_noise
from unveil.appearance.hair.picture import HEIGHT, PER_NODE, WIDTH, at_texels
from unveil.appearance.hair.shape import CLEAR, HairShape
from unveil.geometry.compiled import compiled
from unveil.geometry.smooth_step import smooth_step
from unveil.geometry.smooth_step_compiled import step_between
from unveil.heads.parts import HairEnds
from unveil.typing import Float32s, Float64s, Int64s, UInt8s

# A texel is about a millimetre.
SOLID = 6.0  # texels inside its edge from which on hair lets no skin show
REACH = 8.0  # texels outside its edge where the longest strands end
LENGTHS = 3.5, 5.5  # texels outside its edge that the shortest strands reach, and usual ones
THINNER = 0.4  # factor for distances from the edge where hair thins out, so that it does so over more texels
LATER = 3.0  # texels that are added to them there, so that hair thins out inside its edge
# Standard deviation in texels, and the texels across and along hair over which values are alike.
STRANDS = (0.8, 0.5, 9.0)  # of the lengths of strands
WANDERS = (4.0, 9.0, 14.0)  # of an edge that no photograph shows
SOME = 8  # every so many texels at the edge, one is taken for the usual colour there


def away_from_hair(shape: HairShape) -> Float32s:
    """Distance [H, W] of texels from the edge of hair, in texels; less than zero inside.

    Where no photograph tells where hair ends, its edge wanders.
    """
    inside = at_texels(shape.cover) > 0
    margin = round((SOLID + REACH) / THINNER) + 1
    around = np.pad(inside, ((0, 0), (margin, margin)), mode="wrap").astype(np.uint8)
    around = np.pad(around, ((0, 1), (0, 0)))  # below the last row there is no hair
    outside, within = (cv2.distanceTransform(mask, cv2.DIST_L2, 3)[:-1] for mask in (1 - around, around))
    thins = at_texels(shape.thins)
    share = 1 - (1 - THINNER) * thins
    wanders = share * (1 - at_texels(shape.told)) * _uneven(*WANDERS)
    return np.asarray(share * ((outside - within)[:, margin:-margin] + wanders) + LATER * thins, np.float32)


def at_nodes(texels: Float32s) -> Float64s:
    """Values [R, C] at the nodes, each the mean of the texels [H, W] around it."""
    first, left = PER_NODE * np.arange(ROWS)[:, None], PER_NODE * np.arange(COLUMNS)
    above, below = np.maximum(first - 1, 0), np.minimum(first, HEIGHT - 1)
    corners = texels[above, left - 1] + texels[below, left - 1] + texels[above, left] + texels[below, left]
    nodes = corners.astype(np.float64) / 4
    nodes[0] = nodes[0].mean()  # the crown is one point
    return nodes


def lowered(away: Float32s) -> Float64s:
    """Metres [R, C] by which strands lie closer to the skin than the surface of hair, so that they end on the skin."""
    return CLEAR * smooth_step(at_nodes(away), 0, REACH)


def loose_ends(points: Float64s, thins: Float64s, away: Float32s, picture: UInt8s, seen: Float32s) -> HairEnds:
    """The ends of hair.

    Args:
        points: [R, C, 3] of the strands at the nodes.
        thins: [R, C] how gradually hair thins out there, from 0 to 1.
        away: [H, W] texels from its edge, as `away_from_hair` gives them.
        picture: [H, W, 3] of the hair.
        seen: [R, C] how far the photograph shows it.
    """
    mesh, column, row = _whole_grid()
    a, b, c = at_nodes(away)[row, column].T
    near = (np.minimum(np.minimum(a, b), c) < REACH) & (np.maximum(np.maximum(a, b), c) > -SOLID)
    mesh = mesh.part(np.asarray(near))
    at_edge = np.flatnonzero(np.abs(away) < SOLID)[::SOME]
    usual = np.median(picture.reshape(-1, 3)[at_edge], axis=0).astype(np.uint8)
    with_opacity = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    _draw(picture, away, _lengths(thins), usual, with_opacity)
    return HairEnds(
        vertices=mesh.vertices(points).astype(np.float32),
        faces=mesh.faces,
        uv=mesh.uv,
        uv_faces=mesh.uv_faces,
        picture=with_opacity,
        hidden=np.asarray(1 - mesh.vertices(seen[..., None])[:, 0], np.float32),
    )


@lru_cache(maxsize=1)
def _whole_grid() -> tuple[CapMesh, Int64s, Int64s]:
    """All triangles [F], and the columns and rows [F, 3] of the nodes at their corners."""
    mesh = cap_mesh(np.ones((ROWS, COLUMNS)))
    column, row = np.rint(mesh.places).astype(np.int64)[mesh.uv_faces].transpose(2, 0, 1)
    return mesh, column % COLUMNS, row


@compiled
def _draw(picture: Any, away: Any, lengths: Any, usual: Any, result: Any) -> None:
    """Write the picture [H, W, 3] with opacities into ``result`` [H, W, 4].

    Where no strand shows, it has the ``usual`` colour [3], because viewers that draw it small mix that into strands.
    Opacity grows from the ends of strands, ``lengths`` [H, W] outside the edge, to where hair is solid.
    """
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            share = step_between(away[i, j], lengths[i, j], -SOLID)
            opacity = np.uint8(255 * share + 0.5)
            shown = opacity > 0 and away[i, j] >= -2 * PER_NODE
            for k in range(3):
                result[i, j, k] = picture[i, j, k] if shown else usual[k]
            result[i, j, 3] = opacity


def _lengths(thins: Float64s) -> Float32s:
    """Texels [H, W] outside the edge where strands end; these differ less where hair thins out [R, C]."""
    spread = 1 - (1 - THINNER) * at_texels(thins)
    return np.asarray(np.clip(LENGTHS[1] + spread * _uneven(*STRANDS), LENGTHS[0], REACH), np.float32)


@lru_cache(maxsize=2)
def _uneven(spread: float, across: float, along: float) -> Float32s:
    """Smooth random values [H, W] with standard deviation ``spread``, alike over texels ``across`` and ``along``."""
    return np.asarray(spread * smooth_noise((HEIGHT, WIDTH), across, along, seed=2), np.float32)
