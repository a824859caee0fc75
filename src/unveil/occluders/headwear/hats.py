"""The occluder "hat": what people wear on their heads, in the face's light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, PictureSource, size_for
from unveil.occluders.drawn import DrawnHat
from unveil.occluders.head_surface import FaceMesh
from unveil.occluders.headwear import finish, forms
from unveil.occluders.headwear.around import HeadAround
from unveil.occluders.headwear.cloth import cloth, hard, knit, random_colour
from unveil.occluders.headwear.finish import Finish
from unveil.occluders.headwear.forms import Brim, Headwear
from unveil.occluders.light import Light, lay
from unveil.occluders.sheets import Drawn, Window, depth_of, draw
from unveil.typing import Bools, Float32s, Image

MILLIMETRES = 1.9  # of cloth per degree around the skull
IN_FRONT = 0.003  # metres behind the skin at which something is still seen
BEHIND, NAPE = 95.0, -14.0  # degrees: azimuth beyond which the back is, and elevation down to which it is seen
EAR_COLUMNS, STRAP_LIFT = 6, 1.02  # columns of the face's grid behind the ears; a strap's place, in that of the skin
UNDERSIDE = 0.55  # how bright what is seen from inside is

Maker = Callable[[HeadAround, tuple[float, float], np.random.Generator], Headwear]


class Kind(NamedTuple):
    """A kind of headwear."""

    make: Maker
    odds: float
    knitted: float  # share of it that is
    finish: Finish
    flows: bool = False  # whether its cloth runs over the crown, rather than around it
    gloss: float = 0.0
    hard: bool = False  # whether it is a shell with a chin strap, and no cloth


KINDS = (
    Kind(forms.beanie, 0.22, 0.9, finish.beanie),
    Kind(forms.cap, 0.22, 0.0, finish.cap, gloss=0.05),
    Kind(forms.brimmed, 0.13, 0.1, finish.brimmed),
    Kind(forms.scarf, 0.16, 0.05, finish.scarf, flows=True),
    Kind(forms.hood, 0.08, 0.1, finish.soft, flows=True),
    Kind(forms.kerchief, 0.05, 0.0, finish.soft, flows=True),
    Kind(forms.turban, 0.06, 0.1, finish.turban),
    Kind(forms.helmet, 0.06, 0.0, finish.plain, gloss=0.6, hard=True),
    Kind(forms.balaclava, 0.02, 0.8, finish.plain),
)


class Layer(NamedTuple):
    """One sheet as it is seen in a window."""

    colour: Float32s  # [h, w, 3] up to 255
    alpha: Alpha  # [h, w]
    depth: Float32s  # [h, w]


@dataclass(frozen=True)
class Hat:
    """Hats, caps, scarves, hoods, turbans and helmets on the head's mesh; drawn flat where there is no mesh.

    Each is pulled as deep over the forehead, or as tight around the cheeks, as chance has it. A severity makes it
    hide less than that, not more: on few people's heads is a hat over the eyes.
    """

    source: PictureSource | None = None  # of images [H, W, 3] that cloth is printed with; else the photograph itself
    kind: str = "hat"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Put one on the head in the image [H, W, 3]."""
        mesh = face.mesh
        if mesh is None:
            return DrawnHat().apply(image, face, rng, severity)
        head = HeadAround.of(mesh)
        chosen = KINDS[int(rng.choice(len(KINDS), p=[kind.odds for kind in KINDS]))]
        form = chosen.make(head, head.hair(image), rng)
        low: list[Drawn] = []

        def cover(small: Face, shape: tuple[int, ...], size: float) -> Alpha:
            if not low:
                low.append(_sheet(form, small.side / face.side, Window(0, 0, shape[1], shape[0])))
            drawn = low[0]
            return drawn.inside(form.distance(drawn.x, drawn.y, size), smooth=False) * (drawn.normals[..., 2] < 0)

        size = float(rng.uniform(0, 1))
        if severity is not None:
            size = size_for(severity, cover, face, image.shape[:2], (0.0, 1.0))
        return _wear(image, face, (chosen, form, size), rng, self.source or (lambda _: image))


def _sheet(form: Headwear, scale: float, window: Window) -> Drawn:
    """The form in a window of an image that is so many times as large, with azimuth and elevation as coordinates."""
    azimuth, elevation = np.meshgrid(form.head.azimuth, form.head.elevation)
    points = form.head.pixels(form.points) * scale
    points[..., :2] += scale / 2 - 0.5
    return draw(points, azimuth, elevation, window)


