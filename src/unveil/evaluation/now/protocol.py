"""The protocol of the NoW benchmark: how far a scan of a face is from the mesh that was predicted of a photograph.

Sanyal, Bolkart, Feng and Black, "Learning to regress 3D face shape and expression from an image without 3D
supervision", 2019. The part of the scan around the face counts; the mesh is laid onto it as well as a similarity can;
the errors are the distances of the scan's vertices to the mesh. Scans are in millimetres, predictions in any unit.
"""

from __future__ import annotations

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.alignment import Fit, fit_to_scan, procrustes
from unveil.evaluation.mesh_distance import MeshTree
from unveil.heads.face_area import face_sphere
from unveil.meshes.mesh import Mesh
from unveil.typing import Float64s

MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0}  # in each unit that a metrical prediction may be in
EYES_APART = (50.0, 160.0)  # outer corners, mm: wider than for any head, and far from what another unit gives
SCALE_RANGE = (0.5, 2.0)  # by which a head in the stated unit may still differ from the scan's size
LANDMARKS_OFF = 0.5  # in distances of the outer eye corners: farther from the mesh, and they are not on it


def crop_scan(vertices: Float64s, landmarks: Float64s) -> Float64s:
    """The vertices [N, 3] of a scan that count.

    Raises:
        UnveilError: the scan is not in millimetres, or none of it is around the landmarks.
    """
    require_millimetres(landmarks)
    centre, radius = face_sphere(landmarks)
    face = vertices[np.linalg.norm(vertices - centre, axis=1) <= radius]
    if not len(face):
        raise UnveilError("the scan has no vertex around its landmarks; use the scans and landmarks as NoW has them")
    return np.asarray(face)


def require_millimetres(landmarks: Float64s) -> None:
    """UnveilError unless a scan's landmarks [7, 3] are as far apart as in millimetres."""
    apart = float(np.linalg.norm(landmarks[3] - landmarks[0]))
    if not EYES_APART[0] <= apart <= EYES_APART[1]:
        raise UnveilError(
            f"the outer corners of the scan's eyes are {apart:.3g} apart, which are not the millimetres that NoW's "
            "scans are in; use the scans and landmarks as NoW has them"
        )


def fit_prediction(
    scan: Float64s, scan_landmarks: Float64s, mesh: Mesh, landmarks: Float64s, metrical: str | None = None
) -> Fit:
    """Lay a predicted mesh onto a scan's face and measure.

    Args:
        scan: [N, 3] the vertices that count, mm.
        scan_landmarks: [7, 3] mm.
        mesh: the prediction, in any frame.
        landmarks: [7, 3] in the frame of the mesh.
        metrical: the unit of the mesh, of `MILLIMETRES`; then its size is taken as it is. None: any size will do.

    Returns:
        The similarity from the mesh to the scan and the distance of each of the scan's vertices, mm.

    Raises:
        UnveilError: the mesh has no faces, its landmarks lie elsewhere, or it cannot be in the stated unit.
    """
    if not len(mesh.faces):
        raise UnveilError("the predicted mesh has no faces, only points; write its triangles too")
    surface = MeshTree(mesh.vertices, mesh.faces)
    off = float(surface.nearest(landmarks).distances.max())
    if off > LANDMARKS_OFF * float(np.linalg.norm(landmarks[3] - landmarks[0])):
        raise UnveilError(
            f"a landmark lies {off:.3g} from the predicted mesh; write landmarks in the mesh's own frame and unit"
        )
    start = procrustes(landmarks, scan_landmarks)
    if metrical is not None:
        size = MILLIMETRES[metrical]
        if not SCALE_RANGE[0] <= start.scale / size <= SCALE_RANGE[1]:
            raise UnveilError(
                f"the predicted head is {size / start.scale:.3g} times as large as the scan when its unit is "
                f"{metrical}; state the unit it is in, of {', '.join(MILLIMETRES)}"
            )
        start = procrustes(landmarks, scan_landmarks, size)
    return fit_to_scan(scan, surface, start, fixed_scale=metrical is not None)
