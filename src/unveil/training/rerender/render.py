"""A photograph's head in another form: each pixel of the new head looks up where the photograph shows its point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.appearance.light import GAMMA
from unveil.geometry.diffuse import diffuse
from unveil.geometry.rasterize import Raster, interpolate, rasterize
from unveil.geometry.smooth_step import smooth_step
from unveil.training.rerender.inside import affine, eye_colours, mouth_colours, share_of_photograph
from unveil.training.rerender.light import brightness, fit_light, gain
from unveil.training.rerender.lookup import look_up
from unveil.training.rerender.surface import Seen, Surface
from unveil.training.rerender.surroundings import Outline, carried
from unveil.typing import Bools, Floats, Image, UInt8s

# Pixels of 160.
SEAM = (1.8, 9.0)  # over which head and surroundings mix, where they differ and where they agree
AGREE = 3.0
WELL_SEEN = (0.12, 0.35)  # cosines to the viewer between which trust in a colour being the head's grows to full
BARE = 0.35  # relative difference in brightness by which bare skin strays from the light
FRONTAL = 0.6  # cosine up to which a face is seen from the side
EAR_TURN = 0.35  # radians of turn from which an ear is not taken from the photograph
INNER_LIPS = slice(60, 68)  # iBUG-68
FRONT = np.array([[0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Photographed:
    """A photograph and the head in it."""

    image: Image
    seen: Seen
    outline: Outline
    light: Floats  # [9] of second order
    lit: Floats  # [V] brightness of the vertices
    smooth: Floats  # [V, 3] colours, in the light of brightness one, that continue those that are seen well

    @classmethod
    def of(cls, image: Image, seen: Seen, surface: Surface) -> Photographed:
        """A photograph and how it shows the head."""
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        light = fit_light(grey, seen.pixels, seen.normals, surface.skin * seen.free)
        lit = brightness(light, seen.normals)
        seen = replace(seen, free=seen.free * _bare(grey, seen, lit, surface))
        raster = rasterize(seen.pixels, surface.faces, *grey.shape)
        outline = outline_of(raster, seen, surface)
        return cls(image, seen, outline, light, lit, _continued(image, seen, lit, surface))


def rerender(photo: Photographed, wanted: Seen, surface: Surface) -> Image:
    """The photograph [W, W, 3] as if its head were the wanted one."""
    size = len(photo.image)
    raster = rasterize(wanted.pixels, surface.faces, size, size)
    around = carried(photo.outline, outline_of(raster, wanted, surface), size)
    colours, places = _head(photo, wanted, surface, raster)
    share = _seam(_inside(raster, surface), places, around)[..., None]
    mixed = colours * share + look_up(photo.image, *around) * (1 - share)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def outline_of(raster: Raster, seen: Seen, surface: Surface) -> Outline:
    """The outline of a head in a picture, seen from the middle of its vertices."""
    points, up = seen.pixels[surface.head > 0.5, :2], surface.up(seen.pixels)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return Outline.of(_inside(raster, surface), middle, float(np.arctan2(up[1], up[0])))


def _inside(raster: Raster, surface: Surface) -> Bools:
    """Which pixels [H, W] show the head."""
    head = interpolate(raster, surface.faces, surface.head[:, None].astype(np.float32))
    return np.asarray(head[..., 0] > 0.5)


def _bare(grey: UInt8s, seen: Seen, lit: Floats, surface: Surface) -> Floats:
    """1 for vertices [V] that show the head, less where the sides of a face are not as bright as skin."""
    level = (look_up(grey, seen.pixels[None, :, 0], seen.pixels[None, :, 1])[0] / 255) ** GAMMA
    likely = 1 / (1 + ((level / lit - 1) / BARE) ** 2)
    sideways = np.clip((FRONTAL - seen.normals[:, 2]) / 0.1, 0, 1) * surface.sides
    return np.asarray(1 - sideways * (1 - likely))


def _continued(image: Image, seen: Seen, lit: Floats, surface: Surface) -> Floats:
    x, y = seen.pixels[:, 0], seen.pixels[:, 1]
    low, high = WELL_SEEN
    weight = seen.free * np.clip((seen.normals[:, 2] - low) / (high - low), 0, 1)
    weight *= ~(surface.eyes | surface.mouth | surface.ears)
    weight *= (np.minimum(x, y) >= 0) & (np.maximum(x, y) <= len(image) - 1)
    shown = look_up(image, x[None], y[None])[0] * gain(np.ones_like(lit), lit)[:, None]
    return diffuse(shown, weight, surface.edges, shown.mean(axis=0))


def _head(photo: Photographed, wanted: Seen, surface: Surface, raster: Raster) -> tuple[Floats, Floats]:
    """Colours [W, W, 3] of the head, and where the photograph shows each of its pixels [W, W, 2].

    From the point itself where the photograph shows it well, else from its mirrored point, else what continues the
    skin around it.
    """
    old, twin = photo.seen, photo.seen.row(surface.mirror)
    own, other = (view.shows(wanted) * (1 - surface.ears * _turned(view, wanted)) for view in (old, twin))
    lit = brightness(photo.light, wanted.normals)
    columns = {
        "own": old.pixels[:, :2],
        "twin": twin.pixels[:, :2],
        "gains": np.column_stack(
            [gain(lit, photo.lit) * own, gain(lit, photo.lit[surface.mirror]) * other * (1 - own)]
        ),
        "unseen": (1 - own) * (1 - other),
        "smooth": photo.smooth * gain(lit, 1.0)[:, None],
        "parts": np.column_stack([surface.eyes, surface.iris, surface.mouth]),
    }
    a = _interpolated(raster, surface, columns)
    colours = a["smooth"] * a["unseen"]
    for k, name in enumerate(("own", "twin")):
        colours += look_up(photo.image, a[name][..., 0], a[name][..., 1]) * a["gains"][..., k : k + 1]
    eye, iris, mouth = (a["parts"][..., k : k + 1] for k in range(3))
    level = 255 * float(np.clip(brightness(photo.light, FRONT)[0], 0.02, 1)) ** (1 / GAMMA)
    colours += a["unseen"] * eye * (level * eye_colours(iris) - a["smooth"])
    if mouth.any():
        colours += np.clip(4 * mouth - 1.5, 0, 1) * (_mouth(photo, wanted, surface, level) - colours)
    return colours, a["own"]


def _turned(view: Seen, wanted: Seen) -> Floats:
    """How far [V] vertices have turned, 1 from `EAR_TURN` on."""
    return np.asarray(np.clip(np.linalg.norm(view.normals - wanted.normals, axis=1) / EAR_TURN, 0, 1))


def _mouth(photo: Photographed, wanted: Seen, surface: Surface, level: float) -> Floats:
    """Colours [W, W, 3] of the inside of the mouth: the photograph's where its mouth is open, else painted."""
    new, old = (np.asarray(surface.model.landmarks68(s.pixels))[INNER_LIPS, :2] for s in (wanted, photo.seen))
    size, share = len(photo.image), share_of_photograph(new, old)
    painted = level * mouth_colours(new, size)
    if share == 0:
        return painted
    y, x = np.mgrid[:size, :size].astype(np.float64)
    to = affine(new, old)
    shown = look_up(photo.image, *(x * to[0, k] + y * to[1, k] + to[2, k] for k in (0, 1)))
    return share * shown + (1 - share) * painted


