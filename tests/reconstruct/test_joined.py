"""Several photographs of one person."""

import dataclasses

import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


def test_faces_of_one_person_get_one_shape(reconstructor: Reconstructor) -> None:
    photograph = read_image(packaged("demo.jpg"))
    (face,), (other,) = (reconstructor.reconstruct(image) for image in (photograph, photograph[:, ::-1].copy()))
    one, two = reconstructor.joined([face, other])
    np.testing.assert_array_equal(one.coefficients["shape"], two.coefficients["shape"])
    np.testing.assert_array_equal(one.neutral_vertices, two.neutral_vertices)
    for joined, alone in ((one, face), (two, other)):
        for group in ("expression", "pose", "camera"):
            np.testing.assert_array_equal(joined.coefficients[group], alone.coefficients[group])
        assert joined.deviations is not None
        assert alone.deviations is not None
        assert joined.deviations["shape"].mean() < alone.deviations["shape"].clip(max=1).mean()
        np.testing.assert_array_equal(joined.deviations["pose"], alone.deviations["pose"])
        assert joined.mean_uncertainty_mm is not None
        assert alone.mean_uncertainty_mm is not None
        assert joined.mean_uncertainty_mm < alone.mean_uncertainty_mm
        np.testing.assert_array_equal(joined.hidden, alone.hidden)
    (same,) = reconstructor.joined([face])
    np.testing.assert_allclose(same.vertices, face.vertices, atol=1e-6)
    with pytest.raises(UnveilError, match="no face to join"):
        reconstructor.joined([])


def test_shapes_without_deviations_are_averaged(reconstructor: Reconstructor) -> None:
    (face,) = reconstructor.reconstruct(packaged("demo.jpg"))
    plain = dataclasses.replace(face, deviations=None)
    shape = face.coefficients["shape"]
    other = dataclasses.replace(plain, coefficients=face.coefficients.replace(shape=shape + 1))
    for joined in reconstructor.joined([plain, other]):
        np.testing.assert_allclose(joined.coefficients["shape"], shape + 0.5, atol=1e-6)
        assert joined.uncertainty_mm is None
