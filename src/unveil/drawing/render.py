"""Pictures of meshes for people: smooth shading with a key and a fill light, cavities darkened, edges anti-aliased."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.geometry.arrays import bounds
from unveil.geometry.compiled import compiled
from unveil.geometry.mesh import face_normals, vertex_normals
from unveil.geometry.rasterize import Raster, interpolate, rasterize
from unveil.heads.model import MorphableModel
from unveil.heads.skin.dense import unit
from unveil.typing import Float32s, Float64s, Floats, Image, Ints, UInt8s

SUPERSAMPLING = 2  # pixels drawn per pixel and axis
GAMMA = 2.2
CLAY = np.array([0.58, 0.56, 0.54], dtype=np.float32)  # linear reflectance
# Directions to the lights in image space (x right, y down, z away from the viewer), and their strength.
LIGHTS = (((-0.45, -0.65, -0.75), 0.85), ((0.8, -0.1, -0.5), 0.28))
AMBIENT = 0.16
INSIDE = 0.35  # brightness of surfaces seen from behind
# Cavities are darkened by how far the surface around a point rises.
CAVITY_REACHES = (0.008, 0.02)  # picture heights from the point
CAVITY_DIRECTIONS = 8
CAVITY_BIAS = 0.12  # sine of the angle by which a smooth surface may rise without being a cavity
CAVITY_DARKNESS = 1.4  # of a point with walls all round
COARSEST_GRID = 4  # drawn pixels, at most, between points at which this is computed
BAND = 96  # rows that are drawn at a time; a multiple of the supersampling and of all such grids
TEXTURE_SHADING = 0.35  # strength of the shading on textured heads, whose texture has the light of the photograph
VIEW_HEIGHT = 0.28  # metres that a picture of a head shows, unless long hair needs more
FILLS = 1.04  # size of a picture, at least, by that of the head in it
_LAMPS = np.array([[*np.divide(towards, np.linalg.norm(towards)), strength] for towards, strength in LIGHTS])


@dataclass(frozen=True, eq=False)
class Skin:
    """A texture and where it goes, or the colours of the vertices."""

    texture: UInt8s  # [H, W, 3] RGB, first row at v = 1; [V, 3] without texture coordinates
    uv: Floats = field(default_factory=lambda: np.empty((0, 2)))  # [T, 2] v up
    uv_faces: Ints = field(default_factory=lambda: np.empty((0, 3), np.int64))  # [F, 3]

    @classmethod
    def of(cls, texture: UInt8s, model: MorphableModel) -> Skin:
        """The skin of a whole head with a ``texture``; pictures that its parts have of their own are put below it."""
        skin = cls(texture, model.uv, model.uv_faces)
        if model.parts is not None:
            for name, picture in model.parts.pictures.items():
                skin = skin._with_below(picture, model.uv_faces[model.parts.faces_of(name)])
        return skin

    def _with_below(self, picture: UInt8s, uv_faces: Ints) -> Skin:
        """The same where the texture coordinates of some triangles [K, 3] lie in a picture of their own."""
        (height, width), (more, across) = self.texture.shape[:2], picture.shape[:2]
        sheet = np.zeros((height + more, max(width, across), 3), np.uint8)
        sheet[:height, :width], sheet[height:, :across] = self.texture, picture
        sheet[height:, across:] = picture[:, -1:]  # colours between pixels at its edge are its own
        below = np.zeros((len(self.uv), 1), bool)
        below[uv_faces] = True
        size, start = np.where(below, [across, more], [width, height]), np.where(below, height, 0)
        rows = start[:, 0] + (1 - self.uv[:, 1]) * size[:, 1]
        uv = np.column_stack([self.uv[:, 0] * size[:, 0] / sheet.shape[1], 1 - rows / len(sheet)])
        return replace(self, texture=sheet, uv=uv)


@dataclass(frozen=True, eq=False)
class Relief:
    """The normals of a skin's wrinkles, which are finer than the mesh."""

    normals: Float32s  # [S, S, 3] unit, in the frame of the mesh, first row at v = 1; zero where there is no skin
    model: MorphableModel  # of the whole head, in whose texture coordinates they are

    def over(self, normals: Float32s, raster: Raster) -> Float32s:
        """The ``normals`` [H, W, 3] of the mesh at the pixels of a raster, with those of the skin where it is seen."""
        model, elsewhere = self.model, np.zeros(len(self.model.faces), np.bool_)
        if model.parts is not None:
            for name in model.parts.pictures:  # which lie in pictures of their own
                elsewhere[model.parts.faces_of(name)] = True
        finer = texels(raster, self.normals, model.uv, model.uv_faces)
        # Outside the islands the map is empty, which reaches into their outermost texels.
        known = (np.linalg.norm(finer, axis=-1) > 0.5) & ~elsewhere[raster.triangle]
        return np.where(known[..., None], unit(finer), normals).astype(np.float32)


