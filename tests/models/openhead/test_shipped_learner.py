"""The learner in the package on the demo photograph, clear and covered, against points marked by hand."""

import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.faces.reconstruction import Reconstruction
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor

# iBUG-68 index and (x, y) in pixels of demo.jpg, read off the photograph; the face is about 100 pixels wide.
MARKED = {
    36: (192.5, 100.5),  # outer corner of the right eye
    39: (211.3, 103.0),  # its inner corner
    42: (237.5, 104.7),  # inner corner of the left eye
    45: (258.3, 103.7),  # its outer corner
    30: (224.2, 127.5),  # tip of the nose
    48: (203.0, 139.7),  # right corner of the mouth
    54: (244.5, 141.3),  # left corner of the mouth
    8: (226.7, 178.3),  # chin
}
FACE = 100.0


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return read_image(packaged("demo.jpg"))


@pytest.fixture(scope="module")
def clear(reconstructor: Reconstructor, photo: np.ndarray) -> Reconstruction:
    (face,) = reconstructor.reconstruct(photo)
    return face


def distances(face: Reconstruction) -> np.ndarray:
    """From the marked points, in shares of the face's width."""
    points = np.array([face.landmarks2d[index] for index in MARKED])
    return np.linalg.norm(points - np.array(list(MARKED.values())), axis=1) / FACE


def test_landmarks_lie_where_they_were_marked(clear: Reconstruction) -> None:
    assert distances(clear).mean() < 0.05
    assert distances(clear).max() < 0.12


def test_pose_and_size_are_those_of_the_portrait(clear: Reconstruction) -> None:
    pitch, yaw, roll = clear.pose_degrees
    assert abs(pitch) < 25
    assert abs(yaw) < 20
    assert abs(roll) < 12
    width = np.ptp(clear.neutral_vertices[:, 0])
    assert 0.12 < width < 0.22  # metres, ear to ear


def test_she_smiles(clear: Reconstruction) -> None:
    smile = (clear.expression["mouthSmileLeft"] + clear.expression["mouthSmileRight"]) / 2
    frown = (clear.expression["mouthFrownLeft"] + clear.expression["mouthFrownRight"]) / 2
    assert smile > frown + 0.1


def test_a_covered_mouth_moves_the_landmarks_little(
    reconstructor: Reconstructor, photo: np.ndarray, clear: Reconstruction
) -> None:
    covered = photo.copy()
    covered[133:182, 190:262] = (90, 120, 160)  # from under the nose to the chin
    (face,) = reconstructor.reconstruct(covered)
    assert distances(face).mean() < 0.08
    shift = np.linalg.norm(face.landmarks2d - clear.landmarks2d, axis=1) / FACE
    assert shift[17:48].mean() < 0.06  # brows, nose and eyes are seen in both
    assert np.linalg.norm(face.neutral_vertices - clear.neutral_vertices, axis=1).mean() < 0.006


def test_smaller_and_larger_photographs_give_the_same_head(
    reconstructor: Reconstructor, photo: np.ndarray, clear: Reconstruction
) -> None:
    larger = photo.repeat(2, axis=0).repeat(2, axis=1)
    face = reconstructor.reconstruct(larger, max_faces=1)[0]
    np.testing.assert_allclose((face.landmarks2d - 0.5) / 2, clear.landmarks2d, atol=0.04 * FACE)
