"""Eyes that are narrower in the photograph than the learner says."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from unveil import Reconstruction, Reconstructor
from unveil.assets.store import packaged
from unveil.photos.io import read_image
from unveil.reconstruct.squint import EYES, narrowing, squinting
from unveil.typing import Image

SKIN, DARK = (200, 150, 130), (60, 40, 30)
UNITS = ("eyeSquintLeft", "eyeSquintRight")


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def face(reconstructor: Reconstructor) -> Reconstruction:
    return reconstructor.reconstruct(packaged("demo.jpg"), max_faces=1)[0]


def with_eyes(face: Reconstruction, opened: float) -> Image:
    """The photograph with dark eyes, whose lower lids leave that share of the head's eyes open."""
    image = read_image(packaged("demo.jpg")).copy()
    for eye in EYES.values():
        marks = face.landmarks2d[eye]
        width = float(np.linalg.norm(marks[3] - marks[0]))
        cv2.circle(image, np.rint(marks.mean(axis=0)).astype(int).tolist(), round(width), SKIN, -1)
        lens = np.concatenate([marks[:4], marks[[2, 1]] + opened * (marks[[4, 5]] - marks[[2, 1]])])
        cv2.fillPoly(image, [np.rint(16 * lens).astype(np.int32)], DARK, shift=4)
    return image


def squint(reconstructor: Reconstructor, face: Reconstruction, image: Image) -> float:
    """By how much the units of the eyes are stronger."""
    narrower = squinting(image, face, reconstructor.morphable)
    if narrower is None:
        return 0.0
    rows = [reconstructor.morphable.unit_names.index(unit) for unit in UNITS]
    return float((narrower["expression"] - face.coefficients["expression"])[rows].min())


def test_narrow_eyes_squint_and_open_ones_stay(reconstructor: Reconstructor, face: Reconstruction) -> None:
    narrow, narrower, same = (squint(reconstructor, face, with_eyes(face, opened)) for opened in (0.7, 0.5, 1.6))
    assert narrower > narrow + 0.05 > 0.1
    assert same == 0


def test_eyes_that_are_not_seen_stay(reconstructor: Reconstructor, face: Reconstruction) -> None:
    image = with_eyes(face, 0.5)
    assert face.occlusion is not None
    hidden = replace(face, occlusion=np.ones_like(face.occlusion))
    turned = replace(face, pose_degrees=(0.0, 40.0, 0.0))
    for unseen in (hidden, turned, replace(face, occlusion=None)):
        assert squinting(image, unseen, reconstructor.morphable) is None
    plain = np.full_like(image, SKIN)
    assert narrowing(plain, face, EYES["Left"]) is None, "nothing is dark there"
    beyond = image[: round(face.landmarks2d[36:48, 1].mean())]
    assert squinting(beyond, face, reconstructor.morphable) is None, "the photograph ends at the eyes"


def test_a_narrower_eye_keeps_what_is_known_of_the_face(reconstructor: Reconstructor, face: Reconstruction) -> None:
    found = reconstructor.reconstruct(with_eyes(face, 0.6), max_faces=1)[0]
    assert found.deviations is not None
    assert found.hidden is not None
    assert found.uncertainty_mm is not None
    rows = [reconstructor.morphable.unit_names.index(unit) for unit in UNITS]
    assert found.coefficients["expression"][rows].min() > 0.1
    np.testing.assert_allclose(found.vertices, reconstructor.morphable.vertices(found.coefficients), atol=1e-6)
