"""What to expect of anybody's skin: where it is bare, and what its albedo is up to the person's tone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.appearance.atlas import Atlas
from unveil.appearance.grain import PlainSkin
from unveil.appearance.texel_kernels import gather
from unveil.geometry.diffuse import Neighbours, diffuse
from unveil.geometry.mesh import vertex_normals
from unveil.heads.face_area import face_area, vertex_areas
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Float32s, Int32s, Ints

EARS, LOBES, BROWS = [0, 16], [2, 14], slice(17, 27)  # iBUG-68
FRONTAL = 0.5  # cosine between normal and front of the head above which the face shows skin rather than hair
SURELY = 0.5  # certainty from which a texel is bare skin
# Deviations of the albedo between people, in logarithms: texels that vary more than the second are not used to find the
# light, and below the first all count alike.
LEAST_VARIED, MOST_VARIED = 0.1, 0.3
PLAIN = 0.2  # the same deviation, below which skin has neither brows nor lids nor lips
# Certainty of bare skin, outside the cheeks, below which the learned mean is not followed, because hair is mixed into
# it.
HAIRLESS = 0.85
FOLLOWS, FADES = 50.0, 0.03  # how closely it is followed elsewhere; metres over which it fades beyond
SAMPLES = 3000  # texels, about, to find light by


@dataclass(frozen=True, eq=False)
class BareSkin:
    """What is known about the skin of all heads of a model."""

    detail: Float32s  # [N, 3] encoded albedo of the texels, relative to the tone of the face
    usual: Float32s  # [V, 3] its mean around each vertex
    area: Float32s  # [V] square metres that look like skin where they are not seen
    bare: Float32s  # [V] how surely a photograph shows skin there, and not hair or cloth, 0 to 1
    samples: Int32s  # [K] texels to find tone and light by
    trust: Float32s  # [K] in these
    cheeks: Bools  # [V] the skin of the face below the brows, where hair is rare
    plain: PlainSkin | None  # where fine structure is quilted
    known: bool  # whether the albedo is known well enough to find light by it

    @classmethod
    def of(cls, model: MorphableModel, atlas: Atlas, openness: Float32s, edges: Neighbours) -> BareSkin:
        """What a model's `SkinSpace` says; without one, all skin has one colour and only that of the cheeks is sure.

        Args:
            model: the head model.
            atlas: the texels of a texture.
            openness: [V] 1 for skin in the open.
            edges: neighbours of the vertices.
        """
        template = np.asarray(model.head.template)
        front = vertex_normals(template, model.faces)[:, 2] > FRONTAL
        cheeks = (face_area(model) > 0) & (openness == 1) & front & _below_brows(model)
        if model.skin is None:
            return _of_one_colour(model, atlas, cheeks)
        maps = (model.skin.mean, model.skin.certainty[..., None], model.skin.deviation[..., None])
        mean, certainty, deviation = (atlas.sampled(np.asarray(values, np.float32)) for values in maps)
        alike = np.ones(len(mean), np.float32)
        bare = _at_vertices(certainty, alike, model, atlas)
        detail = np.exp(_without_hair(mean, certainty, cheeks, model, atlas, edges))
        usual = _at_vertices(detail, alike, model, atlas)
        sure = np.flatnonzero(certainty[: atlas.in_map, 0] > SURELY).astype(np.int32)
        samples = _some(sure[deviation[sure, 0] < MOST_VARIED])
        trust = (MOST_VARIED / np.maximum(deviation[samples, 0], LEAST_VARIED)) ** 2
        bare = bare[:, 0]
        area = _areas(model) * np.maximum(bare * (openness == 1), _beside_face(model))
        plain = PlainSkin.of(sure, atlas.texels.texels, deviation[sure, 0] < PLAIN, atlas.texels.size)
        return cls(detail, usual, area, bare, samples, trust, cheeks, plain, known=True)

    @property
    def sure(self) -> Float32s:
        """How far [V] the learned mean is followed, 0 to 1: where it is a mean of skin, and not also of hair."""
        return _sure(self.bare, self.cheeks.astype(np.float32))


def _sure(certainty: Float32s, cheeks: Float32s) -> Float32s:
    return np.asarray(np.maximum(cheeks, np.clip((certainty - HAIRLESS) / (1 - HAIRLESS), 0, 1)), np.float32)


def _without_hair(
    mean: Float32s, certainty: Float32s, cheeks: Bools, model: MorphableModel, atlas: Atlas, edges: Neighbours
) -> Float32s:
    """The learned ``mean`` [N, 3] of skin, in logarithms, where it is surely skin, fading smoothly beyond.

    Beyond, the mean mixes skin with hair. ``certainty`` [N, 1] says how surely each texel is bare skin.
    """
    sure = _sure(certainty, _at_texels(cheeks[:, None].astype(np.float32), atlas))
    at_vertices = _at_vertices(mean, sure[:, 0], model, atlas)
    follow = FOLLOWS * _at_vertices(sure, np.ones(len(mean), np.float32), model, atlas)
    pull = follow + (_areas(model) / FADES**2)[:, None]
    fading = diffuse(follow / np.maximum(pull, np.float32(1e-9)) * at_vertices, pull[:, 0], edges, np.zeros(3))
    return np.asarray(sure * mean + (1 - sure) * _at_texels(fading, atlas), np.float32)


def _of_one_colour(model: MorphableModel, atlas: Atlas, cheeks: Bools) -> BareSkin:
    surely = _at_texels(cheeks[:, None].astype(np.float32), atlas)[:, 0]
    detail, usual = np.ones((len(surely), 3), np.float32), np.ones((len(cheeks), 3), np.float32)
    samples = _some(np.flatnonzero(surely > SURELY))
    ones = np.ones(len(samples), np.float32)
    return BareSkin(detail, usual, _areas(model) * cheeks, usual[:, 0], samples, ones, cheeks, None, known=False)


def _areas(model: MorphableModel) -> Float32s:
    return vertex_areas(np.asarray(model.head.template), model.faces).astype(np.float32)


def _some(rows: Ints) -> Int32s:
    """About `SAMPLES` of the rows, evenly chosen."""
    return rows[:: max(1, len(rows) // SAMPLES)].astype(np.int32)


def _at_vertices(values: Float32s, weight: Float32s, model: MorphableModel, atlas: Atlas) -> Float32s:
    """Weighted mean [V, C] of the texels around each vertex, from their values [N, C] and weights [N]."""
    three = np.ascontiguousarray(np.broadcast_to(values, (len(values), 3)))
    sums = gather(atlas.mesh, three, weight, len(model.head.template))
    return np.asarray(sums[:, : values.shape[1]] / np.maximum(sums[:, 3:], np.float32(1e-6)))


def _at_texels(values: Float32s, atlas: Atlas) -> Float32s:
    """Values [V, C] of the vertices, interpolated at all texels [N, C]."""
    triangle, barycentric, faces = atlas.mesh
    return np.asarray(np.einsum("nk,nkc->nc", barycentric, values[faces[triangle]]), np.float32)


def _beside_face(model: MorphableModel) -> Bools:
    """Which vertices [V] are skin of ears, neck and throat."""
    template = np.asarray(model.head.template)
    landmarks = model.landmarks68(template)
    wide = np.abs(template[:, 0]) > np.abs(landmarks[EARS, 0]).max()
    low = template[:, 1] < landmarks[LOBES, 1].mean()
    return np.asarray(low | (wide & _below_brows(model)))


def _below_brows(model: MorphableModel) -> Bools:
    template = np.asarray(model.head.template)
    return np.asarray(template[:, 1] < model.landmarks68(template)[BROWS, 1].min())
