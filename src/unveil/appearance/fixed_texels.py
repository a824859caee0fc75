"""What is the same for all photographs of a head model: its texels, and what is expected of each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from unveil.appearance.atlas import Atlas
from unveil.appearance.eyes import Eyeballs, eyeballs
from unveil.appearance.hair.frame import ear_faces
from unveil.appearance.mouth import darkness, mouth_inside
from unveil.appearance.parts import PaintedTexels, painted_texels
from unveil.appearance.skin import BareSkin
from unveil.appearance.texel_kernels import TexelMesh, gather
from unveil.appearance.view import Sampled
from unveil.geometry.arrays import bounds, squared_lengths
from unveil.geometry.diffuse import Neighbours, neighbours
from unveil.geometry.mesh import face_normals, vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.face_area import face_area, vertex_areas
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Int32s, Int64s

CHIN, EARS = 8, (0, 16)  # iBUG-68
OPEN_VIEWS = 5  # of 36 directions that must see a vertex, for it to be in the open
# The neck soon ends in a collar: shares of the way from the chin to the lower end over which trust fades. The skull is
# fitted to no landmark: metres behind the ears over which it does.
NECK_FROM, NECK_TO = 0.1, 0.6
SKULL_FROM, SKULL_TO = 0.0, 0.045
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
# Ears: metres around a vertex that say how deep it lies, and how far aside normals of these turn; metres that hollows
# are deeper than where ears begin; the share of light that a hollow of a metre would lose, and the least and the most;
# the colour of ears in skin's, by how much less red is lost in hollows, and edges from its root over which an ear turns
# so.
DEPTH_OVER, SAME_SIDE, HOLLOW, LOSES, LOST = 0.006, 0.0, 0.025, 280.0, (-0.06, 0.5)
REDDER, LESS_RED, ROOT = np.array([1.0, 0.94, 0.93]), np.array([0.8, 1.05, 1.1]), 2
UNKNOWN = 0.02  # mean weight below which the colour of a vertex counts as unknown
# Distrust in the folds of open lids, and times by which a blink stretches skin that lies in none and deep in one.
STRETCHED, UNFOLDS = 0.85, (1.8, 2.4)


@dataclass(frozen=True, eq=False)
class FixedTexels:
    """What is the same for all photographs of a head model."""

    atlas: Atlas
    texel_counts: Float32s  # [V] texels around each vertex, each shared by its corners
    neighbours: Neighbours
    eyes: Eyeballs
    mouth: Int64s  # vertices inside it
    painted: PaintedTexels | None  # of teeth, tongue and lashes
    odd_terms: Float32s  # [V, 3] polynomials of the normal that change sign between left and right
    openness: Float32s  # [V] 0 for vertices deep inside mouth and nose and of eyeballs, 1 for skin in the open
    expected: Float32s  # [V] 1 where a photograph of the vertex shows the head, 0 where it may show clothes or wall
    folded: Float32s  # [V] from 0 to 1, how far it is a lid that lies in the fold of an open eye
    ears: Float32s  # [V, 3] factors of the colour of skin at ears, which no photograph is taken to show; else 1
    face: Float32s  # [V] shares of the face's surface
    skin: BareSkin

    @property
    def mesh(self) -> TexelMesh:
        """The texels."""
        return self.atlas.mesh

    @property
    def faces(self) -> Int32s:
        """Triangles [F, 3]."""
        return self.mesh[2]


@lru_cache(maxsize=4)
def fixed_texels(model: MorphableModel, size: int, *, halved: bool = False) -> FixedTexels:
    """What is known of a head model with a texture of ``size`` texels a side, or computed at half as many."""
    atlas = Atlas.of(model, size, halved=halved)
    count, normals = len(model.head.template), vertex_normals(np.asarray(model.head.template), model.faces)
    eyes, openness = eyeballs(model, atlas), open_to_view(model)
    edges = neighbours(model.faces, count)
    mouth = mouth_inside(model, openness, edges)
    folded = _stretched_lids(model)
    expected = _expected(model) * (1 - STRETCHED * folded)
    if model.whole is None:
        expected[mouth] = 1  # however far back it reaches, what is seen there is teeth
    else:
        expected[mouth] = 0  # the photograph shows teeth, which the head has
        openness[mouth] = 1 - darkness(model, mouth)
    openness[eyes.vertices] = 0
    ones = np.ones((len(atlas.mesh[0]), 3), np.float32)
    counts = gather(atlas.mesh, ones, np.ones(len(ones), np.float32), count)[:, 3]
    return FixedTexels(
        atlas=atlas,
        texel_counts=np.maximum(counts, np.float32(1e-6)),
        neighbours=edges,
        eyes=eyes,
        mouth=mouth,
        painted=painted_texels(model, atlas),
        odd_terms=(normals[:, :1] * np.column_stack([np.ones(count), normals[:, 1:]])).astype(np.float32),
        openness=openness,
        expected=expected,
        folded=folded,
        ears=ear_colours(model, edges),
        face=face_area(model),
        skin=BareSkin.of(model, atlas, openness, edges),
    )


def _stretched_lids(model: MorphableModel) -> Float32s:
    """From 0 to 1, how far [V] skin lies in the folds of open lids, and is stretched from next to nothing by a blink.

    What a photograph shows there is a line of shadow and lashes, which would become the whole lid.
    """
    blinks = [k for k, name in enumerate(model.expression_names) if name in BLINKS]
    closed = np.asarray(model.head.template) + np.asarray(model.head.expression_basis)[blinks].sum(axis=0)
    shut, rest = (vertex_areas(points, model.faces) for points in (closed, np.asarray(model.head.template)))
    start, stop = UNFOLDS
    return np.clip((shut / np.maximum(rest, 1e-12) - start) / (stop - start), 0, 1).astype(np.float32)


def ear_colours(model: MorphableModel, edges: Neighbours) -> Float32s:
    """Factors [V, 3] by which ears differ from other skin: they are redder, and their hollows darker; 1 elsewhere."""
    template = np.asarray(model.head.template, np.float64)
    factors = np.ones((len(template), 3), np.float32)
    rise = np.unique(model.faces[ear_faces(model)])
    if model.skin is None or not len(rise):
        return factors
    normals = vertex_normals(template, model.faces)
    outline = cv2.convexHull(template[rise, 1:].astype(np.float32))  # of both, from the side
    low, high = bounds(template[rise, 1:])
    beside = (np.abs(template[:, 0]) > np.abs(template[rise, 0]).min() - HOLLOW) & (template[:, 1:] >= low).all(axis=1)
    near = np.flatnonzero(beside & (template[:, 1:] <= high).all(axis=1))
    ears = near[[cv2.pointPolygonTest(outline, at, measureDist=False) >= 0 for at in template[near, 1:].tolist()]]
    on_ear = np.zeros(len(template))
    on_ear[ears] = 1
    for _ in range(ROOT):
        around = np.add.reduceat(on_ear[edges.index], edges.start[:-1])
        on_ear = np.minimum(on_ear, around / np.diff(edges.start))
    points, up = template[ears].astype(np.float32), normals[ears].astype(np.float32)
    away = squared_lengths(points[None] - points[:, None])  # [E, E]
    weight = np.exp(-away / np.float32(2 * DEPTH_OVER**2)) * (up @ up.T > SAME_SIDE)
    depth = (weight * (up @ points.T)).sum(axis=1) / weight.sum(axis=1) - (up * points).sum(axis=1)
    left = 1 - np.clip(LOSES * depth, *LOST)
    share = on_ear[ears, None]
    factors[ears] = 1 + share * (REDDER * left[:, None] ** LESS_RED - 1)
    return factors


def open_to_view(model: MorphableModel) -> Float32s:
    """1 for vertices [V] of the template that can be seen from outside, down to 0 for those of cavities."""
    template = np.asarray(model.head.template)
    normals = face_normals(template, model.faces)
    views = np.zeros(len(template), dtype=np.float32)
    yaws, pitches = (
        axis_angle_to_matrix(np.radians(np.multiply.outer(degrees, axis)))
        for degrees, axis in ((np.arange(0.0, 360, 30), [0, 1, 0]), (np.array([-50.0, 0, 50]), [1, 0, 0]))
    )
    for turn in (pitches @ yaws[:, None]).reshape(-1, 3, 3):
        points = (template @ turn.T) * [1, -1, -1]
        low, high = bounds(points)
        points = (points - low) * (200 / (high - low).max())
        raster = rasterize(points, model.faces, 201, 201)
        seen = np.zeros(len(model.faces), bool)
        seen[raster.triangle[raster.covered]] = True
        seen &= normals @ turn[2] > 0  # the inside of the skin, seen through the cut of the neck, does not count
        corner_seen = np.zeros(len(template), bool)
        corner_seen[model.faces[seen]] = True
        views += corner_seen
    return np.minimum(views / OPEN_VIEWS, 1).astype(np.float32)


def _expected(model: MorphableModel) -> Float32s:
    template = np.asarray(model.head.template)
    landmarks = model.landmarks68(template)
    chin, ears = landmarks[CHIN, 1], landmarks[list(EARS), 2].mean()
    below = (chin - template[:, 1]) / max(chin - template[:, 1].min(), 1e-6)
    behind = ears - template[:, 2]
    neck = np.clip((NECK_TO - below) / (NECK_TO - NECK_FROM), 0, 1)
    skull = np.clip((SKULL_TO - behind) / (SKULL_TO - SKULL_FROM), 0, 1)
    return np.asarray(neck * skull, dtype=np.float32)


def colours_at_vertices(seen: Sampled, fixed: FixedTexels) -> tuple[Float32s, Float32s]:
    """The mean colour [V, 3] of the texels around each vertex, and how far they are seen [V]."""
    return means(gather(fixed.mesh, seen.colour, seen.cover, len(fixed.face)), fixed)


def means(sums: Float32s, fixed: FixedTexels) -> tuple[Float32s, Float32s]:
    """Weighted mean [V, 3] of the texels around each vertex, and their mean weight [V], by what `gather` gives."""
    known = sums[:, 3] / fixed.texel_counts
    mean = sums[:, :3] / np.maximum(sums[:, 3:], np.float32(1e-6))
    return mean.astype(np.float32), np.where(known > UNKNOWN, known, 0).astype(np.float32)
