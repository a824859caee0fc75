"""The packaged variation of shapes, the ratio that it gives, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.openhead import variation
from unveil.models.openhead.family import Openhead
from unveil.models.variation import ShapeVariation
from unveil.storage.npz import write_npz


def test_the_ratio_is_that_of_two_normal_distributions() -> None:
    random = np.random.default_rng(0)
    between = np.array([3.0, 0.5])
    said = ShapeVariation(random.normal(size=2), random.normal(size=(2, 2)), between, 1.5)
    shapes, others = random.normal(size=(3, 2)), random.normal(size=(4, 2))
    u, v = ((each - said.mean) @ said.directions for each in (shapes, others))
    two = np.diag(np.tile(between + 1, 2))
    one = two + np.kron([[0, 1], [1, 0]], np.diag(between))
    for k, first in enumerate(u):
        for n, second in enumerate(v):
            both = np.concatenate([first, second])
            ratio = multivariate_normal(cov=one).logpdf(both) - multivariate_normal(cov=two).logpdf(both)
            np.testing.assert_allclose(said.alike(shapes, others)[k, n], ratio - 1.5, atol=1e-9)


def test_the_packaged_one_is_small_and_fits() -> None:
    said = Openhead().shape_variation()
    assert said.directions.shape == (100, 100)
    assert packaged("openhead_people.npz").stat().st_size < 30_000


def test_other_files_are_refused(tmp_path: Path) -> None:
    with np.load(packaged("openhead_people.npz")) as file:
        arrays = dict(file)
    for name, change, message in (
        ("other.npz", {"format": np.array(9)}, "format 9"),
        ("short.npz", {"mean": np.zeros(7, np.float16)}, "do not fit"),
        ("negative.npz", {"between": -arrays["between"]}, "do not fit"),
    ):
        write_npz(tmp_path / name, arrays | change)
        with pytest.raises(UnveilError, match=message):
            variation.load(tmp_path / name)
