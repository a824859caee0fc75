"""What re-rendering computes once for a head model, and how a picture shows the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.appearance.eyes import IRIS_RADIUS
from unveil.appearance.fixed_texels import open_to_view
from unveil.appearance.mouth import mouth_inside
from unveil.errors import UnveilError
from unveil.geometry.diffuse import Neighbours, neighbours
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.visibility import behind_another_part
from unveil.heads.face_area import face_area
from unveil.heads.landmarks import IBUG68_PARTS
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Floats, Int32s, Int64s, Ints

DEPTH_SIZE = 192  # pixels along the longer side of a head, to find out what lies in front
DEPTH_SLACK = 0.015  # of the longer side: how far behind still counts as in front
EDGE_ON = 0.02  # cosine to the viewer below which a vertex is turned away
ROUNDS = 2  # of averaging with neighbours, so that visibility ends softly
FORESHORTENED = 0.55  # share of the needed cosine with which a view shows a vertex well enough
LEAST_COSINE = 0.08
NOT_SKIN = ("right_brow", "left_brow", "right_eye", "left_eye", "outer_lips")
NOT_SKIN_REACH = 0.006  # metres around those landmarks
NECK = (0.02, 0.35)  # weight of the root joint between which the head ends and the neck begins
EAR_ENDS = (0, 16)  # iBUG-68: ears stick out farther to the side than these
SIDES = 0.55  # of that width
IRIS_RIM = 0.0015  # metres over which the iris ends


@dataclass(frozen=True, eq=False)
class Seen:
    """How a picture shows a head."""

    pixels: Floats  # [V, 3] x and y in pixels of the picture, depth in the same scale, smaller is nearer
    normals: Floats  # [V, 3] unit length; x to the viewer's right, y up, z to the viewer
    free: Floats  # [V] 1 where nothing hides the vertex, 0 where something does

    def row(self, order: Ints) -> Seen:
        """The same with the vertices in another order."""
        return Seen(self.pixels[order], self.normals[order], self.free[order])

    def shows(self, needed: Seen) -> Floats:
        """How well [V] this picture shows what another needs: less where it is hidden or more foreshortened here."""
        cosine = np.maximum(FORESHORTENED * needed.normals[:, 2], LEAST_COSINE)
        return np.asarray(self.free * np.clip(self.normals[:, 2] / cosine, 0, 1) ** 2)


@dataclass(frozen=True, eq=False)
class Surface:
    """The parts of a head model."""

    model: MorphableModel
    faces: Int32s  # [F, 3]
    mirror: Int64s  # [V] the vertex on the other side
    edges: Neighbours
    skin: Floats  # [V] share of the face's bare skin around each vertex
    sides: Bools  # [V] skin of the cheeks towards the ears, where hair may hang
    head: Floats  # [V] 1 on the head, 0 on the neck, which belongs to the surroundings
    ears: Bools  # [V] photographs show them elsewhere than a fit to the face says, or not at all
    mouth: Bools  # [V] inside of it
    eyes: Bools  # [V] eyeballs
    iris: Floats  # [V] 1 on the iris, 0 elsewhere

    @classmethod
    def of(cls, model: MorphableModel) -> Surface:
        """The parts of a head model.

        Raises:
            UnveilError: the model has no eyes that turn, or does not say which vertex is opposite to which.
        """
        names = model.head.joint_names
        if not (model.mirror_vertices.size and "root" in names and any(name.endswith("eye") for name in names)):
            raise UnveilError(f"heads of {model.name} cannot be rendered again; give codes of openhead")
        template = np.asarray(model.head.template, np.float64)
        edges = neighbours(model.faces, len(template))
        root = np.asarray(model.head.skin_weights)[:, names.index("root")]
        width = np.abs(np.asarray(model.landmarks68(template))[list(EAR_ENDS), 0]).mean()
        iris, eyes = _eyes(model, template)
        skin = _skin(model, template) * ~eyes
        return cls(
            model=model,
            faces=np.ascontiguousarray(model.faces, np.int32),
            mirror=np.asarray(model.mirror_vertices),
            edges=edges,
            skin=skin,
            sides=(skin > 0) & (np.abs(template[:, 0]) > SIDES * width),
            head=1 - np.clip((root - NECK[0]) / (NECK[1] - NECK[0]), 0, 1),
            ears=np.abs(template[:, 0]) > width,
            mouth=np.isin(np.arange(len(template)), mouth_inside(model, open_to_view(model), edges)),
            eyes=eyes,
            iris=iris,
        )

    def up(self, pixels: Floats) -> Floats:
        """The head's up [2] in a picture that shows the vertices at ``pixels`` [V, 3]; its length means nothing."""
        strong = self.head > 0.5
        points, height = pixels[strong, :2], np.asarray(self.model.head.template)[strong, 1]
        return np.asarray((height - height.mean()) @ (points - points.mean(axis=0)))

    def seen(self, vertices: Floats, pixels: Floats) -> Seen:
        """How a picture shows posed vertices [V, 3] of model space that lie at pixels [V, 3]."""
        normals = vertex_normals(vertices, self.faces)
        hidden = behind_another_part(pixels, self.faces, DEPTH_SIZE, DEPTH_SLACK)
        free = np.where(hidden | (normals[:, 2] < EDGE_ON), 0.0, 1.0)
        for _ in range(ROUNDS):
            free = np.minimum(free, _mean_of_neighbours(free, self.edges))
        return Seen(pixels, normals, free)


def _mean_of_neighbours(values: Floats, edges: Neighbours) -> Floats:
    """The mean [V] over each vertex's neighbours."""
    return np.asarray(np.add.reduceat(values[edges.index], edges.start[:-1]) / np.diff(edges.start))


def _skin(model: MorphableModel, template: Floats) -> Floats:
    """Share [V] of the face's skin around each vertex, without brows, eyes and lips."""
    marks = np.asarray(model.landmarks68(template))
    others = np.concatenate([marks[slice(*IBUG68_PARTS[name])] for name in NOT_SKIN])
    away = np.linalg.norm(template[:, None] - others, axis=2).min(axis=1)
    return np.asarray(face_area(model) * (away > NOT_SKIN_REACH), np.float64)


def _eyes(model: MorphableModel, template: Floats) -> tuple[Floats, Bools]:
    """The iris [V], and which vertices [V] are of an eyeball: those that only an eye's joint moves."""
    weights = np.asarray(model.head.skin_weights)
    eyes, iris = np.zeros(len(template), bool), np.zeros(len(template))
    for joint in (k for k, name in enumerate(model.head.joint_names) if name.endswith("eye")):
        ball = weights[:, joint] > 0.99
        arm = template[ball] - (template[ball].min(axis=0) + template[ball].max(axis=0)) / 2
        away = np.hypot(arm[:, 0], arm[:, 1])
        iris[ball] = np.clip((IRIS_RADIUS - away) / IRIS_RIM + 0.5, 0, 1) * (arm[:, 2] > 0)
        eyes |= ball
    return iris, eyes