def render_head(
    vertices: Floats,
    faces: Ints,
    size: int,
    rotation: Floats | None = None,
    skin: Skin | None = None,
) -> Image:
    """A picture, RGB uint8 [size, size, 3] on white, of a head in model space in the middle of `VIEW_HEIGHT` or more.

    Args:
        vertices: [V, 3] metres.
        faces: [F, 3].
        size: pixels per side.
        rotation: [3, 3] turns the head first; the camera looks along -z.
        skin: its texture; without one the head is of clay.
    """
    turned = vertices if rotation is None else vertices @ np.asarray(rotation).T
    low, high = bounds(turned)
    scale = size / max(VIEW_HEIGHT, FILLS * float((high - low)[:2].max()))
    middle = (low + high) / 2
    points = (turned - middle) * [scale, -scale, -scale] + [(size - 1) / 2, (size - 1) / 2, 0]
    return over(render_mesh(points, faces, size, size, skin), np.full((size, size, 3), 255, dtype=np.uint8))


def render_mesh(
    points: Floats,
    faces: Ints,
    height: int,
    width: int,
    skin: Skin | None = None,
    relief: Relief | None = None,
) -> UInt8s:
    """A mesh with vertices ``points`` [V, 3] in pixels (z smaller nearer): RGBA uint8 [height, width, 4].

    Of clay, or with a skin. A relief takes part in the shading; its normals are in the frame of the points.
    """
    bands = Bands.of(points, faces, height, width)
    light = _light(bands, relief)
    return np.concatenate([_averaged_part(bands, rows, light[rows], skin) for rows in bands.rows])


@dataclass(frozen=True, eq=False)
class Bands:
    """A mesh in a picture that is drawn a few rows at a time: a raster takes many times the memory of the picture."""

    points: Float64s  # [V, 3] in drawn pixels
    faces: Ints
    height: int  # drawn pixels
    width: int

    @classmethod
    def of(cls, points: Floats, faces: Ints, height: int, width: int) -> Bands:
        """Of points [V, 3] in pixels of the picture."""
        return cls(_magnified(points), faces, height * SUPERSAMPLING, width * SUPERSAMPLING)

    @property
    def rows(self) -> list[slice]:
        """The drawn rows of each band."""
        return [slice(first, min(first + BAND, self.height)) for first in range(0, self.height, BAND)]

    def raster(self, rows: slice) -> Raster:
        """The raster of a band."""
        return rasterize(self.points, self.faces, rows.stop - rows.start, self.width, rows.start)


def _averaged_part(bands: Bands, rows: slice, light: Float32s, skin: Skin | None) -> UInt8s:
    """Some rows of the picture of `render_mesh`, for the light [H * 2, W * 2] on them."""
    raster = bands.raster(rows)
    if skin is None:
        return averaged(cv2.merge([light * part for part in CLAY]), raster, GAMMA)
    linear = _coloured(raster, bands.faces, skin)
    linear *= (np.float32(TEXTURE_SHADING * 1.15) * light + np.float32(1 - TEXTURE_SHADING))[..., None]
    return averaged(linear, raster, GAMMA)


