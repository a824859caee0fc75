"""The ends of hair: single strands of different lengths at its edge, instead of a line.

They are a strip of triangles around the cap with a picture of its own, in which strands are opaque and what is between
them is not.
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

# Texels, of about a millimetre: how far inside its edge hair lets no skin show, and how far outside it ends at most.
SOLID, REACH = 6.0, 8.0
SOME = 8  # texels at the edge of which one tells the usual colour there
LENGTHS = 3.5, 5.5  # texels outside its edge that the shortest strands reach, and usual ones
# Times the texels over which hair thins out, and by how many of these later: it does so inside its edge.
THINNER, LATER = 0.4, 3.0
# Texels by which strands are longer or shorter, and by which an edge wanders, standard deviation; and how far across
# and along hair they are so.
STRANDS, WANDERS = (0.8, 0.5, 9.0), (4.0, 9.0, 14.0)


def away_from_hair(shape: HairShape) -> Float32s:
    """How far [H, W] texels are from hair, in texels; less than zero inside.

    Where no photograph tells where it ends, its edge wanders.
    """
    inside = at_texels(shape.cover) > 0
    margin = round((SOLID + REACH) / THINNER) + 1
    around = np.pad(inside, ((0, 0), (margin, margin)), mode="wrap").astype(np.uint8)
    around = np.pad(around, ((0, 1), (0, 0)))  # below the last row there is none
    outside, within = (cv2.distanceTransform(mask, cv2.DIST_L2, 3)[:-1] for mask in (1 - around, around))
    thins = at_texels(shape.thins)
    share = 1 - (1 - THINNER) * thins
    wanders = share * (1 - at_texels(shape.told)) * _uneven(*WANDERS)
    return np.asarray(share * ((outside - within)[:, margin:-margin] + wanders) + LATER * thins, np.float32)


def at_nodes(texels: Float32s) -> Float64s:
    """Values [R, C] at nodes of those [H, W] at texels."""
    first, left = PER_NODE * np.arange(ROWS)[:, None], PER_NODE * np.arange(COLUMNS)
    above, below = np.maximum(first - 1, 0), np.minimum(first, HEIGHT - 1)
    corners = texels[above, left - 1] + texels[below, left - 1] + texels[above, left] + texels[below, left]
    nodes = corners.astype(np.float64) / 4
    nodes[0] = nodes[0].mean()  # one point
    return nodes


def lowered(away: Float32s) -> Float64s:
    """How many metres [R, C] strands are nearer to the skin than a surface of hair, which they end on."""
    return CLEAR * smooth_step(at_nodes(away), 0, REACH)


def loose_ends(points: Float64s, thins: Float64s, away: Float32s, picture: UInt8s, seen: Float32s) -> HairEnds:
    """The ends of hair.

    Args:
        points: [R, C, 3] of its surface at the nodes.
        thins: [R, C] how far it thins out there.
        away: [H, W] from its edge.
        picture: [H, W, 3] of it.
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
    """All triangles [F], and column and row [F, 3] of the nodes at their corners."""
    mesh = cap_mesh(np.ones((ROWS, COLUMNS)))
    column, row = np.rint(mesh.places).astype(np.int64)[mesh.uv_faces].transpose(2, 0, 1)
    return mesh, column % COLUMNS, row


@compiled
def _draw(picture: Any, away: Any, lengths: Any, usual: Any, result: Any) -> None:
    """The picture [H, W, 3] with opacities, in ``result`` [H, W, 4]; ``usual`` [3] colours where no strand shows any.

    These may mix into strands where a viewer draws them small. Hair is thin where it begins.
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
    """Texels [H, W] outside the edge that strands reach, more evenly where they thin out [R, C]."""
    spread = 1 - (1 - THINNER) * at_texels(thins)
    return np.asarray(np.clip(LENGTHS[1] + spread * _uneven(*STRANDS), LENGTHS[0], REACH), np.float32)


@lru_cache(maxsize=2)
def _uneven(spread: float, across: float, along: float) -> Float32s:
    """Texels [H, W] with a standard deviation, alike over so many texels."""
    return np.asarray(spread * smooth_noise((HEIGHT, WIDTH), across, along, seed=2), np.float32)
