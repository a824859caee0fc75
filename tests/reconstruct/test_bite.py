"""Teeth that are closer together in the photograph than the learner says."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from unveil import Reconstruction, Reconstructor
from unveil.assets.store import packaged
from unveil.heads.layout import Coefficients
from unveil.photos.io import read_image
from unveil.reconstruct.bite import JAW, LOWER, UPPER, between_lips, biting, gap_of_teeth
from unveil.typing import Image

SKIN, LIP, TEETH, DARK = (200, 150, 130), (170, 80, 80), (225, 215, 205), (40, 20, 20)
SMILE = {JAW: 0.4} | {f"mouth{unit}{side}": 0.4 for unit in ("Smile", "UpperUp") for side in ("Left", "Right")}


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def smiling(reconstructor: Reconstructor) -> Reconstruction:
    """A smile with an open jaw, on the head of the packaged photograph."""
    face = reconstructor.reconstruct(packaged("demo.jpg"), max_faces=1)[0]
    expression = np.zeros_like(face.coefficients["expression"])
    for unit, strength in SMILE.items():
        expression[reconstructor.morphable.unit_names.index(unit)] = strength
    return reconstructor.changed(face, face.coefficients.replace(expression=expression))


def with_mouth(face: Reconstruction, inside: tuple[int, int, int], dark: float = 0.0) -> Image:
    """The photograph with lips, and between them a colour of which that share of the height, in the middle, is dark."""
    image = read_image(packaged("demo.jpg")).copy()
    marks = face.landmarks2d
    outer, inner = marks[48:60], marks[60:68]
    cv2.circle(image, np.rint(outer.mean(axis=0)).astype(int).tolist(), round(float(np.ptp(outer[:, 0]))), SKIN, -1)
    for outline, colour in ((outer, LIP), (inner, inside)):
        cv2.fillPoly(image, [np.rint(16 * outline).astype(np.int32)], colour, shift=4)
    middle = (inner[[1, 2, 3]] + inner[[7, 6, 5]]) / 2
    band = np.concatenate(
        [middle + dark * (inner[[1, 2, 3]] - middle), (middle + dark * (inner[[7, 6, 5]] - middle))[::-1]]
    )
    if dark:
        cv2.fillPoly(image, [np.rint(16 * band).astype(np.int32)], DARK, shift=4)
    return image


def jaw_of(reconstructor: Reconstructor, coefficients: Coefficients | None) -> float:
    row = reconstructor.morphable.unit_names.index(JAW)
    return SMILE[JAW] if coefficients is None else float(coefficients["expression"][row])


def test_closed_rows_of_teeth_close_the_jaw(reconstructor: Reconstructor, smiling: Reconstruction) -> None:
    model = reconstructor.morphable
    images = [with_mouth(smiling, TEETH, dark) for dark in (0, 0.35, 0.8)]
    closed, apart, wide = (jaw_of(reconstructor, biting(image, smiling, model)) for image in images)
    assert closed < apart - 0.02 < SMILE[JAW] - 0.04
    assert wide == SMILE[JAW], "as dark as on the head"


def test_lips_stay_where_a_jaw_closes(reconstructor: Reconstructor, smiling: Reconstruction) -> None:
    model = reconstructor.morphable
    closed = biting(with_mouth(smiling, TEETH), smiling, model)
    assert closed is not None
    assert closed.values.dtype == smiling.coefficients.values.dtype
    moved = reconstructor.changed(smiling, closed)
    before, after = (1e3 * np.asarray(one.landmarks3d) for one in (smiling, moved))
    assert np.linalg.norm(after[17:48] - before[17:48], axis=1).mean() < 0.3
    for lip in (UPPER, LOWER):
        assert np.linalg.norm((after - before)[lip, :2], axis=1).mean() < 1.5  # of 5 mm that the jaw takes along
    assert gap_of_teeth(moved, model)[1] < gap_of_teeth(smiling, model)[1] - 1


def test_mouths_without_teeth_or_that_are_not_seen_stay(reconstructor: Reconstructor, smiling: Reconstruction) -> None:
    model, image = reconstructor.morphable, with_mouth(smiling, TEETH)
    assert smiling.occlusion is not None
    hidden = replace(smiling, occlusion=np.ones_like(smiling.occlusion))
    for unseen in (hidden, replace(smiling, pose_degrees=(0.0, 40.0, 0.0)), replace(smiling, occlusion=None)):
        assert biting(image, unseen, model) is None
    for inside in (LIP, DARK):
        assert between_lips(with_mouth(smiling, inside), smiling) is None, "a tongue, or nothing"
    ends = image[: round(float(smiling.landmarks2d[62, 1]))]
    assert biting(ends, smiling, model) is None, "the photograph ends at the mouth"


def test_the_photograph_of_a_closed_mouth_stays(reconstructor: Reconstructor) -> None:
    face = reconstructor.reconstruct(packaged("demo.jpg"), max_faces=1)[0]
    image = read_image(packaged("demo.jpg"))
    closed = face.coefficients.replace(expression=np.zeros_like(face.coefficients["expression"]))
    assert biting(image, reconstructor.changed(face, closed), reconstructor.morphable) is None