def _light(bands: Bands, relief: Relief | None = None) -> Float32s:
    """Brightness [H, W] of a white mesh."""
    behind = face_normals(bands.points, bands.faces)[:, 2] > 0
    of_vertices, grid = vertex_normals(bands.points, bands.faces), _cavity_grid(bands.height)
    light = np.zeros((bands.height, bands.width), dtype=np.float32)
    depths, directions = list[Float32s](), list[Float32s]()
    for rows in bands.rows:
        raster = bands.raster(rows)
        normals = interpolate(raster, bands.faces, of_vertices)
        if relief is not None:
            normals = relief.over(normals, raster)
        _shade(raster.triangle, normals, behind, _LAMPS, light[rows])
        depths.append(raster.depth[::grid, ::grid].copy())
        directions.append(normals[::grid, ::grid].copy())
    darker = _cavities(np.concatenate(depths), np.concatenate(directions), grid, light.shape)
    light *= np.subtract(1, darker, out=darker)
    return light


def rasterize_finely(points: Floats, faces: Ints, height: int, width: int) -> Raster:
    """The raster with `SUPERSAMPLING` times as many pixels a side of points [V, 3] in pixels."""
    return rasterize(_magnified(points), faces, height * SUPERSAMPLING, width * SUPERSAMPLING)


def _magnified(points: Floats) -> Float64s:
    return np.asarray(points * SUPERSAMPLING + [(SUPERSAMPLING - 1) / 2, (SUPERSAMPLING - 1) / 2, 0], np.float64)


def averaged(colours: Float32s, raster: Raster, gamma: float) -> UInt8s:
    """Colours [H * 2, W * 2, 3] in [0, 1], which are light to the power of ``gamma``, as RGBA [H, W, 4] pixels.

    What is not covered is made black in ``colours`` themselves.
    """
    covered = raster.covered.astype(np.float32)
    size = (colours.shape[1] // SUPERSAMPLING, colours.shape[0] // SUPERSAMPLING)
    # Averaging light rather than grey levels keeps edges of the right width; alpha weights the covered part.
    for channel in range(3):  # a product of all three at once goes through NumPy three numbers at a time
        colours[..., channel] *= covered
    mean = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)
    share = np.maximum(alpha, 1e-6)
    colour = [cv2.pow(np.clip(part / share, 0, 1), 1 / gamma) for part in cv2.split(mean)]
    return (cv2.merge([*colour, alpha]) * 255 + 0.5).astype(np.uint8)


def over(picture: UInt8s, background: Image, opacity: float = 1.0) -> Image:
    """An RGBA picture [H, W, 4] laid over an RGB one [H, W, 3]."""
    *colour, alpha = cv2.split(picture)
    share = alpha * np.float32(opacity / 255)
    mixed = (part * share + paper * (1 - share) for part, paper in zip(colour, cv2.split(background), strict=True))
    return np.asarray(cv2.merge([(part + 0.5).astype(np.uint8) for part in mixed]), np.uint8)


@compiled
def _shade(triangle: Any, normals: Any, behind: Any, lamps: Any, light: Any) -> None:
    """Light [H, W] of a white surface with normals [H, W, 3]; triangles seen from ``behind`` [F] are dim fronts."""
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            if triangle[y, x] < 0:
                continue
            nx, ny, nz = normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
            inside = behind[triangle[y, x]]
            length = max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-6) * (-1 if inside else 1)
            total = AMBIENT
            for k in range(len(lamps)):
                towards = (nx * lamps[k, 0] + ny * lamps[k, 1] + nz * lamps[k, 2]) / length
                # Wrapping the light half-way round softens the terminator, as a large lamp does.
                total += lamps[k, 3] * max(0.0, (towards + 0.25) / 1.25)
            light[y, x] = total * INSIDE if inside else total


