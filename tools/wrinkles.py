"""Measure wrinkles found in photographs: heads with known ones are rendered, and the normals found compared.

    python -m tools.wrinkles --heads 20

Every head has another form and pose, skin with spots, furrows that are drawn at twice the resolution of the maps, and
light from a lamp and from all sides, of which a furrow keeps out a part. The photograph has noise and is compressed.
The head model's own mesh is known but for an error of the usual size. Printed are mean angles between the normals
found and the true ones over clear skin that is seen, and where the true relief turns them by more than `STEEP`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cv2
import numpy as np

import unveil
from unveil import markdown
from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.appearance.wrinkles.found import find_wrinkles
from unveil.geometry.lighting import harmonics
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.geometry.visibility import behind
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.dense import DenseMesh, dense_mesh, unit
from unveil.heads.skin.detail import DetailSurface
from unveil.typing import Floats, Image

FINE = 2 * SIZE  # texels a side in which furrows are drawn
SIDE, SCALE = 512, 1500.0  # pixels of the photograph, and pixels per metre
STEEP = 5.0  # degrees
MISFIT = 0.0
REACH = 8  # fine texels from which a furrow's walls keep out light


@dataclass(frozen=True, eq=False)
class Known:
    """A rendered head with all that is true of it."""

    image: Image  # [SIDE, SIDE, 3]
    fitted: Floats  # [V, 3] the mesh as a fit would have it
    projected: Floats  # [V, 3] the same in pixels
    true_normals: Floats  # [N, 3] at the texels of the surface
    smooth_normals: Floats  # [N, 3] the same without wrinkles


def draw_furrows(rng: np.random.Generator, surface: DetailSurface, *, strength: float = 1.0) -> Floats:
    """Displacements [FINE, FINE] in metres: lines across the forehead, from eyes and nose, and some anywhere."""
    mask = cv2.resize(surface.detail_mask, (FINE, FINE))
    rows, columns = np.nonzero(mask > 0.5)
    total = np.zeros((FINE, FINE), np.float32)
    for _ in range(rng.integers(8, 18)):
        k = rng.integers(len(rows))
        upper = rows[k] < np.quantile(rows, 0.25)
        angle = rng.normal(0, 0.15) if upper else rng.uniform(0, np.pi)
        length = rng.uniform(30, 90) if upper else rng.uniform(15, 50)
        part = np.linspace(-0.5, 0.5, 12)
        bend = rng.normal(0, 0.15) * (part**2 - 0.08) * length
        x = columns[k] + length * part * np.cos(angle) - bend * np.sin(angle)
        y = rows[k] + length * part * np.sin(angle) + bend * np.cos(angle)
        line = np.full((FINE, FINE), 255, np.uint8)
        cv2.polylines(line, [np.stack([x, y], axis=1).round().astype(np.int32)], isClosed=False, color=0)
        away = cv2.distanceTransform(line, cv2.DIST_L2, 5)
        width = rng.uniform(1.5, 4.0)
        profile = np.exp(-((away / width) ** 2)) - 0.35 * np.exp(-(((away - 2.2 * width) / width) ** 2))
        total -= rng.uniform(0.15, 0.8) * 1e-3 * profile
    return strength * np.clip(total, -1.5e-3, 1.5e-3) * mask


def openness(displacement: Floats, metres: float) -> Floats:
    """The share of the sky [FINE, FINE] that a relief with so many metres per texel leaves free."""
    free = np.zeros_like(displacement)
    for angle in np.arange(8) * np.pi / 4:
        horizon = np.zeros_like(displacement)
        for step in range(1, REACH + 1):
            shift = np.array([[1, 0, step * np.cos(angle)], [0, 1, step * np.sin(angle)]])
            there = cv2.warpAffine(displacement, shift, (FINE, FINE))
            horizon = np.maximum(horizon, (there - displacement) / (step * metres))
        free += 1 / (1 + horizon**2) / 8  # the squared cosine of the horizon
    return free


def draw_light(rng: np.random.Generator) -> Floats:
    """The brightness [9] as harmonics of the normal: a lamp before the face, and light from everywhere."""
    lamp = unit(np.array([rng.normal(0, 0.6), rng.normal(0.5, 0.4), 1.0]))
    bands = np.array([np.pi, *[2 * np.pi / 3] * 3, *[np.pi / 4] * 5])
    light = np.asarray(harmonics(lamp)) * bands
    sky = np.eye(9)[0] / float(np.asarray(harmonics(lamp))[0])
    return rng.uniform(0.5, 0.8) * light / float(np.asarray(harmonics(lamp)) @ light) + 0.4 * sky


def draw_skin(rng: np.random.Generator, model: MorphableModel) -> Floats:
    """The linear albedo [FINE, FINE, 3] of skin: more or less as usual, uneven, with reddish spots."""
    usual = np.zeros((SIZE, SIZE, 3)) if model.skin is None else np.asarray(model.skin.mean, np.float64)
    usual = np.exp(2.2 * rng.uniform(0.6, 1.4) * cv2.resize(usual, (FINE, FINE)))
    tone = np.array([0.55, 0.36, 0.28]) * rng.uniform(0.25, 1.0)
    uneven = cv2.GaussianBlur(rng.normal(size=(FINE, FINE)).astype(np.float32), (0, 0), 12) * 12 * 2 * np.sqrt(np.pi)
    fine = cv2.GaussianBlur(rng.normal(size=(FINE, FINE)).astype(np.float32), (0, 0), 1.2) * 1.2 * 2 * np.sqrt(np.pi)
    spots = np.zeros((FINE, FINE), np.float32)
    for _ in range(rng.integers(0, 60)):
        centre = tuple(int(k) for k in rng.integers(0, FINE, 2))
        cv2.circle(spots, centre, int(rng.integers(1, 4)), float(rng.uniform(0.1, 0.5)), -1)
    spots = cv2.GaussianBlur(spots, (0, 0), 0.8)
    pigment = np.array([0.5, 1.0, 1.2])
    return tone * usual * np.exp(-pigment * (0.05 * uneven + 0.02 * fine + spots)[..., None])


def render(rng: np.random.Generator, surface: DetailSurface, fine: DenseMesh, *, strength: float = 1.0) -> Known:
    """A photograph of a head with wrinkles."""
    model = surface.model
    c = model.zero(1)
    c = c.replace(shape=rng.normal(0, 0.7, c["shape"].shape).astype(np.float32))
    off = c.replace(shape=c["shape"] + MISFIT * rng.normal(size=c["shape"].shape).astype(np.float32))
    turn = np.asarray(axis_angle_to_matrix(np.radians([rng.normal(0, 8), rng.normal(0, 15), rng.normal(0, 5)])))
    true, fitted = (np.asarray(model.vertices(each))[0].astype(np.float64) @ turn.T for each in (c, off))
    middle = (true.max(axis=0) + true.min(axis=0)) / 2

    def pixels(points: Floats) -> Floats:
        return np.asarray((points - middle) * [SCALE, -SCALE, -SCALE] + [SIDE / 2, SIDE / 2, 0])

    relief = draw_furrows(rng, surface, strength=strength)
    points = fine.displaced(true, model.faces, relief)
    turn_of_relief = vertex_normals(points, fine.faces) - vertex_normals(fine.interpolate(true), fine.faces)
    normals = unit(fine.normals(true, model.faces) + turn_of_relief)
    metres = float(np.median(np.linalg.norm(np.diff(fine.interpolate(true), axis=0), axis=1)))
    free = fine.at_texels(openness(relief.astype(np.float32), metres))
    shade = np.maximum(np.asarray(harmonics(normals)) @ draw_light(rng), 0.1) * (0.4 + 0.6 * free)
    albedo = draw_skin(rng, model).reshape(-1, 3)[fine.texels]
    raster = rasterize(pixels(points), fine.faces, SIDE, SIDE)
    seen = interpolate(raster, fine.faces, albedo * shade[:, None])
    exposed = seen * (0.45 / max(float(np.quantile(seen[raster.covered], 0.9)), 1e-3))
    image = 255 * np.clip(exposed, 0, 1) ** (1 / 2.2) + rng.normal(0, 2, seen.shape)
    image[~raster.covered] = 90
    packed = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    image = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]
    averaged = cv2.resize(fine.as_map(normals.astype(np.float32), 0), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    smooth = surface.mesh.normals(true, model.faces)
    return Known(
        np.ascontiguousarray(image), fitted, pixels(fitted), unit(averaged.reshape(-1, 3)[surface.mesh.texels]), smooth
    )


def angles(one: Floats, other: Floats) -> Floats:
    """Degrees [N] between unit vectors [N, 3]."""
    return np.degrees(np.arccos(np.clip(np.sum(one * other, axis=1), -1, 1)))


def score(known: Known, surface: DetailSurface) -> Floats:
    """Errors in degrees without and with wrinkles, of all clear skin and of its steep part: [4]; NaN where none is.

    Compared is the turn that the relief gives to the normals, for the mesh itself is not the wrinkles' to mend.
    """
    mesh, model = surface.mesh, surface.model
    found = find_wrinkles(known.image, known.projected, known.fitted, surface)
    coarse = mesh.normals(known.fitted, model.faces)
    turned = surface.normals(known.fitted, found)
    carried = unit(known.smooth_normals + turned - coarse)
    hidden = mesh.interpolate(behind(known.projected, model.faces)[:, None].astype(float))[:, 0] > 0
    clear = (mesh.at_texels(surface.detail_mask) > 0.7) & ~hidden & (coarse[:, 2] > 0.4)
    without = angles(known.smooth_normals, known.true_normals)
    steep = clear & (without > STEEP)
    errors = (without, angles(carried, known.true_normals))
    return np.array([float(np.mean(error[part])) for part in (clear, steep) for error in errors])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure wrinkles found in rendered photographs.")
    parser.add_argument("--heads", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strength", type=float, default=1.0, help="0: heads without wrinkles")
    arguments = parser.parse_args()
    model: MorphableModel = unveil.load_openhead()
    surface = wrinkle_surface(model)
    fine = dense_mesh(model.uv.astype(np.float64), model.uv_faces, model.faces, FINE)
    rows = [
        score(render(np.random.default_rng([arguments.seed, k]), surface, fine, strength=arguments.strength), surface)
        for k in range(arguments.heads)
    ]
    print("\n".join(markdown.header(["skin", "without, degrees", "with", "less by"])))
    means = np.nanmean(rows, axis=0)
    for k, name in enumerate(("clear", f"turned by over {STEEP:.0f} degrees")):
        without, found = means[2 * k], means[2 * k + 1]
        print(markdown.row([name, f"{without:.2f}", f"{found:.2f}", f"{1 - found / without:.0%}"]))


if __name__ == "__main__":
    main()
