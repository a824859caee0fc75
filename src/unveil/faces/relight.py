"""Heads in another light: the skin without the light of the photograph, under a light of our choice.

Albedo and light are the model's where it gives them, as DECA does, and otherwise those that the texture was baked with.
Where that was done without knowing what skin looks like, the light is estimated from the texture as if the skin had one
colour: what the normals explain is light, and the rest is colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from unveil.appearance.colours import HeadColours
from unveil.appearance.light import SkinLight
from unveil.drawing.render import Relief, Skin, averaged, over, rasterize_finely, texels
from unveil.faces.face import ReconstructedFace
from unveil.faces.overlay import PANEL, PAPER, in_panel, points_in
from unveil.faces.whole import WholeFace, whole_face
from unveil.geometry.lighting import harmonics, irradiance
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import interpolate
from unveil.geometry.uv import texel_map
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import shade
from unveil.heads.skin.dense import unit
from unveil.heads.skin.detail import Detail
from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats, Image, UInt8s

Shading = Callable[[Floats], Floats]  # unit normals [N, 3] of the posed head -> brightness [N, 3] of white surfaces

FIT_SIZE = 128  # texels a side of the texture in which light is estimated
DAMPING = 0.004  # of all harmonics but the first, against light that would fall on the unseen side alone
DARKEST = 0.15  # least brightness of white surfaces: what is darker lies in the shadow of something
WHITE = 0.95  # brightest albedo that an estimate gives
# Lamps of the pictures: where their light comes from (+x subject's left, +y up, +z out of the face).
LAMPS = ((0.75, 0.35, 0.55), (-0.75, 0.35, 0.55))
LAMP, DOME = 1.0, 0.3  # brightness of a lamp, and of the even light with it


@dataclass(frozen=True, eq=False)
class Appearance:
    """Skin and light of a face, apart."""

    albedo: UInt8s  # [S, S, 3] RGB, 255 for full reflectance, first row at v = 1
    light: Shading
    __repr__ = short_repr


def draw_relit(image: Image, face: ReconstructedFace, model: MorphableModel, colours: HeadColours) -> Image:
    """Four square panels side by side, RGB uint8 [480, 1920, 3].

    The photograph around the head; over it the head under the light found in the photograph; the same with the light
    from the subject's left, and from the right. Details, where the model has them, take part in the shading.

    Args:
        image: the photograph, RGB uint8 [H, W, 3].
        face: one of its faces.
        model: the head model of its coefficients.
        colours: what `head_colours` gave for it.
    """
    to_panel, photo, _ = in_panel(image, face)
    appearance = find_appearance(face, model, colours)
    white = np.full_like(photo, PAPER)
    lit = [(appearance.light, photo), *((lamp(direction), white) for direction in LAMPS)]
    whole = whole_face(face, model)
    return np.hstack(
        [photo, *(over(render_lit(whole, to_panel, face.detail, appearance.albedo, s), b) for s, b in lit)]
    )


def render_lit(whole: WholeFace, to_panel: Float64s, detail: Detail | None, albedo: UInt8s, light: Shading) -> UInt8s:
    """The face in a panel, to whose pixels ``to_panel`` [2, 3] takes the photograph's: RGBA uint8 [480, 480, 4]."""
    model = whole.model
    raster = rasterize_finely(points_in(whole.projected, to_panel), model.faces, PANEL, PANEL)
    normals = unit(interpolate(raster, model.faces, vertex_normals(whole.vertices, model.faces)))
    if detail is not None:
        normals = Relief(detail.normals, model).over(normals, raster)
    skin = Skin.of(albedo, model)
    colours = texels(raster, skin.texture, skin.uv, skin.uv_faces).astype(np.float32) / 255
    colours[raster.covered] *= np.clip(light(normals[raster.covered]), 0, None)
    return averaged(np.clip(colours, 0, 1), raster, gamma=1.0)