def _wear(
    image: Image, face: Face, worn: tuple[Kind, Headwear, float], rng: np.random.Generator, source: PictureSource
) -> Occlusion:
    kind, form, size = worn
    mesh = form.head.mesh
    sheet = form.brim_sheet(size)
    brim = None if sheet is None else form.head.pixels(sheet[0])
    reach = form.head.pixels(form.points).reshape(-1, 3)
    window = Window.around(reach if brim is None else np.concatenate([reach, brim.reshape(-1, 3)]), image.shape,
                           0.05 * face.side)  # fmt: skip
    light = Light.of(image, face, rng)
    skin = depth_of(mesh.points, window) + IN_FRONT * mesh.scale
    drawn = _sheet(form, 1.0, window)
    distance = form.distance(drawn.x, drawn.y, size)
    seed = int(rng.integers(2**63))  # shell and brim are of one cloth
    layer = _shell(kind, drawn, distance, light, np.random.default_rng(seed), source)
    layers = [layer._replace(alpha=layer.alpha * (drawn.depth < skin))]
    if form.opening is not None:
        layers.append(_inside(form, layer, window, skin))
    shaded = image
    if form.brim is not None and brim is not None and sheet is not None:
        flat = draw(brim, sheet[1], sheet[2], window)
        layers.append(_brim(kind, flat, skin, light, np.random.default_rng(seed), rng))
        shaded = _in_shadow(image, form, form.brim, size, rng)
    if kind.hard and rng.random() < 0.6:
        layers.append(_straps(mesh, form, size, window, light, rng))
    return lay(shaded, window, _together(layers), light, face.side, "hat")


def _shell(
    kind: Kind, drawn: Drawn, distance: Float32s, light: Light, rng: np.random.Generator, source: PictureSource
) -> Layer:
    """The part of a kind of headwear that lies around the head."""
    u, v = _places(drawn.x, drawn.y, over=kind.flows)
    made = knit if rng.random() < kind.knitted else cloth
    colour = hard(drawn.x, drawn.y, rng) if kind.hard else made(u, v, rng, source)
    shade = np.asarray(1 - 0.3 * np.exp(-((distance / 2.5) ** 2)) * (distance < 0), np.float32)
    shell = finish.Shell(drawn.x, drawn.y, distance, colour, shade)
    kind.finish(shell, rng)
    inner = drawn.normals[..., 2] > 0
    lit = light.on(drawn.normals * np.where(inner, -1, 1)[..., None].astype(np.float32), kind.gloss * rng.random())
    shade = np.where(inner, UNDERSIDE, np.clip(shell.shade, 0.2, 1.3))
    return Layer(np.asarray(colour * lit * shade[..., None], np.float32), drawn.inside(distance), drawn.depth)


def _inside(form: Headwear, outside: Layer, window: Window, skin: Float32s) -> Layer:
    """The back of something with an opening, as it is seen through it."""
    azimuth, elevation = np.meshgrid(form.head.azimuth, form.head.elevation)
    behind = np.flatnonzero(np.abs(form.head.azimuth) > BEHIND)
    order = np.roll(behind, -np.count_nonzero(form.head.azimuth[behind] < 0))  # over the middle of the back
    points = form.head.pixels(form.points[:, order])
    drawn = draw(points, azimuth[:, order], elevation[:, order], window)
    seen = outside.alpha > 0.5
    usual = np.median(outside.colour[seen], axis=0) if seen.any() else np.full(3, 30.0)
    dark = np.clip(0.6 - 0.02 * np.abs(drawn.y), 0.15, 1)[..., None]
    alpha = drawn.inside(NAPE - drawn.y) * (drawn.depth < skin)  # behind a neck, the neck and clothes are seen
    return Layer(np.asarray(usual * dark, np.float32), alpha, drawn.depth)


def _places(azimuth: Float32s, elevation: Float32s, *, over: bool) -> tuple[Float32s, Float32s]:
    """Where directions, in degrees, meet the cloth: millimetres across and along it."""
    if not over:
        return MILLIMETRES * azimuth * np.float32(0.8), MILLIMETRES * -elevation
    across, high = np.radians(azimuth), np.radians(elevation)
    ahead = np.cos(high) * np.cos(across)
    back = np.degrees(np.arctan2(np.sin(high), ahead))
    level = 57 * MILLIMETRES * np.cos(high) * np.sin(across)
    return np.asarray(level, np.float32), np.asarray(-MILLIMETRES * np.where(back < -90, back + 360, back), np.float32)


