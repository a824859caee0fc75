"""The texture of a head from one photograph: what the camera saw, its mirror image, and a smooth completion.

The colours are those of the photograph, light and shadow included. What hides a face in the photograph is taken for
skin unless the caller says where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from unveil.appearance.eyes import WHITE, Eyeballs, eyeballs, paint_eyes
from unveil.appearance.mouth import darkness, mouth_inside, onto_teeth
from unveil.appearance.parts import PaintedTexels, paint_parts, painted_texels, tone_of_teeth
from unveil.appearance.texel_kernels import blend, compose, gather
from unveil.appearance.view import View, sample_view
from unveil.geometry.diffuse import Neighbours, diffuse, neighbours
from unveil.geometry.mesh import face_normals, vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.geometry.uv import TexelMap, texel_map
from unveil.heads.face_area import face_area, vertex_areas
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Float32s, Floats, Image, Int32s, Int64s

CHIN, EARS, BROWS = 8, (0, 16), slice(17, 27)  # iBUG-68
NOBODY = np.array([150, 118, 102], dtype=np.float32)  # RGB where nothing at all is seen
# How closely the completions follow what is known, against being smooth. What light leaves of the difference between
# the sides of a face is a scar or a lock of hair, and not to be continued far.
LIGHT_PULL, COLOUR_PULL = 0.3, 3.0
# Where neither side of the face is seen, metres from what is known after which the completion takes the typical colour
# of the skin that is seen: skin is to look like skin, not like a blend of the skin, hair and collar around it.
SKIN_REACH = 0.015
FRONTAL = 0.5  # cosine to the front of the head, above which a vertex of the face shows skin rather than hair
ENOUGH_SKIN = 0.03  # of the skin below the brows, to take a typical colour from
LIGHT_RIDGE = 0.01
MOST_LIGHT = 40.0  # grey levels
# Unseen cavities are dark and reddish: RGB of what no direction sees, in mean grey levels of the head, and the number
# of 36 directions that make a vertex open.
INSIDE = np.array([0.32, 0.13, 0.11], dtype=np.float32)
OPEN_VIEWS = 5
# Mean coverage of the texels around a vertex between which trust in the seen ones grows from none to full: what shows
# in slivers, as in the folds of an ear, is as likely hair or wall.
SLIVER, SEEN_WELL = 0.1, 0.5
UNKNOWN = 0.02  # mean weight below which the colour of a vertex counts as unknown
# The neck soon ends in a collar: shares of the way from the chin to the lower end over which trust fades. The skull is
# fitted to no landmark: metres behind the ears over which it does.
NECK_FROM, NECK_TO = 0.1, 0.6
SKULL_FROM, SKULL_TO = 0.0, 0.045


def bake_texture(
    image: Image,
    projected: Floats,
    model: MorphableModel,
    size: int = 1024,
    hidden: Bools | None = None,
) -> tuple[Image, Bools]:
    """The texture of the head that the vertices ``projected`` show in ``image``.

    A texel takes the photograph's pixel where the camera sees it; elsewhere, or where it is seen better there, the
    pixel of the mirrored point of the head, with its light adapted; and elsewhere a smooth continuation over the
    surface. Eyeballs are painted in the colours that are seen of them, and so are teeth, tongue and lashes where
    the model has them, in the light of the photograph.

    Args:
        image: the photograph, uint8 RGB [H, W, 3].
        projected: [V, 3] vertices in pixels of the image and a depth in pixels, smaller is nearer.
        model: gives faces, texture coordinates and mirrored vertices.
        size: texels per side.
        hidden: [H, W] pixels of the image that do not show the head, e.g. of an occluder.

    Returns:
        The texture, uint8 RGB [size, size, 3] with the first row at v = 1, and where it is mostly the photograph
        itself, bool [size, size].
    """
    fixed = _fixed_texels(model, size)
    mesh = (fixed.texels.triangle, fixed.texels.barycentric, fixed.faces)
    view = View.of(image, np.asarray(projected, dtype=np.float64), model.faces, size, hidden)
    if fixed.painted is None:  # no teeth of their own
        view = replace(view, points=onto_teeth(view.points, model, fixed.mouth))
    own, other = sample_view(view, mesh), sample_view(view, mesh, model.mirror_vertices)
    lack = _missing_light(own.colour - other.colour, own.weight * other.weight, fixed)
    for mirrored, here in zip(other, own, strict=True):
        mirrored[fixed.eyes.texels] = here[fixed.eyes.twin]  # eyes do not look in mirrored directions

    own_weight, own_cover = own.weight, own.cover
    other_weight = other.weight * (1 - own_weight)
    colour = blend(mesh, (own.colour, own_weight), (other.colour, other_weight), lack)
    coverage = 1 - (1 - own_cover) * (1 - other.cover)
    mean, known = _at_vertices(colour, coverage, fixed)
    trust = _trust(known, fixed)
    fill, level = _completion(mean, known * trust, fixed)
    values, trusted = compose(mesh, colour, coverage, trust, fill)
    white = paint_eyes(values, fixed.eyes, _eyes_seen(coverage, known, fixed), level)
    texture = fixed.texels.spread(values)
    if fixed.painted is not None:
        teeth = tone_of_teeth(view, model, level, fixed.painted.front_tooth)
        paint_parts(texture, fixed.painted, white / WHITE, teeth)

    seen = np.zeros(size * size, dtype=np.bool_)
    seen[fixed.texels.texels] = trusted * own_cover * (own_weight > other_weight) > 0.5
    return texture, seen.reshape(size, size)


@dataclass(frozen=True, eq=False)
class _FixedTexels:
    """What is the same for all photographs of a model."""

    faces: Int32s  # [F, 3]
    texels: TexelMap
    texel_counts: Float32s  # [V] texels around each vertex, each shared by its corners
    neighbours: Neighbours
    eyes: Eyeballs
    mouth: Int64s  # vertices inside it
    painted: PaintedTexels | None  # of teeth, tongue and lashes
    odd_terms: Float32s  # [V, 3] polynomials of the normal that change sign between left and right
    openness: Float32s  # [V] 0 for vertices deep inside mouth and nose and of eyeballs, 1 for skin in the open
    expected: Float32s  # [V] 1 where a photograph of the vertex shows the head, 0 where it may show clothes or wall
    skin: Float32s  # [V] square metres of the skin of the face below the brows, where hair is rare


@lru_cache(maxsize=2)
def _fixed_texels(model: MorphableModel, size: int) -> _FixedTexels:
    texels = texel_map(model.uv, model.uv_faces, size)
    normals = vertex_normals(np.asarray(model.head.template), model.faces)
    eyes, openness = eyeballs(model, texels), open_to_view(model)
    edges = neighbours(model.faces, len(normals))
    mouth = mouth_inside(model, openness, edges)
    expected = _expected(model)
    if model.whole is None:
        expected[mouth] = 1  # however far back it reaches, what is seen there is teeth
    else:
        expected[mouth] = 0  # the photograph shows teeth, which the head has
        openness[mouth] = 1 - darkness(model, mouth)
    openness[eyes.vertices] = 0
    skin = (face_area(model) > 0) & (openness == 1) & (normals[:, 2] > FRONTAL) & _below_brows(model)
    corners = model.faces[texels.triangle].ravel()
    counts = np.bincount(corners, weights=texels.barycentric.ravel(), minlength=len(normals))
    return _FixedTexels(
        faces=np.ascontiguousarray(model.faces, dtype=np.int32),
        texels=texels,
        texel_counts=np.maximum(counts, 1e-6).astype(np.float32),
        neighbours=edges,
        eyes=eyes,
        mouth=mouth,
        painted=painted_texels(model, texels),
        odd_terms=normals[:, :1] * np.column_stack([np.ones(len(normals)), normals[:, 1:]]),
        openness=openness,
        expected=expected,
        skin=np.asarray(vertex_areas(np.asarray(model.head.template), model.faces) * skin, dtype=np.float32),
    )


def open_to_view(model: MorphableModel) -> Float32s:
    """1 for vertices [V] of the template that can be seen from outside, down to 0 for those of cavities."""
    template = np.asarray(model.head.template)
    views = np.zeros(len(template), dtype=np.float32)
    for yaw in range(0, 360, 30):
        for pitch in (-50, 0, 50):
            turn = axis_angle_to_matrix(np.radians([pitch, 0.0, 0.0])) @ axis_angle_to_matrix(
                np.radians([0.0, yaw, 0.0])
            )
            points = (template @ turn.T) * [1, -1, -1]
            points = (points - points.min(axis=0)) * (200 / np.ptp(points, axis=0).max())
            seen = np.unique(rasterize(points, model.faces, 201, 201).triangle)
            # The inside of the skin, seen through the cut of the neck, does not count.
            seen = seen[(seen >= 0) & (face_normals(points, model.faces)[seen, 2] < 0)]
            views[np.unique(model.faces[seen])] += 1
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


def _below_brows(model: MorphableModel) -> Bools:
    template = np.asarray(model.head.template)
    return np.asarray(template[:, 1] < model.landmarks68(template)[BROWS, 1].min())


def _trust(known: Float32s, fixed: _FixedTexels) -> Float32s:
    """How far [V] to take what the photograph shows around vertices of which it shows the share ``known`` [V]."""
    # Teeth are seen through a slit.
    return np.asarray(fixed.expected * (1 - fixed.openness * (1 - _seen_well(known))), dtype=np.float32)


def _eyes_seen(coverage: Float32s, known: Float32s, fixed: _FixedTexels) -> Float32s:
    """Coverage [K] of the texels of the eyes, fading towards the lids."""
    texels = fixed.eyes.texels
    corners = _seen_well(known)[fixed.faces[fixed.texels.triangle[texels]]]  # [K, 3]
    return np.asarray(coverage[texels] * np.einsum("nk,nk->n", fixed.texels.barycentric[texels], corners))


def _seen_well(known: Float32s) -> Float32s:
    return np.asarray(np.clip((known - SLIVER) / (SEEN_WELL - SLIVER), 0, 1), dtype=np.float32)


def _completion(mean: Float32s, known: Float32s, fixed: _FixedTexels) -> tuple[Float32s, float]:
    """Colours [V, 3] of what is not seen, from the ``mean`` ones that are ``known`` [V], and the mean grey level."""
    # With as many edges as there are at a vertex, this pull ends what comes from around after about that length.
    typical, skin = _typical_skin(mean, known, fixed)
    seen, guessed = COLOUR_PULL * known, skin / SKIN_REACH**2 * (1 - known)
    pull = seen + guessed
    target = (seen[:, None] * mean + guessed[:, None] * typical) / np.maximum(pull, np.float32(1e-6))[:, None]
    smooth = diffuse(target, pull, fixed.neighbours, NOBODY)
    level = float(smooth[fixed.openness == 1].mean())
    closed = 1 - fixed.openness[:, None]
    return np.asarray(smooth + closed * (INSIDE * level - smooth), dtype=np.float32), level


def _typical_skin(mean: Float32s, known: Float32s, fixed: _FixedTexels) -> tuple[Float32s, Float32s]:
    """Median colour [3] of the skin that is seen, and the area [V] that is to be like it: none if too little is."""
    seen = fixed.skin * (known > SEEN_WELL)
    if seen.sum() < ENOUGH_SKIN * fixed.skin.sum() or not seen.any():
        return NOBODY, np.zeros_like(fixed.skin)
    return np.median(mean[seen > 0], axis=0), fixed.skin


def _missing_light(difference: Float32s, weight: Float32s, fixed: _FixedTexels) -> Float32s:
    """What the colours of the other side lack in the light of this side, at all vertices [V, 3].

    Known is the ``difference`` [N, 3] of the sides at the texels with a ``weight`` [N]. Diffuse light from afar is a
    polynomial of second degree in the normal (Ramamoorthi and Hanrahan, "An efficient representation for irradiance
    environment maps", 2001); those of its terms that change sign between the sides are fitted and hold everywhere,
    and what they leave is continued smoothly.
    """
    mean, known = _at_vertices(difference, weight, fixed)
    terms = fixed.odd_terms  # [V, 3]
    system = terms.T @ (known[:, None] * terms) + LIGHT_RIDGE * known.sum() * np.eye(3)
    light = terms @ np.linalg.solve(system + 1e-9 * np.eye(3), terms.T @ (known[:, None] * mean))
    light = np.clip(light, -MOST_LIGHT, MOST_LIGHT)
    rest = diffuse(mean - light, LIGHT_PULL * known, fixed.neighbours, np.zeros(3))
    return (light + rest).astype(np.float32)


def _at_vertices(values: Float32s, weight: Float32s, fixed: _FixedTexels) -> tuple[Float32s, Float32s]:
    """Weighted mean [V, 3] of the values [N, 3] of the texels around each vertex, and their mean weight [V]."""
    texels = fixed.texels
    sums = gather((texels.triangle, texels.barycentric, fixed.faces), values, weight, len(fixed.texel_counts))
    known = sums[:, 3] / fixed.texel_counts
    mean = sums[:, :3] / np.maximum(sums[:, 3:], np.float32(1e-6))
    return mean.astype(np.float32), np.where(known > UNKNOWN, known, 0).astype(np.float32)
