"""The picture on a hair cap: hair that the photograph shows, and around the head what goes on like it."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS, HairFrame, grid_edges
from unveil.appearance.hair.quilt import broad_colours, quilted
from unveil.appearance.hair.shape import HairShape
from unveil.appearance.hair.surroundings import Sighted
from unveil.appearance.hair.view import FARTHEST, HairTone, HairView, look_up
from unveil.geometry.arrays import squared_lengths
from unveil.geometry.diffuse import diffuse
from unveil.geometry.rasterize import rasterize
from unveil.geometry.smooth_step import smooth_step
from unveil.photos.cielab import to_cielab, to_srgb
from unveil.typing import Bools, Float32s, Float64s, Floats, Ints, UInt8s

PER_NODE = 6  # texels from node to node
HEIGHT, WIDTH = (ROWS - 1) * PER_NODE, COLUMNS * PER_NODE
PHOTO_SIZE = 448  # pixels a side of the crop that the picture is taken from: about one a texel
DEPTH_SIZE, DEPTH_SLACK = 160, 0.008  # pixels a side to find out what lies in front, and metres behind it
BROAD = 10.0  # texels, of what is colour and light rather than strands
FACING = (0.05, 0.35)  # cosines to the camera between which hair is seen well enough
SURE = (0.0, 1.5)  # log odds between which a pixel counts as hair
SHOWN = (-2.0, -0.5)  # the same between which it is shown as it is, such as the skin between hairs
EDGE = (-5.0, -2.0)  # texels from the edge of hair between which it goes over into what is around it
ALIKE = 3.5  # times that colours spread, which is still hair
FAR_PULL = 0.02  # how soon hair that is not seen has the mean colour of what is
DARKEST = 3.0  # grey level
STRONGEST = 0.45  # of the logarithm by which strands differ from what is around them
KNOWN = 0.75  # weight from which on a texel is as photographed


def hair_picture(
    head: Sighted, frame: HairFrame, shape: HairShape, away: Float32s, view: HairView, faces: Ints
) -> tuple[UInt8s, Float32s]:
    """The picture uint8 [HEIGHT, WIDTH, 3], and how far the photograph shows the hair at the nodes [R, C].

    Args:
        head: in the photograph.
        frame: around the head.
        shape: of the hair.
        away: [HEIGHT, WIDTH] texels from its edge, less than zero inside.
        view: of the photograph.
        faces: triangles [F, 3] of the head, behind parts of which hair is not seen.
    """
    points, cover = at_texels(frame.at(shape.distance)), at_texels(shape.cover)
    colour, free, shown, weight = _seen(head, points, view, faces)
    like = _likeness(colour, view.tone)
    weight, shown = weight * (cover > 0) * like, shown * like
    broad = broad_colours(colour, weight, BROAD)
    log = np.log(np.maximum(colour, DARKEST)) - np.log(np.maximum(broad, DARKEST))
    strands = np.clip(log, -STRONGEST, STRONGEST).astype(np.float32)
    strands = quilted(strands, weight, cover > -0.5)
    base = _continued(broad, weight, view.tone)
    invented = base * np.exp(strands)
    # At its edge hair is as the photograph shows the head, so that it goes over into that without a seam.
    edge = np.clip((away - EDGE[0]) / np.float32(EDGE[1] - EDGE[0]), 0, 1)
    share = np.maximum(np.maximum(shown, weight), free * edge)[..., None]
    picture = np.clip(colour * share + invented * (1 - share) + 0.5, 0, 255).astype(np.uint8)
    seen = cv2.resize(np.maximum(shown, weight), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return picture, np.asarray(seen, np.float32)


def at_texels(nodes: Float64s) -> Float32s:
    """Values [H, W, ...] at texels of those [R, C, ...] at nodes."""
    around = np.concatenate([nodes, nodes[:, :1]], axis=1).astype(np.float32)
    column, row = np.meshgrid((np.arange(WIDTH) + 0.5) / PER_NODE, (np.arange(HEIGHT) + 0.5) / PER_NODE)
    return np.asarray(cv2.remap(around, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR))


def _seen(head: Sighted, points: Float32s, view: HairView, faces: Ints) -> tuple[Float32s, ...]:
    """What the photograph shows at points [H, W, 3].

    Its colour [H, W, 3]; and how far [H, W] nothing hides the head there, it shows hair or what is between, and it
    surely shows hair.
    """
    crop = view.crop.resized(PHOTO_SIZE)
    pixels = view.project(points)
    colour = look_up(crop.warp(head.photograph), crop.to_crop(pixels[..., :2]))
    at = view.places(points)
    odds, known = view.sample(at)
    sure, _ = view.inner().sample(at)
    along, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normal = np.cross(down, along)
    facing = normal @ view.towards / np.maximum(np.sqrt(squared_lengths(normal)), 1e-9)
    free = smooth_step(facing, *FACING) * (known > 0.9) * ~_behind(pixels, points, view, (head.neutral, faces))
    hair = smooth_step(sure, *SURE) * free
    # Between hairs at the hairline there is skin, at the outline there is the wall.
    on_head = free * view.on_head(at)
    shown = np.maximum(smooth_step(odds, *SHOWN) * on_head, hair)
    return colour, _softened(on_head), _softened(shown), _softened(hair)


def _softened(weight: Float64s) -> Float32s:
    inner = cv2.erode(weight.astype(np.float32), np.ones((3, 3)))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), 2.0), np.float32)


def _likeness(colour: Float32s, tone: HairTone) -> Float32s:
    """How near [H, W] colours are to a mixture of those of hair and skin, 1 to 0.

    Hair in full light is one, while the wall behind it is not, nor is what lies on it.
    """
    lab = (to_cielab(colour / 255) - tone.hair) / tone.spread
    along = (tone.skin - tone.hair) / tone.spread
    share = np.clip(lab @ along / max(float(along @ along), 1e-6), 0, 1)
    square = squared_lengths(lab - share[..., None] * along)
    return np.asarray(np.exp(-np.maximum(square - ALIKE**2, 0) / ALIKE), np.float32)


def _behind(pixels: Floats, points: Float32s, view: HairView, head: tuple[Floats, Ints]) -> Bools:
    """Whether points [H, W, 3] lie behind the head or other hair."""
    crop = view.crop.resized(DEPTH_SIZE)
    nodes = points[::PER_NODE, ::PER_NODE].reshape(-1, 3)
    rows, columns = points[::PER_NODE, ::PER_NODE].shape[:2]
    faces = _patches(rows, columns)
    vertices = np.concatenate([nodes, head[0]])
    seen = view.project(vertices)
    drawn = np.column_stack([crop.to_crop(seen[:, :2]), seen[:, 2]])
    depth = rasterize(drawn, np.concatenate([faces, head[1] + len(nodes)]), DEPTH_SIZE, DEPTH_SIZE).depth
    far = np.where(np.isfinite(depth), depth, FARTHEST).astype(np.float32)
    nearest = look_up(far, crop.to_crop(pixels[..., :2]), cv2.INTER_NEAREST, FARTHEST)
    slack = DEPTH_SLACK * view.scale
    return np.asarray(pixels[..., 2] > nearest + slack)


def _patches(rows: int, columns: int) -> Ints:
    row, column = (axis.ravel() for axis in np.mgrid[: rows - 1, :columns])
    a, b = row * columns + column, row * columns + (column + 1) % columns
    return np.concatenate([np.column_stack([a, a + columns, b]), np.column_stack([b, a + columns, b + columns])])


def _continued(broad: Float32s, weight: Float32s, tone: HairTone) -> Float32s:
    """Broad colours [H, W, 3] everywhere, continued smoothly from where they have weights [H, W]."""
    nodes = cv2.resize(np.dstack([broad * weight[..., None], weight]), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    known = nodes[..., 3].ravel()
    values = nodes[..., :3].reshape(-1, 3) / np.maximum(known, 1e-3)[:, None]
    usual = 255 * to_srgb(tone.hair)
    mean = ((values * known[:, None]).sum(axis=0) + tone.nodes * usual) / (float(known.sum()) + tone.nodes)
    # A weak pull to the mean: the far side is no copy of what is at the rim.
    pull = 2 * known + FAR_PULL
    smooth = diffuse((2 * known[:, None] * values + FAR_PULL * mean) / pull[:, None], pull, grid_edges(), mean)
    return at_texels(smooth.reshape(ROWS, COLUMNS, 3).astype(np.float64))
