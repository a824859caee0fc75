"""68 landmarks to a head, by least squares: what `pipeline` does with a network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.fitting.landmark_files import landmarks68, read_landmarks
from unveil.fitting.landmark_fit import FitSettings, LandmarkFitter
from unveil.fitting.points import PointPlacement
from unveil.heads.landmarks import SurfacePoints
from unveil.heads.model import MorphableModel
from unveil.models.openhead.family import packaged_head
from unveil.photos.crop import Crop
from unveil.photos.io import Photograph, as_rgb, name_of
from unveil.reconstruct.geometry import Sighting, Source, heads_in_photo
from unveil.timing import StageTimes
from unveil.typing import Float64s

# Metres on the head. Error of the form of known heads, from landmarks that are off by 1 and 2 px of 224: 1.36 and 1.63
# mm with this noise, 1.65 and 1.72 with 4 mm, 1.40 and 2.09 with 0.5 mm; the mean head is off by 2.43 mm
# (benchmarks/fit_landmarks.py).
SETTINGS = FitSettings(noise=2e-3)
AWAY = 120.0  # degrees of yaw beyond which the face is seen from behind
# Largest mean distance of a face's landmarks from those of the fitted head, in square roots of the area of their box.
# On 40 annotated video frames it is 0.025 at most. Where every landmark is exchanged for the next, it is 0.1 at least.
FARTHEST = 0.06
GROUPS = ("shape", "expression", "pose", "camera")  # of the coefficients that the fit gives


def fit_landmarks(
    landmarks: str | os.PathLike[str] | ArrayLike,
    photograph: Photograph | None = None,
    *,
    model: MorphableModel | None = None,
    settings: FitSettings = SETTINGS,
) -> Reconstruction:
    """Fit a head to the 68 landmarks of one face, without a network.

    The 17 landmarks of the jaw line are taken as the outline of the cheek that the photograph shows.

    Args:
        landmarks: iBUG-68 [68, 2] in image pixels, pixel centres at integers, NaN where one is unknown; or the path of
            a file that `fitting.landmark_files.read_landmarks` reads.
        photograph: where the head's colours come from, as `Reconstructor.reconstruct` takes it; without it the head
            is grey.
        model: a head model with openhead's groups of coefficients; openhead if left out.
        settings: how far landmarks and priors are trusted.

    Returns:
        The head, as a reconstruction without detector, occlusion map and deviations.

    Raises:
        UnveilError: the landmarks are not those of a face, a file cannot be read, or the head model is unlike openhead.
        TypeError: the photograph is anything else.
    """
    clock = StageTimes()
    is_path = isinstance(landmarks, str | os.PathLike)
    points = read_landmarks(Path(landmarks)) if is_path else landmarks68(landmarks)  # type: ignore[arg-type]
    image = None if photograph is None else as_rgb(photograph)
    model = model or packaged_head()
    known = points[np.isfinite(points[:, 0])]
    crop = Crop.from_landmarks(known)
    with clock.stage("fit"):
        fitter = LandmarkFitter(model, placements68(model), settings)
        in_crop = crop.to_crop(points)[None]
        fit = fitter.fit([in_crop[:, :17], in_crop[:, 17:]], crop.size)
    name = name_of(landmarks if photograph is None and is_path else photograph)
    sighting = Sighting(f"{name}_0", crop, np.concatenate([known.min(axis=0), known.max(axis=0)]), None)
    source = Source("landmark fit", model, image, clock.milliseconds)
    (head,) = heads_in_photo(source, fit.coefficients, [sighting])
    _require_face(head, points)
    return head


def _require_face(head: Reconstruction, landmarks: Float64s) -> None:
    """Raise an UnveilError where the head that was fitted to landmarks [68, 2] does not explain them.

    To mirrored landmarks, a head that is seen from behind is fitted.
    """
    if abs(head.pose_degrees[1]) > AWAY:
        raise UnveilError(
            "the landmarks are those of a face in a mirror: give x before y, and the subject's right before their left"
        )
    distance, side = landmark_distance(head, landmarks), np.sqrt(np.prod(head.box_ltrb[2:] - head.box_ltrb[:2]))
    if distance > FARTHEST * side:
        raise UnveilError(
            f"the landmarks are those of no face: the nearest head's are {distance:.1f} pixels away; "
            "check that they are iBUG's 68, in their order"
        )


def placements68(model: MorphableModel) -> tuple[PointPlacement, PointPlacement]:
    """Where the jaw line [17] and the other landmarks [51] sit on a model; UnveilError where it cannot be fitted."""
    root = model.head.joint_template[model.head.joint_names.index("root")]
    if tuple(group.name for group in model.layout.groups) != GROUPS or np.any(root != 0) or not model.expression_names:
        raise UnveilError(
            f"{model.name} cannot be fitted to landmarks: give a model with the coefficients {', '.join(GROUPS)}, "
            "its root joint at the origin and named expression units, such as openhead"
        )
    table = model.landmarks68
    inner = model.inner51 or SurfacePoints(table.triangles[17:], table.barycentric[17:])
    return PointPlacement(model.contour, np.ones(17)), PointPlacement(inner, np.ones(51))


def landmark_distance(head: Reconstruction, landmarks: Float64s) -> float:
    """Mean distance in image pixels between the head's landmarks and the given ones [68, 2] that are not NaN."""
    return float(np.nanmean(np.linalg.norm(head.landmarks2d - landmarks, axis=1)))