def _seam(inside: Bools, places: Floats, around: tuple[Floats, Floats]) -> Floats:
    """Opacity [W, W] of the head; its edge is wide where the surroundings look alike."""
    scale = len(inside) / 160
    margin = round(SEAM[1] * scale) + 1  # where the picture ends the head goes on
    padded = np.pad(inside.astype(np.uint8), margin, mode="edge")
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[margin:-margin, margin:-margin]
    apart = np.hypot(places[..., 0] - around[0], places[..., 1] - around[1]).astype(np.float32) / scale
    apart = np.asarray(cv2.GaussianBlur(apart, (0, 0), 1.5 * scale), np.float32)
    wide = (SEAM[0] + (SEAM[1] - SEAM[0]) * np.exp(-((apart / AGREE) ** 2))) * scale
    return smooth_step(np.asarray(depth, np.float32), 0, wide)


def _interpolated(raster: Raster, surface: Surface, columns: dict[str, Floats]) -> dict[str, Floats]:
    """Values per vertex, each [V] or [V, C], at the pixels of a raster, each [H, W, C]."""
    parts = {name: values.reshape(len(values), -1) for name, values in columns.items()}
    drawn = interpolate(raster, surface.faces, np.column_stack(list(parts.values())).astype(np.float32))
    ends = np.cumsum([part.shape[1] for part in parts.values()])[:-1]
    return dict(zip(parts, np.split(drawn, ends, axis=-1), strict=True))
