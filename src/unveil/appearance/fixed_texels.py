"""What is the same for all photographs of a head model: its texels, and what to expect of each part of it."""

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
OPEN_VIEWS = 5  # of 36 directions: a vertex that so many see is in the open
UNKNOWN = 0.02  # mean weight below which the colour of a vertex counts as unknown

# Where trust in the photograph fades: the neck soon ends in a collar, and no landmark was fitted to the skull.
NECK_FROM, NECK_TO = 0.1, 0.6  # shares of the way from the chin to the lower end of the neck
SKULL_FROM, SKULL_TO = 0.0, 0.045  # metres behind the ears

BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
UNFOLDS = (1.8, 2.4)  # times by which a blink enlarges skin: up to the first it lies in no fold, from the second, deep
STRETCHED = 0.85  # distrust in the photograph there

# Colours of ears.
EAR_WIDER = 0.025  # metres towards the middle of the head that an ear reaches beyond the part that sticks out
DEPTH_OVER = 0.006  # metres: width of the neighbourhood against which the depth of a vertex is measured
SAME_SIDE = 0.0  # least cosine between the normals of such neighbours
LOSES, LOST = 280.0, (-0.06, 0.5)  # share of light lost per metre of depth; least and largest such share
REDDER = np.array([1.0, 0.94, 0.93])  # RGB of ears relative to other skin
LESS_RED = np.array([0.8, 1.05, 1.1])  # exponents of the light that is left, by channel: hollows lose less red
ROOT = 2  # edges from its root over which an ear takes on this colour


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
    openness: Float32s  # [V] 0 for eyeballs and deep inside mouth and nose, 1 for skin in the open
    expected: Float32s  # [V] 1 where a photograph of the vertex shows the head, 0 where it may show clothes or a wall
    folded: Float32s  # [V] how deep in the fold of an open lid the skin lies, 0 to 1
    ears: Float32s  # [V, 3] factors of the colour of skin; 1 except at ears, whose colour no photograph is trusted with
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
    """What is fixed for a head model with ``size`` texels a side; ``halved`` computes its skin at half as many."""
    atlas = Atlas.of(model, size, halved=halved)
    count, normals = len(model.head.template), vertex_normals(np.asarray(model.head.template), model.faces)
    eyes, openness = eyeballs(model, atlas), open_to_view(model)
    edges = neighbours(model.faces, count)
    mouth = mouth_inside(model, openness, edges)
    folded = _stretched_lids(model)
    expected = _expected(model) * (1 - STRETCHED * folded)
    if model.whole is None:
        expected[mouth] = 1  # what is seen there is teeth, however far back the surface lies
    else:
        expected[mouth] = 0  # what is seen there is teeth, and the head has its own
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
    """How deep [V] skin lies in the folds of open lids, 0 to 1, by how much a blink enlarges it.

    A photograph of an open eye shows it as a line of shadow and lashes, which would become the whole lid in a blink.
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
    beside = (np.abs(template[:, 0]) > np.abs(template[rise, 0]).min() - EAR_WIDER) & (template[:, 1:] >= low).all(
        axis=1
    )
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
    """How far each vertex [V] of the template is seen from outside: 1 in the open, 0 deep in a cavity."""
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
    """Weighted mean [V, 3] of the texels around each vertex, and their mean weight [V], from what `gather` gives."""
    known = sums[:, 3] / fixed.texel_counts
    mean = sums[:, :3] / np.maximum(sums[:, 3:], np.float32(1e-6))
    return mean.astype(np.float32), np.where(known > UNKNOWN, known, 0).astype(np.float32)