def _cavity_grid(height: int) -> int:
    """Drawn pixels from one point to the next at which to look, in a picture of so many rows."""
    return int(np.clip(min(CAVITY_REACHES) * height, SUPERSAMPLING, COARSEST_GRID))


def _cavities(depth: Float32s, normals: Float32s, grid: int, shape: tuple[int, ...]) -> Float32s:
    """How much darker the pixels of a picture of that shape [H, W] are for what rises around them, in [0, 1].

    Ambient occlusion in image space (Bavoil, Sainz and Dimitrov, "Image-space horizon-based ambient occlusion",
    2008), with few steps: what counts is how far the surface around a point rises above its tangent plane. Depths
    [h, w] and normals [h, w, 3] are those at one of ``grid`` pixels, and rows.
    """
    height, width = shape
    coarse = depth / np.float32(grid)
    directions = np.ascontiguousarray(np.moveaxis(normals, -1, 0))  # [3, H, W], read 16 times
    risen = np.zeros(coarse.shape, dtype=np.float32)
    for reach in CAVITY_REACHES:
        for turn in np.arange(CAVITY_DIRECTIONS) * (2 * np.pi / CAVITY_DIRECTIONS):
            step = np.round(np.array([np.cos(turn), np.sin(turn)]) * max(1.0, reach * height / grid))
            risen += _rise(coarse, directions, int(step[0]), int(step[1]))
    darkness = risen * np.float32(CAVITY_DARKNESS / (len(CAVITY_REACHES) * CAVITY_DIRECTIONS))
    smooth = cv2.resize(cv2.blur(np.minimum(darkness, 1), (3, 3)), (width, height))
    return np.asarray(smooth, dtype=np.float32)


def _rise(depth: Float32s, normals: Float32s, dx: int, dy: int) -> Float32s:
    """Sine of the angle [H, W] by which the pixel (dx, dy) away rises above each pixel's tangent plane, less a bias.

    Nothing, and what is so much nearer that it belongs to another part of the head, does not rise. The normals are
    [3, H, W].
    """
    there = cv2.warpAffine(
        depth,
        np.array([[1.0, 0, -dx], [0, 1, -dy]]),
        depth.shape[::-1],
        flags=cv2.INTER_NEAREST,
        borderValue=np.inf,
    )
    both = np.isfinite(there) & np.isfinite(depth)
    nearer = np.subtract(there, depth, out=np.zeros_like(depth), where=both)
    distance = np.sqrt(dx * dx + dy * dy + nearer * nearer)
    above = normals[0] * dx + normals[1] * dy + normals[2] * nearer
    reach = np.float32(2 * np.hypot(dx, dy))
    fading = both * np.clip(2 - distance / reach, 0, 1)
    return np.asarray(np.maximum(0, above / distance - np.float32(CAVITY_BIAS)) * fading, dtype=np.float32)


def _coloured(raster: Raster, faces: Ints, skin: Skin) -> Float32s:
    """Linear colours [H, W, 3] of the surface."""
    table = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
    if not len(skin.uv):
        return np.asarray(interpolate(raster, faces, table[skin.texture]), np.float32)
    return np.asarray(cv2.LUT(texels(raster, skin.texture, skin.uv, skin.uv_faces), table), np.float32)


def texels(raster: Raster, picture: NDArray[Any], uv: Floats, uv_faces: Ints) -> NDArray[Any]:
    """The values of a texture [S, T, C] (first row at v = 1) at the pixels of a raster: [H, W, C]."""
    height, width = picture.shape[:2]
    corners = np.arange(uv_faces.size).reshape(-1, 3)
    at = interpolate(raster, corners, uv[uv_faces].reshape(-1, 2))
    column, row = at[..., 0] * width - 0.5, (1 - at[..., 1]) * height - 0.5
    return np.asarray(cv2.remap(picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
