"""Hair from a photograph."""

from __future__ import annotations

import numpy as np

from unveil.appearance.hair.ends import SOLID, at_nodes, away_from_hair, loose_ends, lowered
from unveil.appearance.hair.frame import above_hairline, frame_of
from unveil.appearance.hair.mesh import cap_mesh
from unveil.appearance.hair.picture import hair_picture
from unveil.appearance.hair.shape import hair_shape
from unveil.appearance.hair.surroundings import Sighted, hair_view
from unveil.geometry.arrays import nearest
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairCap

CARRIERS, EVERY = -0.06, 8  # metres above the hairline, of the skin to one in so many vertices of which hair belongs


def hair_of(head: Sighted, model: MorphableModel) -> HairCap | None:
    """The hair that a photograph shows on a head, continued around it; None where it shows none.

    Args:
        head: in the photograph.
        model: its model, whose whole head has parts.
    """
    view = hair_view(head, model)
    if view is None:
        return None
    frame = frame_of(head.neutral, model)
    shape = hair_shape(frame, view)
    if shape is None:
        return None
    away = away_from_hair(shape)
    mesh = cap_mesh(-SOLID - at_nodes(away))
    points = frame.at(shape.distance)
    vertices = mesh.vertices(points).astype(np.float32)
    picture, seen = hair_picture(head, frame, shape, away, view, model.faces)
    carriers = np.flatnonzero(above_hairline(np.asarray(model.head.template)) > CARRIERS)[::EVERY]
    return HairCap(
        vertices=vertices,
        faces=mesh.faces,
        uv=mesh.uv,
        uv_faces=mesh.uv_faces,
        picture=picture,
        hidden=np.asarray(1 - mesh.vertices(seen[..., None])[:, 0], np.float32),
        anchors=carriers[nearest(vertices, head.neutral[carriers].astype(np.float32))],
        ends=loose_ends(frame.at(shape.distance - lowered(away)), away, picture, seen),
    )
