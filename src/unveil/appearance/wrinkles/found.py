"""Wrinkles of clear skin from their shading in one photograph, as displacements in texture coordinates.

The light is fitted to the face and divided out (`appearance.light`). Differences in brightness that remain along lines,
at the scale of wrinkles, are taken for shading and explained by a relief (`wrinkles.relief`). Where the colour differs
as well, there is a spot, hair or a lip, and no relief.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import cv2
import numpy as np

from unveil.appearance.light import FAINTEST, GAMMA, SkinLight, SkinSamples, fit_skin_light
from unveil.appearance.view import View, sample_view
from unveil.appearance.wrinkles.relief import Grid, find_relief
from unveil.heads.skin.detail import DetailSurface
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

LARGEST = 1.5e-3  # metres, depth of a wrinkle
VIEW = 512  # pixels of the head's longer side at which the skin is looked at
FORM = 3.0  # texels, width of a Gaussian: what is smoother is the form of the face, and no wrinkle
LONG, WIDE = 2.5, 0.5  # texels, widths of the Gaussian along and across a line over which wrinkles are averaged
DIRECTIONS = 8  # of such lines
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB
# Differences from the skin around, in logarithms.
COLOURED = 0.03  # of encoded red by green: half the trust is lost there, because it is no skin
FAINT = 0.04  # of brightness: what is fainter is as likely noise or uneven skin
FOLD = 0.35  # of brightness: what is stronger is hair, or a shadow
CONTRAST = 2.0  # by how much smoothing and compression lower the contrast of wrinkles, measured on rendered heads
ENOUGH = 1000  # texels of clear skin
TURN = 1e-3  # radians, to take a gradient
EDGE = cv2.BORDER_CONSTANT


def find_wrinkles(
    image: Image, projected: Floats, vertices: Floats, surface: DetailSurface, hidden: Bools | None = None
) -> Float32s:
    """The displacement [256, 256] of a face's skin in a photograph, in metres along the normals.

    Args:
        image: the photograph, uint8 RGB [H, W, 3].
        projected: [V, 3] vertices in pixels of the image and a depth in pixels, smaller is nearer.
        vertices: [V, 3] the posed head, seen from +z.
        surface: of the head; wrinkles may be where its ``detail_mask`` is.
        hidden: [H, W] pixels that do not show clear skin.
    """
    surface = near_skin(surface)
    relief, trust = seen_relief(image, projected, vertices, surface, hidden)
    relief = relief * _smooth(trust, np.ones_like(trust), 1.0, surface)
    return np.asarray(surface.mesh.as_map(relief[:, None].astype(np.float32), 0)[..., 0])


@lru_cache(maxsize=2)
def near_skin(surface: DetailSurface) -> DetailSurface:
    """The same surface with only those texels that wrinkles of the skin depend on, and without triangles."""
    reach = 2 * int(np.ceil(3 * FORM)) + 1
    near = cv2.dilate((surface.detail_mask > 0).astype(np.uint8), np.ones((reach, reach))) > 0
    return replace(surface, mesh=surface.mesh.at(np.flatnonzero(surface.mesh.at_texels(near))))


def seen_relief(
    image: Image,
    projected: Floats,
    vertices: Floats,
    surface: DetailSurface,
    hidden: Bools | None = None,
    faint: float = FAINT,
) -> tuple[Floats, Floats]:
    """Displacements [N] of the texels in metres, and the trust [N], 0 to 1, that they are relief.

    Args:
        image, projected, vertices, surface, hidden: see `find_wrinkles`.
        faint: logarithm of brightness below which differences are left out as noise; 0 keeps all.
    """
    mesh, model = surface.mesh, surface.model
    own = np.arange(len(mesh.texels), dtype=np.int32)
    texels = (own, mesh.barycentric, mesh.triangles.astype(np.int32))
    view = View.of(image, np.asarray(projected, np.float64), model.faces, VIEW, hidden)
    seen = sample_view(view, texels)
    weight = seen.weight * mesh.at_texels(surface.detail_mask)
    if np.count_nonzero(weight > 0.5) < ENOUGH:
        return np.zeros(len(weight), np.float32), np.zeros(len(weight), np.float32)
    # At the edge of what is seen, the skin around is not known.
    weight = weight * _smooth(weight, np.ones_like(weight), FORM, surface) ** 2
    normals = mesh.normals(vertices, model.faces)
    usual = _usual(surface)
    samples = SkinSamples(seen.colour, 255 * usual, normals.astype(np.float32), weight)
    light = fit_skin_light(samples, (normals, weight), np.median(seen.colour[weight > 0.5], axis=0))
    albedo = (np.maximum(seen.colour / 255, FAINTEST) / usual) ** GAMMA / light.brightness(normals)
    shade, trust = _shade(albedo, weight, surface, faint)
    grid = Grid.of(mesh, mesh.interpolate(vertices), normals)
    relief = find_relief(shade, trust, _gradient(normals, light, grid), grid)
    return LARGEST * np.tanh(relief / LARGEST), trust


def _usual(surface: DetailSurface) -> Float32s:
    """The encoded albedo [N, 3] of usual skin relative to its tone; one where the model does not know it."""
    skin = surface.model.skin
    if skin is None:
        return np.ones((len(surface.mesh.texels), 3), np.float32)
    mean = cv2.resize(np.asarray(skin.mean, np.float32), (surface.mesh.size, surface.mesh.size))
    return np.asarray(np.exp(mean.reshape(-1, 3)[surface.mesh.texels]), np.float32)


def _gradient(normals: Floats, light: SkinLight, grid: Grid) -> Float64s:
    """How the logarithm of the brightness changes [N, 2] per radian that normals turn towards the grid's directions."""
    here, *turned = (
        np.log(light.brightness(normals + step) @ LUMINANCE)
        for step in (0 * normals, *(TURN * grid.along[:, k] for k in (0, 1)))
    )
    return np.stack([(there - here) / TURN for there in turned], axis=1)


