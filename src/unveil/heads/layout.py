"""Coefficients with names: a layout is an ordered list of groups, and slicing is by group name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array
from unveil.reprs import short_repr


class LayoutError(UnveilError):
    """Coefficients of one layout were given where another was expected."""


@dataclass(frozen=True)
class Group:
    """A named run of coefficients.

    ``mean`` and ``std`` describe the training set (each empty or of length ``size``); a learner trains on
    (value - mean) / std.
    """

    name: str
    size: int
    unit: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    __repr__ = short_repr

    def __post_init__(self) -> None:
        if not self.size > 0:
            raise LayoutError(f"group {self.name!r} has {self.size} coefficients")
        for what in ("mean", "std"):
            values = getattr(self, what)
            if not all(math.isfinite(value) for value in values):
                raise LayoutError(f"group {self.name!r} has numbers in {what!r} that are not finite")
            if values and len(values) != self.size:
                raise LayoutError(f"group {self.name!r} has size {self.size} but {len(values)} numbers in {what!r}")
        if any(not s > 0 for s in self.std):
            raise LayoutError(f"group {self.name!r} has a standard deviation that is not positive")


@dataclass(frozen=True)
class CoefficientLayout:
    """An ordered list of named groups: how a vector of coefficients is cut into its parts.

    Two layouts are equal when their name and the names, sizes and units of their groups are; statistics may differ.
    Methods that take values raise a `LayoutError` where the last axis does not have M numbers.
    """

    name: str
    groups: tuple[Group, ...]
    _slices: dict[str, slice] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        slices: dict[str, slice] = {}
        start = 0
        for group in self.groups:
            if group.name in slices:
                raise LayoutError(f"layout {self.name!r} names the group {group.name!r} twice")
            slices[group.name] = slice(start, start + group.size)
            start += group.size
        object.__setattr__(self, "_slices", slices)

    @property
    def size(self) -> int:
        """Number of coefficients M."""
        return sum(group.size for group in self.groups)

    def slice_of(self, name: str) -> slice:
        """The slice of the group in a vector of this layout."""
        if name not in self._slices:
            raise LayoutError(f"layout {self} has no group {name!r}")
        return self._slices[name]

    def split(self, values: Array) -> dict[str, Array]:
        """Cut values [..., M] into groups, {name: [..., size]}, in order; views, not copies."""
        self._check_size(values)
        return {group.name: values[..., self._slices[group.name]] for group in self.groups}

    def join(self, groups: Mapping[str, Array]) -> Array:
        """The inverse of `split`: one array [..., M] of arrays [..., size], which must name every group."""
        wrong = set(groups) ^ set(self._slices)
        if wrong:
            raise LayoutError(f"layout {self} was given groups that differ in {', '.join(sorted(wrong))}")
        parts = [groups[group.name] for group in self.groups]
        for group, part in zip(self.groups, parts, strict=True):
            if _numbers(part) != group.size:
                raise LayoutError(f"group {group.name!r} of layout {self} was given {_counted(part)}")
        return array_namespace(*parts).concat(parts, axis=-1)

    def standardize(self, values: Array) -> Array:
        """(values - mean) / std for values [..., M]; a group without statistics is left as it is."""
        mean, std = self.statistics(values)
        return (values - mean) / std

    def destandardize(self, values: Array) -> Array:
        """values * std + mean for values [..., M]: the inverse of `standardize`."""
        mean, std = self.statistics(values)
        return values * std + mean

    def statistics(self, like: Array) -> tuple[Array, Array]:
        """Mean and standard deviation [M] as arrays of the kind, type and device of ``like`` [..., M]."""
        self._check_size(like)
        xp = array_namespace(like)
        mean = [m for g in self.groups for m in (g.mean or (0.0,) * g.size)]
        std = [s for g in self.groups for s in (g.std or (1.0,) * g.size)]
        options = {"dtype": like.dtype, "device": like.device}
        return xp.asarray(mean, **options), xp.asarray(std, **options)

    def with_statistics(self, mean: Array, std: Array) -> CoefficientLayout:
        """This layout with the mean and standard deviation [M] of a training set."""
        means, stds = self.split(mean), self.split(std)
        return CoefficientLayout(
            self.name,
            tuple(
                Group(g.name, g.size, g.unit, tuple(map(float, means[g.name])), tuple(map(float, stds[g.name])))
                for g in self.groups
            ),
        )

    def require(self, other: CoefficientLayout) -> None:
        """Raise LayoutError, naming both, unless ``other`` has this layout's name, groups, sizes and units."""
        if self._signature() != other._signature():
            raise LayoutError(f"expected coefficients of layout {self}, got {other}; they belong to different models")

    def require_of(self, coefficients: Coefficients) -> None:
        """Raise LayoutError unless the coefficients have this layout, and TypeError where they are plain numbers."""
        require_coefficients(coefficients)
        self.require(coefficients.layout)

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back."""
        groups = [
            {"name": g.name, "size": g.size, "unit": g.unit}
            | ({"mean": list(g.mean)} if g.mean else {})
            | ({"std": list(g.std)} if g.std else {})
            for g in self.groups
        ]
        return json.dumps({"name": self.name, "groups": groups})

    @classmethod
    def from_json(cls, text: str) -> CoefficientLayout:
        """Read what `to_json` wrote; LayoutError if the text is not a layout."""
        try:
            data: dict[str, Any] = json.loads(text)
            groups = tuple(
                Group(g["name"], int(g["size"]), g["unit"], tuple(g.get("mean", ())), tuple(g.get("std", ())))
                for g in data["groups"]
            )
            return cls(str(data["name"]), groups)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise LayoutError(
                f"not a coefficient layout: {text[:60]!r} ({error}); was the file written by unveil?"
            ) from error

    def _signature(self) -> tuple[object, ...]:
        return (self.name, *((g.name, g.size, g.unit) for g in self.groups))

    def _check_size(self, values: Array) -> None:
        if _numbers(values) != self.size:
            raise LayoutError(f"layout {self} was given {_counted(values)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CoefficientLayout) and self._signature() == other._signature()

    def __hash__(self) -> int:
        return hash(self._signature())

    def __repr__(self) -> str:
        return f"CoefficientLayout({self.name!r}, {', '.join(f'{g.name}={g.size}' for g in self.groups)})"

    def __str__(self) -> str:
        groups = ", ".join(f"{g.name} {g.size}" for g in self.groups)
        return f"{self.name!r} ({groups}; {self.size})"


def _numbers(values: Array) -> int:
    """Length of the last axis; 1 for a single number."""
    return int(values.shape[-1]) if values.shape else 1


def _counted(values: Array) -> str:
    return f"{_numbers(values)} number{'s' * (_numbers(values) != 1)}"


def widened(layout: CoefficientLayout, units: int) -> CoefficientLayout:
    """The layout with so many more expression units, without statistics."""
    groups = tuple(Group(g.name, g.size + units * (g.name == "expression"), g.unit) for g in layout.groups)
    return CoefficientLayout(f"{layout.name}-whole", groups)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Values [..., M] that know their layout; ``coefficients["shape"]`` is a group [..., size].

    Values are an array of NumPy or torch; a list of numbers becomes float32 of NumPy.

    Raises:
        LayoutError: the last axis does not have M numbers.
        TypeError: the layout is not a `CoefficientLayout`, or the values are not numbers.
    """

    layout: CoefficientLayout
    values: Array

    def __repr__(self) -> str:
        return f"Coefficients({self.layout.name!r}, {self.values.dtype}{list(self.values.shape)})"

    def __post_init__(self) -> None:
        if not isinstance(self.layout, CoefficientLayout):
            raise TypeError(f"a layout is a CoefficientLayout, such as model.layout, not {type(self.layout).__name__}")
        if isinstance(self.values, list | tuple):
            try:
                object.__setattr__(self, "values", np.asarray(self.values, np.float32))
            except (TypeError, ValueError) as error:
                raise TypeError("a list of coefficients holds numbers, as many in each row") from error
        if not hasattr(self.values, "shape"):
            raise TypeError(f"coefficients are an array or a list of numbers, not {type(self.values).__name__}")
        self.layout._check_size(self.values)

    def __getitem__(self, name: str) -> Array:
        return self.values[..., self.layout.slice_of(name)]

    def replace(self, **groups: Array | Sequence[float]) -> Coefficients:
        """A copy in which the named groups have other values [..., size].

        Raises:
            LayoutError: there is no such group, or it has another size.
        """
        for name in groups:
            self.layout.slice_of(name)  # an unknown name is an error
        asarray = array_namespace(self.values).asarray
        others = {name: asarray(values) for name, values in groups.items()}
        return Coefficients(self.layout, self.layout.join(self.layout.split(self.values) | others))

    def row(self, index: int) -> Coefficients:
        """One of a batch: values [M] of values [N, M]."""
        return Coefficients(self.layout, self.values[index])


def require_one(coefficients: Coefficients) -> None:
    """Raise LayoutError unless these are the coefficients [M] of one head, and TypeError where they are plain numbers.

    A file holds one head, and so does a face of a photograph.
    """
    require_coefficients(coefficients)
    if coefficients.values.ndim != 1:
        raise LayoutError(
            f"expected the coefficients [M] of one head, got {list(coefficients.values.shape)}: take one with row(k)"
        )


def require_coefficients(given: object) -> None:
    """Raise TypeError unless these are `Coefficients`: plain numbers do not tell their model, nor which is which."""
    if not isinstance(given, Coefficients):
        raise TypeError(
            f"expected Coefficients, not {type(given).__name__}: give Coefficients(model.layout, numbers), or "
            "model.zero().replace(shape=...)"
        )
