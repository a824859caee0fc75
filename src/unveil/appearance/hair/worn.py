"""Hair from a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.appearance.hair.ends import SOLID, at_nodes, away_from_hair, loose_ends, lowered
from unveil.appearance.hair.frame import HairFrame, above_hairline, frame_of
from unveil.appearance.hair.mesh import CapMesh, cap_mesh
from unveil.appearance.hair.picture import hair_picture
from unveil.appearance.hair.shape import HairShape, hair_shape
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.surroundings import Surroundings, hair_view
from unveil.appearance.hair.view import HairView
from unveil.geometry.arrays import nearest
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairCap
from unveil.processes import begun
from unveil.reprs import short_repr
from unveil.typing import Float32s, Int64s

# Hair is anchored to vertices of the skin.
CARRIERS = -0.06  # metres above the usual hairline; vertices that are higher may carry hair
EVERY = 8  # one in so many of these does


@dataclass(frozen=True, eq=False)
class HairForm:
    """The form of the hair on a head, before it has a picture."""

    head: Sighted
    view: HairView
    frame: HairFrame
    shape: HairShape
    away: Float32s  # [H, W] texels from the edge of hair, less than zero inside
    mesh: CapMesh
    vertices: Float32s  # [N, 3] metres, around the neutral head in model space
    __repr__ = short_repr

    @property
    def faces(self) -> Int64s:
        """Triangles [F, 3]."""
        return self.mesh.faces

    def painted(self, model: MorphableModel) -> HairCap:
        """The hair with its picture and its ends; ``model`` is the model of the head."""
        frame, shape, mesh, away = self.frame, self.shape, self.mesh, self.away
        picture, seen = hair_picture(self.head, frame, shape, away, self.view, model.faces)
        carriers = np.flatnonzero(above_hairline(np.asarray(model.head.template)) > CARRIERS)[::EVERY]
        return HairCap(
            vertices=self.vertices,
            faces=mesh.faces,
            uv=mesh.uv,
            uv_faces=mesh.uv_faces,
            picture=picture,
            hidden=np.asarray(1 - mesh.vertices(seen[..., None])[:, 0], np.float32),
            anchors=carriers[nearest(self.vertices, self.head.neutral[carriers].astype(np.float32))],
            ends=loose_ends(frame.at(shape.distance - lowered(away)), shape.thins, away, picture, seen),
        )


def hair_form(surroundings: Surroundings, model: MorphableModel) -> HairForm | None:
    """The form of the hair that a photograph shows on a head, continued around it; None where it shows none.

    Args:
        surroundings: of the head in the photograph.
        model: of the head; its whole head has parts.
    """
    framed = begun(frame_of, surroundings.around.head.neutral, model)
    view = hair_view(surroundings, model)
    if view is None:
        return None
    frame = framed()
    shape = hair_shape(frame, view)
    if shape is None:
        return None
    away = away_from_hair(shape)
    mesh = cap_mesh(-SOLID - at_nodes(away))
    vertices = mesh.vertices(frame.at(shape.distance)).astype(np.float32)
    return HairForm(surroundings.around.head, view, frame, shape, away, mesh, vertices)