def _shade(albedo: Floats, weight: Floats, surface: DetailSurface, faint: float) -> tuple[Floats, Floats]:
    """Logarithm of the brightness [N] relative to the skin around, and trust [N] that relief is the reason.

    ``albedo`` [N, 3] is linear: the colours divided by the light on the smooth surface.
    """
    grey = np.log(albedo @ LUMINANCE)
    redness = np.log(albedo[:, 0] / albedo[:, 1]) / GAMMA
    away = redness - _smooth(redness, weight, FORM, surface)
    trust = weight / (1 + (away / COLOURED) ** 2)
    shade = _along_lines(grey - _smooth(grey, trust, FORM, surface), trust, surface)
    surely = shade**4 / np.maximum(shade**4 + faint**4, 1e-12)
    return CONTRAST * np.clip(shade, -FOLD, FOLD) * surely, trust / (1 + (shade / FOLD) ** 4)


def _along_lines(values: Floats, weight: Floats, surface: DetailSurface) -> Floats:
    """Weighted means [N] of values [N] along lines, each in the direction in which it is largest: wrinkles are long."""
    best = np.zeros(len(values), np.float32)
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        line = _line(float(angle))
        mean = _mean(values, weight, partial(cv2.filter2D, ddepth=-1, kernel=line, borderType=EDGE), surface)
        best = np.where(np.abs(mean) > np.abs(best), mean, best)
    return best


def _line(angle: float) -> Float32s:
    """A filter that averages along a line at ``angle`` radians to the rows."""
    reach = int(np.ceil(2.5 * LONG))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.asarray(np.exp(-((along / LONG) ** 2 + (across / WIDE) ** 2) / 2), np.float32)


def _smooth(values: Floats, weight: Floats, sigma: float, surface: DetailSurface) -> Floats:
    """Weighted means [N] of values [N] around each texel, by a Gaussian of width ``sigma`` texels."""
    bell = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma)
    bells = partial(cv2.sepFilter2D, ddepth=-1, kernelX=bell, kernelY=bell, borderType=EDGE)
    return _mean(values, weight, bells, surface)


def _mean(values: Floats, weight: Floats, added: Callable[[Float32s], Any], surface: DetailSurface) -> Floats:
    """Weighted means [N] of values [N]; ``added`` sums maps up around each texel."""
    mesh = surface.mesh
    rows, columns = np.divmod(mesh.texels, mesh.size)
    rows, columns = rows - rows.min(), columns - columns.min()
    maps = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1, 2), np.float32)
    maps[rows, columns] = np.stack([values * weight, weight], axis=1)
    sums = added(maps)[rows, columns]
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1e-6))
