"""The picture on a hair cap: hair that the photograph shows, continued around the head by hair like it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS, HairFrame
from unveil.appearance.hair.look import FLOOR, hair_look
from unveil.appearance.hair.mesh import WIDE, grid_faces
from unveil.appearance.hair.photographed import colours_at_texels, join, shown_at_texels
from unveil.appearance.hair.shape import HairShape
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.strands import broad_colours, strands_like
from unveil.appearance.hair.tone import ALIKE, HairTone
from unveil.appearance.hair.view import HairView
from unveil.geometry.compiled import compiled
from unveil.geometry.diffuse_grid import diffuse_grid
from unveil.geometry.rasterize import nearest_depth
from unveil.photos.cielab import to_cielab, to_srgb
from unveil.photos.crop import Crop
from unveil.typing import Float32s, Float64s, Floats, Ints, UInt8s

PER_NODE = 6  # texels from node to node
HEIGHT, WIDTH = (ROWS - 1) * PER_NODE, COLUMNS * PER_NODE
TO_NODES = np.array([[1.0, 0, 0.5], [0, 1, 0.5]]) / PER_NODE  # from texels to nodes
PHOTO_SIZE = 448  # pixels a side of the crop that the picture is taken from: about one a texel
DEPTH_SIZE = 160  # pixels a side of the depth map that tells what lies in front
DEPTH_SLACK = 0.008  # metres behind that surface at which hair is still seen
BROAD = 10.0  # texels over which colours are averaged; wider changes are colour and light, and not strands
EDGE = (-5.0, -2.0)  # texels from the edge of hair between which it blends into what is around it
SOME = 0.5  # share from which on a texel counts as shown by the photograph
FAR_PULL = 0.02  # how soon, away from hair that is seen, hair gets the mean colour


def hair_picture(
    head: Sighted, frame: HairFrame, shape: HairShape, away: Float32s, view: HairView, faces: Ints
) -> tuple[UInt8s, Float32s]:
    """The picture uint8 [HEIGHT, WIDTH, 3], and how far [R, C] the photograph shows the hair at the nodes.

    Args:
        head: in the photograph.
        frame: around the head.
        shape: of the hair.
        away: [HEIGHT, WIDTH] distance of texels from the edge of hair, in texels; less than zero inside.
        view: where the photograph shows hair.
        faces: triangles [F, 3] of the head, which may hide hair.
    """
    cover = at_texels(shape.cover)
    colour, seen = _seen(head, frame.at(shape.distance), view, faces)
    free, shown, weight = (np.ascontiguousarray(seen[..., k]) for k in range(3))
    there = np.flatnonzero(np.maximum(shown, weight))
    like = _likeness(colour.reshape(-1, 3)[there], view.tone)
    weight.ravel()[there] *= like * (cover.ravel()[there] > 0)
    shown.ravel()[there] *= like
    broad, known = broad_colours(colour, weight, BROAD)
    strands = strands_like(hair_look(head, view), weight.shape, short=shape.short)
    shown, picture = np.maximum(shown, weight), np.empty((HEIGHT, WIDTH, 3), np.uint8)
    join(shown, (np.maximum(shown, free) < SOME) & (cover > 0), strands)
    invented = np.exp(strands, out=strands), _continued(broad, known, view.tone)
    _mix(invented, colour, (shown, free, away), picture)
    at_nodes = cv2.resize(shown, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return picture, np.asarray(at_nodes, np.float32)


@compiled
def _mix(invented: Any, colour: Any, shares: Any, picture: Any) -> None:
    """Fill the picture [H, W, 3]: with the photograph as far as it shows hair, else with broad colours times strands.

    At its edge, hair has the colours of the photograph wherever that shows the head, hair or not, so that no seam is
    seen between hair and skin.

    Args:
        invented: factors [H, W] of the strands, and broad colours [H, W, 3].
        colour: [H, W, 3] of the photograph.
        shares: [H, W] each: how far the photograph shows hair, how far it shows the head, and texels from the edge.
        picture: filled in.
    """
    (strands, broad), (shown, free, away) = invented, shares
    black, one, half, white = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
    start, per_texel = np.float32(EDGE[0]), np.float32(1 / (EDGE[1] - EDGE[0]))
    for i in range(picture.shape[0]):
        for j in range(picture.shape[1]):
            edge = min(max((away[i, j] - start) * per_texel, black), one)
            share = max(shown[i, j], free[i, j] * edge)
            for c in range(3):
                usual = strands[i, j] * (broad[i, j, c] + FLOOR) - FLOOR
                value = usual + share * (colour[i, j, c] - usual) + half
                picture[i, j, c] = np.uint8(min(max(value, half), white))


def at_texels(nodes: Float64s) -> Float32s:
    """Values [R, C, ...] of the nodes interpolated at the texels: [H, W, ...]."""
    around = np.concatenate([nodes, nodes[:, :1]], axis=1).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(around, TO_NODES, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _seen(head: Sighted, points: Float64s, view: HairView, faces: Ints) -> tuple[Float32s, Float32s]:
    """What the photograph shows of hair whose nodes are at points [R, C, 3].

    Returns:
        Its colour [H, W, 3], and how far [H, W, 3] the photograph shows the head there; hair, or what is between hairs;
        and surely hair.
    """
    nodes = np.asarray(view.project(points), np.float64)
    maps = np.dstack([view.odds, view.inner().odds, view.known, view.inside_head()])
    crop, depth = _depth(nodes, view, (head.neutral, faces))
    front = (crop.matrix, depth, DEPTH_SLACK * view.scale)
    shown = shown_at_texels(nodes, PER_NODE, (view.crop.matrix, maps), front)
    # Made smaller, because skin shows between hairs at the hairline, and the wall at the outline.
    shown = np.asarray(cv2.GaussianBlur(cv2.erode(shown, np.ones((3, 3))), (0, 0), 2.0), np.float32)
    picture, to_image = view.crop.resized(PHOTO_SIZE).visible_region(head.photograph)
    to_picture = np.asarray(np.linalg.inv(to_image)[:2], np.float64)
    colour = colours_at_texels(nodes, PER_NODE, (to_picture, np.ascontiguousarray(picture)), shown)
    return colour, shown


def _likeness(colour: Float32s, tone: HairTone) -> Float32s:
    """How much [N] colours [N, 3] are like a mixture of hair and skin, from 0 to 1."""
    square = tone.unlike(to_cielab(colour))
    return np.asarray(np.exp(-np.maximum(square - ALIKE**2, 0) / ALIKE), np.float32)


def _depth(nodes: Float64s, view: HairView, head: tuple[Floats, Ints]) -> tuple[Crop, Float32s]:
    """The depth [D, D] of what is nearest, head or hair, and the crop that it is in.

    Args:
        nodes: [R, C, 3] of hair, in the photograph.
        view: of the photograph.
        head: its vertices [V, 3] in model space, and its triangles [F, 3].
    """
    crop = view.crop.resized(DEPTH_SIZE)
    seen = np.concatenate([nodes.reshape(-1, 3), view.project(head[0])])
    drawn = np.column_stack([crop.to_crop(seen[:, :2]), seen[:, 2]])
    triangles = np.concatenate([_patches(), head[1] + nodes[..., 0].size])
    return crop, nearest_depth(drawn, triangles, DEPTH_SIZE, DEPTH_SIZE)


@lru_cache(maxsize=1)
def _patches() -> Ints:
    """The triangles [F, 3] between the nodes [R, C]; the last column is beside the first."""
    row, column = np.divmod(grid_faces(), WIDE)
    return np.asarray(row * COLUMNS + column % COLUMNS)


def _continued(broad: Float32s, weight: Float32s, tone: HairTone) -> Float32s:
    """Broad colours [h, w, 3] at all texels [H, W, 3], continued smoothly where their weights [h, w] are zero."""
    nodes = cv2.resize(np.dstack([broad * weight[..., None], weight]), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    known = nodes[..., 3]
    values = nodes[..., :3] / np.maximum(known, 1e-3)[..., None]
    usual = to_srgb(tone.hair)
    mean = ((values * known[..., None]).sum(axis=(0, 1)) + tone.nodes * usual) / (float(known.sum()) + tone.nodes)
    # A weak pull to the mean, so that the far side is not a copy of what is seen at the rim.
    pull = 2 * known + FAR_PULL
    wanted = (2 * known[..., None] * values + FAR_PULL * mean) / pull[..., None]
    return at_texels(np.dstack([diffuse_grid(channel, pull) for channel in np.moveaxis(wanted, -1, 0)]))