def find_appearance(face: ReconstructedFace, model: MorphableModel, colours: HeadColours) -> Appearance:
    """The model's own albedo and light, or those of the head's textures [S, S, 3]."""
    if face.albedo is not None:
        return Appearance(as_picture(face.albedo), partial(_deca_light, np.asarray(face.coefficients["light"])))
    light = upright_light(face, colours)
    if light is None:
        return estimate_appearance(face.vertices, model, colours.lit)
    return Appearance(colours.albedo, light.gain)


def as_picture(albedo: Floats) -> UInt8s:
    """An albedo [..., 3], 1 for full reflectance, as RGB uint8."""
    return np.asarray(np.clip(albedo, 0, 1) * 255 + 0.5, np.uint8)


def upright_light(face: ReconstructedFace, colours: HeadColours) -> SkinLight | None:
    """The light of the photograph in the frame of the posed vertices, which is that of the crop; None if unknown."""
    return colours.light and colours.light.turned(float(np.radians(face.crop.roll)))


def estimate_appearance(vertices: Floats, model: MorphableModel, texture: UInt8s) -> Appearance:
    """Light [9, 3] that explains the shading of a texture [S, S, 3] on posed vertices [V, 3], and the skin under it.

    Regularised least squares of the colours over the harmonics of the normals. How much of the brightness is light
    and how much is skin cannot be known; the skin is made as bright as the texture is on average.
    """
    normals = vertex_normals(np.asarray(vertices, np.float64), model.faces)
    basis, colours = _samples(normals, model, texture)
    damping = DAMPING * len(basis) * np.diag(np.r_[0.0, np.ones(8)])
    fitted = np.linalg.solve(basis.T @ basis + damping, basis.T @ colours)  # [9, 3] of light times mean colour
    mean = colours.mean(axis=0)
    light = fitted / mean
    falls = np.maximum(_at_texels(normals, model, len(texture)) @ light, DARKEST)  # [S, S, 3]
    albedo = np.clip(texture / falls, 0, WHITE * 255).astype(np.uint8)
    return Appearance(albedo, lambda directions: np.maximum(harmonics(directions) @ light, DARKEST))


def lamp(direction: tuple[float, float, float]) -> Shading:
    """A far white lamp in ``direction``, and a dim white dome; brightness near 1 on surfaces that face the lamp."""
    towards = np.array(direction) / np.linalg.norm(direction)
    dome = np.zeros(9)
    dome[0] = 1 / (np.pi * harmonics(towards)[0])  # brightness 1 everywhere
    lit = harmonics(towards)
    lit = lit / irradiance(towards[None], lit[:, None])[0, 0]  # brightness 1 where faced
    light = np.repeat((LAMP * lit + DOME * dome)[:, None], 3, axis=1)
    return lambda normals: irradiance(normals, light)


def _deca_light(light: Floats, normals: Floats) -> Floats:
    return np.asarray(shade(np.ones((1, 3), np.float32), normals, light))


def _samples(normals: Floats, model: MorphableModel, texture: UInt8s) -> tuple[Floats, Floats]:
    """Harmonics [N, 9] of the normals, and colours [N, 3] in [0, 1], at a grid of texels inside the islands."""
    grid = texel_map(model.uv, model.uv_faces, FIT_SIZE)
    row, column = np.divmod(grid.texels, FIT_SIZE)
    step = len(texture) / FIT_SIZE
    colours = texture[(row * step + step / 2).astype(int), (column * step + step / 2).astype(int)]
    corners = normals[model.faces[grid.triangle]]
    directions = unit(np.einsum("nk,nkc->nc", grid.barycentric, corners))
    return harmonics(directions), np.maximum(colours, 1) / 255


def _at_texels(normals: Floats, model: MorphableModel, size: int) -> Floats:
    """Harmonics [S, S, 9] of the normals at every texel; outside the islands those of the nearest texel inside."""
    grid = texel_map(model.uv, model.uv_faces, size)
    corners = normals[model.faces[grid.triangle]]
    basis = harmonics(unit(np.einsum("nk,nkc->nc", grid.barycentric, corners))).astype(np.float32)
    return np.take(basis, grid.nearest, axis=0).reshape(size, size, 9)
