"""Folds of the skin that expressions make, and the relief of one person that moves with them."""

import numpy as np
import pytest

from unveil import load_openhead
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.detail import LITTLE, MOST, MovingRelief
from unveil.heads.skin.space import CELLS, SkinFolds, at_coordinates
from unveil.typing import Float32s

MODEL = load_openhead()
MIDDLE = (SIZE // 2, SIZE // 2)


def one_fold(depth: float = 1e-3) -> SkinFolds:
    """The first of two units lowers a square in the middle."""
    rows, columns = np.mgrid[60:68, 60:68]
    cells = (rows * CELLS + columns).ravel()
    return SkinFolds(cells, np.float32([[-depth] * len(cells), [0] * len(cells)]))


def flat(depth: float) -> Float32s:
    return np.full((SIZE, SIZE), -depth, np.float32)


def test_a_relief_is_linear_in_the_units_and_further_ones_have_no_effect() -> None:
    folds = one_fold()
    assert not folds.relief(np.zeros(2)).any()
    np.testing.assert_allclose(folds.relief(np.array([0.5, 1, 1])), 0.5 * folds.relief(np.array([1, 0])), atol=1e-9)
    assert folds.relief(np.array([1, 0]))[MIDDLE] == pytest.approx(-1e-3)
    assert folds.at(np.array([[0.5, 0.5], [0.1, 0.1]])) == pytest.approx(np.array([[-1e-3, 0], [0, 0]]))


def test_what_an_expression_made_is_not_there_at_rest_and_comes_back() -> None:
    smile, rest = np.array([1.0, 0]), np.zeros(2)
    deep = MovingRelief.of(flat(1.2e-3), smile, np.ones((SIZE, SIZE), np.float32), one_fold())
    assert deep.at(rest)[MIDDLE] == pytest.approx(-2e-4)
    assert deep.at(smile)[MIDDLE] == pytest.approx(-1.2e-3)
    assert deep.at(rest)[5, 5] == deep.at(smile)[5, 5] == pytest.approx(-1.2e-3), "no expression makes it"


def test_who_hardly_has_a_fold_does_not_get_it() -> None:
    smile, share = np.array([1.0, 0]), np.ones((SIZE, SIZE), np.float32)
    has_none = MovingRelief.of(flat(0), smile, share, one_fold())
    assert has_none.at(smile)[MIDDLE] == pytest.approx(-1e-3 * LITTLE / (1e-3 + LITTLE))
    unknown = MovingRelief.of(flat(0), np.zeros(2), share, one_fold())
    assert unknown.at(smile)[MIDDLE] == pytest.approx(-1e-3), "of a face at rest nobody knows: the usual"
    hidden = MovingRelief.of(flat(0), np.zeros(2), 0 * share, one_fold())
    assert not hidden.at(smile).any()


def test_no_expression_folds_deeper_than_a_wrinkle() -> None:
    relief = MovingRelief.of(flat(1e-3), np.zeros(2), np.ones((SIZE, SIZE), np.float32), one_fold())
    assert np.abs(relief.at(np.array([3.0, 0]))).max() == pytest.approx(MOST)


def test_a_smile_folds_the_cheeks_alike_and_not_the_nose() -> None:
    skin = MODEL.skin
    assert skin is not None
    assert skin.folds is not None
    template = np.asarray(MODEL.head.template)
    uv = np.zeros((len(template), 2))
    uv[MODEL.faces] = MODEL.uv[MODEL.uv_faces]
    raised = skin.folds.at(uv)
    smile = raised[[MODEL.expression_names.index(f"mouthSmile{side}") for side in ("Left", "Right")]].sum(axis=0)
    assert smile[MODEL.mirror_vertices] == pytest.approx(smile, abs=1e-4)
    marks = MODEL.landmarks68(template)
    beside_mouth = np.linalg.norm(template - [0.04, marks[54, 1] + 0.01, 0.058], axis=1) < 0.008
    cheek = np.linalg.norm(template - [0.048, marks[33, 1] + 0.003, 0.055], axis=1) < 0.006
    assert smile[beside_mouth].min() < -2e-4
    assert smile[cheek].max() > 2e-4
    assert not raised[:, np.linalg.norm(template - marks[30], axis=1) < 0.01].any()
    assert not raised[:, template[:, 2] < 0].any()


def test_a_map_is_read_where_texture_coordinates_point() -> None:
    picture = np.zeros((4, 4), np.float32)
    picture[0, 3] = 1  # first row at v = 1
    assert at_coordinates(picture, np.array([[0.875, 0.875], [0.125, 0.125], [0.75, 0.875]])) == pytest.approx(
        [1, 0, 0.5]
    )
