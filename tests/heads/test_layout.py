"""Layouts: slicing by name, refusing each other, travelling as JSON."""

import json
from typing import Any

import numpy as np
import pytest
from extras import needs

from unveil.heads.layout import CoefficientLayout, Coefficients, Group, LayoutError
from unveil.models.openhead.head import GEOMETRY_LAYOUT, LAYOUT

SMALL = CoefficientLayout("small", (Group("shape", 2, "sd"), Group("pose", 3, "radians")))


def test_sizes_of_openhead() -> None:
    assert LAYOUT.size == 257
    assert GEOMETRY_LAYOUT.size == 160


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_split_and_join_are_inverse(library: str) -> None:
    values = np.arange(10.0).reshape(2, 5) if library == "numpy" else needs("torch").arange(10.0).reshape(2, 5)
    parts = SMALL.split(values)
    assert list(parts) == ["shape", "pose"]
    assert parts["pose"].shape == (2, 3)
    assert bool((SMALL.join(parts) == values).all())


def test_coefficients_slice_by_name() -> None:
    coefficients = Coefficients(SMALL, np.arange(5.0))
    assert coefficients["pose"].tolist() == [2, 3, 4]
    for others in (np.array([9.0, 9.0]), [9, 9]):
        assert coefficients.replace(shape=others).values.tolist() == [9, 9, 2, 3, 4]
    assert coefficients.values.tolist() == [0, 1, 2, 3, 4]


def test_wrong_names_and_sizes_are_errors() -> None:
    with pytest.raises(LayoutError, match="no group 'light'"):
        SMALL.slice_of("light")
    with pytest.raises(LayoutError, match="given 4 numbers"):
        Coefficients(SMALL, np.zeros(4))
    with pytest.raises(LayoutError, match="differ in pose"):
        SMALL.join({"shape": np.zeros(2)})
    with pytest.raises(LayoutError, match=r"'pose' of layout 'small'.* given 2"):
        SMALL.join({"shape": np.zeros(2), "pose": np.zeros(2)})
    with pytest.raises(LayoutError, match="twice"):
        CoefficientLayout("double", (Group("a", 1, ""), Group("a", 1, "")))
    with pytest.raises(LayoutError, match="not positive"):
        Group("a", 1, "", (0.0,), (0.0,))


def test_a_list_of_numbers_becomes_an_array() -> None:
    coefficients = Coefficients(SMALL, [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9.5]])
    assert coefficients.values.dtype == np.float32
    assert coefficients.row(1)["pose"].tolist() == [7, 8, 9.5]
    with pytest.raises(LayoutError, match="given 4 numbers"):
        Coefficients(SMALL, [0, 1, 2, 3])
    with pytest.raises(LayoutError, match=r"given 1 number$"):
        Coefficients(SMALL, np.array(1.0))


@pytest.mark.parametrize(
    ("layout", "values", "reason"),
    [
        ("small", np.zeros(5), "a layout is a CoefficientLayout, such as model.layout, not str"),
        (SMALL, "zero", "coefficients are an array or a list of numbers, not str"),
        (SMALL, None, "coefficients are an array or a list of numbers, not NoneType"),
        (SMALL, ["zero"] * 5, "a list of coefficients holds numbers, as many in each row"),
        (SMALL, [[0, 1, 2, 3, 4], [5]], "a list of coefficients holds numbers, as many in each row"),
    ],
)
def test_what_is_no_layout_and_no_numbers(layout: Any, values: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        Coefficients(layout, values)
    with pytest.raises(LayoutError, match=r"'shape' of layout 'small'.* given 1 number$"):
        Coefficients(SMALL, np.zeros(5)).replace(shape=1.0)


def test_layouts_refuse_each_other_and_name_both() -> None:
    with pytest.raises(LayoutError, match=r"'openhead'.*'openhead-geometry'"):
        LAYOUT.require(GEOMETRY_LAYOUT)
    GEOMETRY_LAYOUT.require(CoefficientLayout.from_json(GEOMETRY_LAYOUT.to_json()))


def test_statistics_survive_json_and_do_not_change_identity() -> None:
    rng = np.random.default_rng(0)
    trained = SMALL.with_statistics(rng.normal(size=5), rng.uniform(0.5, 2, 5))
    again = CoefficientLayout.from_json(trained.to_json())
    assert again == SMALL
    assert hash(again) == hash(SMALL)
    values = rng.normal(size=(4, 5))
    assert again.standardize(values) == pytest.approx(trained.standardize(values))
    assert again.destandardize(again.standardize(values)) == pytest.approx(values)


def with_group(**more: object) -> str:
    return json.dumps({"name": "x", "groups": [{"name": "a", "size": 1, "unit": ""} | more]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"name": "x", "groups": [{"name": "a"}]}',
        "[1, 2]",
        "[" * 100_000,
        '{"groups": 3, "name": 1}',
        with_group(size=float("inf")),
        with_group(mean=["one"]),
        with_group(std=3),
    ],
)
def test_what_is_no_layout_is_refused(text: str) -> None:
    with pytest.raises(LayoutError, match="not a coefficient layout"):
        CoefficientLayout.from_json(text)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"size": 0}, "has 0 coefficients"),
        ({"size": -3}, "has -3 coefficients"),
        ({"mean": [float("nan")]}, "not finite"),
        ({"std": [float("inf")]}, "not finite"),
        ({"std": [1, 1]}, "2 numbers in 'std'"),
    ],
)
def test_groups_that_cannot_be_are_refused(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(LayoutError, match=complaint):
        CoefficientLayout.from_json(with_group(**wrong))
