"""The same faces, clear and occluded: what every method that is compared is shown, whichever method it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.predictions import CLEAR
from unveil.models.openhead.family import Openhead
from unveil.models.registry import load_head
from unveil.occluders import load_pool
from unveil.occluders.base import SEVERITIES, Face, Occluder, Occlusion, sample_generator
from unveil.occluders.below import BelowTheBridge
from unveil.occluders.head_surface import FaceMesh, HeadSurface
from unveil.occluders.pool import SLIGHT
from unveil.photos.crop import Crop
from unveil.typing import Floats, Image


@dataclass(frozen=True)
class Condition:
    """An occluder that is put in front of all faces, or none."""

    occluder: Occluder | None = None
    severity: float | None = None  # wanted share of the face that is hidden, where the occluder heeds one

    @property
    def stem(self) -> str:
        """Name of its files, such as ``clear`` or ``glasses-40``."""
        if self.occluder is None:
            return CLEAR
        return self.occluder.kind if self.severity is None else f"{self.occluder.kind}-{round(100 * self.severity)}"

    def apply(self, image: Image, face: Face, name: str, seed: int) -> Occlusion:
        """Lay it over the face of a picture [H, W, 3]; the same name and seed give the same thing, at any severity."""
        if self.occluder is None:
            return Occlusion(image, np.zeros(image.shape[:2], bool), CLEAR)
        rng = sample_generator(seed, f"{self.occluder.kind} {name}", 0)
        return self.occluder.apply(image, face, rng, self.severity)


def conditions(
    folder: Path | None = None,
    kinds: Collection[str] | None = None,
    severities: Sequence[float] = SEVERITIES,
) -> list[Condition]:
    """The clear faces, and every kind of occluder at every severity.

    Args:
        folder: further occluders, see `load_pool`.
        kinds: of occluders; all there are but hats if left out, none if empty.
        severities: wanted shares of the face that are hidden, in (0, 1].

    Raises:
        UnveilError: a kind is unknown, a severity out of range, or the folder cannot be used.
    """
    if not all(0 < severity <= 1 for severity in severities):
        raise UnveilError("severities are shares of the face in percent, above 0 and up to 100")
    found: dict[str, tuple[Occluder, tuple[float | None, ...]]] = {
        occluder.kind: (occluder, tuple(severities)) for occluder in load_pool(folder).occluders
    }
    found[BelowTheBridge().kind] = BelowTheBridge(), (None,)
    unknown = sorted(set(kinds or ()) - set(found))
    if unknown:
        raise UnveilError(f"no occluder of kind {', '.join(unknown)}: choose from {', '.join(found)}")
    chosen = {kind: found[kind] for kind in found if (kind not in SLIGHT if kinds is None else kind in kinds)}
    return [Condition(), *(Condition(one, severity) for one, steps in chosen.values() for severity in steps)]


class FaceFinder:
    """Finds what occluders need to be put on a face: the annotation, and the head that the packaged learner sees.

    Whichever method is measured, the occluded pictures are the same.
    """

    def __init__(self) -> None:
        self._learner = Openhead().open_encoder()
        self._surface = HeadSurface.of(load_head(self._learner.layout))

    def face(self, image: Image, landmarks68: Floats) -> Face:
        """The face with these landmarks [68, 2] in a clear picture [H, W, 3], with its mesh."""
        crop = Crop.from_landmarks(landmarks68, self._learner.input_size)
        coefficients = self._learner.predict(crop.warp(image)[None]).coefficients
        (mesh,) = self._surface.place(coefficients, crop.size)
        return Face.of(np.asarray(landmarks68, np.float64), _in_picture(mesh, crop))


def _in_picture(mesh: FaceMesh, crop: Crop) -> FaceMesh:
    """The grid in pixels of the picture that the upright crop was cut from."""
    flat = mesh.points.reshape(-1, 3)
    points = np.concatenate([crop.to_image(flat[:, :2]), flat[:, 2:] / crop.scale], axis=1)
    return FaceMesh(mesh.surface, points.reshape(mesh.points.shape), mesh.rotation, mesh.scale / crop.scale)
