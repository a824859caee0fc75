"""Pictures of meshes for people: smooth shading with a key and a fill light, cavities darkened, edges anti-aliased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import Raster, interpolate, rasterize

Floats = NDArray[np.float32]

SUPERSAMPLING = 2  # pixels drawn per pixel and axis
GAMMA = 2.2
CLAY = np.array([0.58, 0.56, 0.54], dtype=np.float32)  # linear reflectance
# Directions to the lights in image space (x right, y down, z away from the viewer), and their strength.
LIGHTS = (((-0.45, -0.65, -0.75), 0.85), ((0.8, -0.1, -0.5), 0.28))
AMBIENT = 0.16
INSIDE = 0.35  # brightness of surfaces seen from behind
CAVITY_RADIUS, CAVITY_DEPTH, CAVITY_DARKNESS = 0.02, 0.012, 0.55  # in picture heights; darkness at most
TEXTURE_SHADING = 0.35  # of the shading on textured heads, whose texture holds the photograph's light
VIEW_HEIGHT = 0.28  # metres that a picture of a head shows


@dataclass(frozen=True, eq=False)
class Skin:
    """A texture and where it goes."""

    texture: NDArray[np.uint8]  # [S, S, 3] RGB, first row at v = 1
    uv: NDArray[np.floating[Any]]  # [T, 2] v up
    uv_faces: NDArray[np.integer[Any]]  # [F, 3]


def render_head(
    vertices: NDArray[np.floating[Any]],
    faces: NDArray[np.integer[Any]],
    size: int,
    rotation: NDArray[np.floating[Any]] | None = None,
    skin: Skin | None = None,
) -> NDArray[np.uint8]:
    """A picture, RGB uint8 [size, size, 3] on white, of a head in model space in the middle of `VIEW_HEIGHT`.

    Args:
        vertices: [V, 3] metres.
        faces: [F, 3].
        size: pixels per side.
        rotation: [3, 3] turns the head first; the camera looks along -z.
        skin: its texture; without one the head is of clay.
    """
    turned = vertices if rotation is None else vertices @ np.asarray(rotation).T
    scale = size / VIEW_HEIGHT
    middle = (turned.min(axis=0) + turned.max(axis=0)) / 2
    points = (turned - middle) * [scale, -scale, -scale] + [(size - 1) / 2, (size - 1) / 2, 0]
    return over(render_mesh(points, faces, size, size, skin), np.full((size, size, 3), 255, dtype=np.uint8))


def render_mesh(
    points: NDArray[np.floating[Any]],
    faces: NDArray[np.integer[Any]],
    height: int,
    width: int,
    skin: Skin | None = None,
) -> NDArray[np.uint8]:
    """A mesh with vertices ``points`` [V, 3] in pixels (z smaller nearer): RGBA uint8 [height, width, 4]."""
    raster, fine = rasterize_finely(points, faces, height, width)
    normals = interpolate(raster, faces, vertex_normals(fine, faces))[raster.covered]
    light = np.zeros(raster.depth.shape, dtype=np.float32)
    light[raster.covered] = _shading(normals)
    light *= 1 - _cavities(raster)
    if skin is None:
        linear = light[..., None] * CLAY
    else:
        linear = _textured(raster, skin) * (1 - TEXTURE_SHADING + TEXTURE_SHADING * 1.15 * light)[..., None]
    return averaged(linear, raster, GAMMA)


def rasterize_finely(
    points: NDArray[np.floating[Any]], faces: NDArray[np.integer[Any]], height: int, width: int
) -> tuple[Raster, NDArray[np.floating[Any]]]:
    """What `SUPERSAMPLING` times as many pixels see of points [V, 3] in pixels, and the points in those pixels."""
    fine = points * SUPERSAMPLING + [(SUPERSAMPLING - 1) / 2, (SUPERSAMPLING - 1) / 2, 0]
    return rasterize(fine, faces, height * SUPERSAMPLING, width * SUPERSAMPLING), fine


def averaged(colours: Floats, raster: Raster, gamma: float) -> NDArray[np.uint8]:
    """Colours [H * 2, W * 2, 3] in [0, 1], which are light to the power of ``gamma``, as RGBA [H, W, 4] pixels."""
    colours[~raster.covered] = 0
    size = (colours.shape[1] // SUPERSAMPLING, colours.shape[0] // SUPERSAMPLING)
    # Averaging light rather than grey levels keeps edges of the right width; alpha weights the covered part.
    mean = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(raster.covered.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    colour = np.clip(mean / np.maximum(alpha, 1e-6)[..., None], 0, 1) ** (1 / gamma)
    return (np.dstack([colour, alpha]) * 255 + 0.5).astype(np.uint8)


def over(picture: NDArray[np.uint8], background: NDArray[np.uint8], opacity: float = 1.0) -> NDArray[np.uint8]:
    """An RGBA picture [H, W, 4] laid over an RGB one [H, W, 3]."""
    alpha = picture[..., 3:].astype(np.float32) * np.float32(opacity / 255)
    return (picture[..., :3] * alpha + background * (1 - alpha) + 0.5).astype(np.uint8)


def _shading(normals: Floats) -> Floats:
    """Brightness [N] of white surfaces with normals [N, 3]; those seen from behind are lit from the front, dimmer."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    behind = normals[:, 2] > 0
    normals[behind] *= -1
    light = np.full(len(normals), AMBIENT, dtype=np.float32)
    for direction, strength in LIGHTS:
        towards = np.array(direction, dtype=np.float32) / np.float32(np.linalg.norm(direction))
        # Wrapping the light half-way round softens the terminator, as a large lamp does.
        light += np.float32(strength) * np.maximum(0, (normals @ towards + 0.25) / 1.25)
    light[behind] *= INSIDE
    return light


def _cavities(raster: Raster) -> Floats:
    """How much darker pixels [H, W] are that lie deeper than what is around them."""
    height = raster.depth.shape[0]
    mask = raster.covered.astype(np.float32)
    depth = np.where(raster.covered, raster.depth, 0).astype(np.float32)
    sigma = CAVITY_RADIUS * height
    small = (max(1, depth.shape[1] // 4), max(1, height // 4))  # the blur needs no more
    around, weight = (cv2.GaussianBlur(cv2.resize(a, small), (0, 0), sigma / 4) for a in (depth, mask))
    mean = cv2.resize(around / np.maximum(weight, 1e-3), depth.shape[::-1])
    # At the outline there is nothing around one side to lie deeper than.
    enclosed = np.clip(2 * cv2.resize(weight, depth.shape[::-1]) - 1, 0, 1)
    deeper = np.clip((depth - mean) / (CAVITY_DEPTH * height), 0, 1) * mask * enclosed
    return np.asarray(CAVITY_DARKNESS * deeper, dtype=np.float32)


def _textured(raster: Raster, skin: Skin) -> Floats:
    """Linear colours [H, W, 3] of the texture."""
    table = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)
    return np.asarray(table[texels(raster, skin.texture, skin.uv, skin.uv_faces)])


def texels(
    raster: Raster, picture: NDArray[Any], uv: NDArray[np.floating[Any]], uv_faces: NDArray[np.integer[Any]]
) -> NDArray[Any]:
    """What a texture [S, S, C] (first row at v = 1) holds at the pixels of a raster: [H, W, C]."""
    size = picture.shape[0]
    corners = np.arange(uv_faces.size).reshape(-1, 3)
    at = interpolate(raster, corners, uv[uv_faces].reshape(-1, 2))
    column, row = at[..., 0] * size - 0.5, (1 - at[..., 1]) * size - 0.5
    return np.asarray(cv2.remap(picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
