"""The packaged space of skin, and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from unveil import load_openhead
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.openhead import skin


def test_the_packaged_space_knows_the_face_and_not_the_scalp() -> None:
    space = load_openhead().skin
    assert space is not None
    assert packaged("openhead_skin.npz").stat().st_size < 1.5e6
    assert space.mean.shape == (256, 256, 3)
    model = load_openhead()
    uv = model.vertex_uv()
    row, column = (np.clip(256 * at, 0, 255).astype(int) for at in (1 - uv[:, 1], uv[:, 0]))
    certainty = space.certainty[row, column]
    template = np.asarray(model.head.template)
    behind, cheeks = template[:, 2] < -0.05, (template[:, 2] > 0.03) & (np.abs(template[:, 1]) < 0.03)
    assert certainty[behind].max() == 0
    assert certainty[cheeks].mean() > 0.5
    lips = model.landmarks68.triangles[51].ravel()
    red, green = (space.mean[row[lips], column[lips], channel].mean() for channel in (0, 1))
    assert red > green  # than the mean of the face


def test_people_differ_and_files_need_not_say_it(tmp_path: Path) -> None:
    space = load_openhead().skin
    assert space is not None
    assert space.variation is not None
    assert len(space.variation.components) == 70
    assert np.abs(space.variation.mean - 0.5).max() < 0.5
    with np.load(packaged("openhead_skin.npz")) as file:
        np.savez(tmp_path / "mean.npz", **{name: file[name] for name in file.files if "variation" not in name})
    assert skin.load(tmp_path / "mean.npz").variation is None


def test_other_files_are_refused(tmp_path: Path) -> None:
    with np.load(packaged("openhead_skin.npz")) as file:
        arrays = dict(file)
    for name, change, message in (
        ("other.npz", {"format": np.array(9)}, "format 9"),
        ("small.npz", {"certainty": np.zeros((8, 8), np.uint8)}, "not of one size"),
        ("folds.npz", {"folds_cells": np.full(3, 2**14, np.int32)}, "folds do not fit"),
        ("short.npz", {"variation_variance": np.zeros((8, 3), np.float16)}, "do not fit"),
        ("flat.npz", {"variation_components": arrays["variation_mean"]}, "do not fit"),
    ):
        np.savez(tmp_path / name, **(arrays | change))
        with pytest.raises(UnveilError, match=message):
            skin.load(tmp_path / name)
    with pytest.raises(UnveilError, match="does not exist"):
        skin.load(tmp_path / "missing.npz")