def _brim(
    kind: Kind, flat: Drawn, skin: Float32s, light: Light, rng: np.random.Generator, lot: np.random.Generator
) -> Layer:
    """The brim, in the colours of the shell or in a colour of its own."""
    knitted = rng.random() < kind.knitted
    u, v = 2 * flat.y, 60 * flat.x
    colour = (knit if knitted else cloth)(u, v, rng, lambda _: np.full((8, 8, 3), 128, np.uint8))
    if lot.random() < 0.3:
        colour[:] = random_colour(lot)
    rows = lot.uniform(0, 0.12) * np.sin(flat.x * lot.uniform(20, 50))
    below = flat.normals[..., 2] > 0
    normals = flat.normals * np.where(below, -1, 1)[..., None].astype(np.float32)
    # The underside sees the ground, not the lamp.
    lit = light.on(normals, kind.gloss)
    shade = (
        np.where(below, UNDERSIDE * lot.uniform(0.7, 1.2), 1) * (1 + rows) * (0.75 + 0.25 * np.clip(4 * flat.x, 0, 1))
    )
    alpha = flat.inside(np.maximum(flat.x - 0.99, -0.5 - flat.x)) * (flat.depth < skin)
    return Layer(np.asarray(colour * lit * shade[..., None], np.float32), alpha, flat.depth)


def _straps(
    mesh: FaceMesh, form: Headwear, size: float, window: Window, light: Light, rng: np.random.Generator
) -> Layer:
    """A chin strap on the skin."""
    rows = mesh.points.shape[0]
    beyond = (form.points.shape[1] - mesh.points.shape[1]) // 2 + EAR_COLUMNS
    azimuth, elevation = np.meshgrid(form.head.azimuth[beyond:-beyond], form.head.elevation[-rows:])
    points = form.head.pixels(form.head.points[-rows:, beyond:-beyond] * STRAP_LIFT)
    drawn = draw(points, azimuth, elevation, window)
    chin, ear = rng.uniform(-44, -38), rng.uniform(62, 74)
    upper = float(np.interp(ear, form.head.azimuth, form.rim(size))) + 2
    across = np.abs(drawn.x)
    line = chin + (upper - chin) * (across / ear) ** rng.uniform(1.6, 2.4)
    distance = np.maximum(np.abs(drawn.y - line) * np.cos(np.arctan(across / 40)) - rng.uniform(1.2, 2.4), across - ear)
    alpha = drawn.inside(np.asarray(distance, np.float32)) * (drawn.normals[..., 2] < 0.1)
    return Layer(random_colour(rng) * light.on(drawn.normals), alpha, drawn.depth)


def _in_shadow(image: Image, form: Headwear, brim: Brim, size: float, rng: np.random.Generator) -> Image:
    """The image with the shadow of a brim on the face."""
    mesh = form.head.mesh
    depth, reach = rng.uniform(0, 0.55), rng.uniform(8, 32)
    rows = mesh.points.shape[0]
    skip = (form.points.shape[1] - mesh.points.shape[1]) // 2
    azimuth, elevation = np.meshgrid(form.head.azimuth[skip:-skip], form.head.elevation[-rows:])
    drawn = draw(mesh.points, azimuth, elevation, Window(0, 0, image.shape[1], image.shape[0]))
    width = np.interp(drawn.x, brim.azimuth, brim.width, 0, 0) / max(float(brim.width.max()), 1e-6)
    below = np.maximum(form.distance(drawn.x, drawn.y, size), 0)
    shade = depth * np.clip(1.3 - below / (reach * np.maximum(width, 0.05)), 0, 1) * drawn.covered
    soft = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), max(0.5, 0.008 * mesh.scale * 0.15))
    return np.asarray(image * (1 - soft[..., None]) + 0.5, np.uint8)


def _together(layers: list[Layer]) -> tuple[Float32s, Alpha]:
    """Colour and opacity of layers, the nearest over the others."""
    colour, alpha, depth = layers[0]
    for layer in layers[1:]:
        nearer: Bools = (layer.depth < depth) | (alpha < 0.01)
        front, back = np.where(nearer, layer.alpha, alpha), np.where(nearer, alpha, layer.alpha)
        over, under = (
            np.where(nearer[..., None], layer.colour, colour),
            np.where(nearer[..., None], colour, layer.colour),
        )
        both = front + back * (1 - front)
        share = (front / np.maximum(both, 1e-6))[..., None]
        colour, alpha = np.asarray(under + (over - under) * share, np.float32), np.asarray(both, np.float32)
        depth = np.where(layer.alpha > 0.5, np.minimum(depth, layer.depth), depth)
    return colour, alpha
