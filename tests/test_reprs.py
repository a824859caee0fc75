"""What holds arrays says so on one short line instead of printing them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import pytest

import unveil
from unveil.reprs import short_repr

ROOMS = ("heads", "photos", "meshes", "models", "fitting", "faces", "reconstruct", "codes")  # what users of unveil meet
ARRAYS = re.compile(r"\b(Array|NDArray|ndarray|Images?|Bools|(U?Int|Float)\d*s)\b")


def holders(room: str) -> Iterator[type]:
    """The public dataclasses of a room with a field that holds an array."""
    package = importlib.import_module(f"unveil.{room}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        try:
            names = vars(importlib.import_module(module.name))
        except ImportError:  # it needs an extra
            continue
        own = [kind for name, kind in names.items() if isinstance(kind, type) and name[0] != "_"]
        for kind in own:
            in_module = is_dataclass(kind) and kind.__module__ == module.name
            if in_module and any(ARRAYS.search(str(entry.type)) for entry in fields(kind)):
                yield kind


@pytest.mark.parametrize("room", ROOMS)
def test_no_public_class_prints_its_arrays(room: str) -> None:
    """The one that dataclasses make of all fields is marked by what guards it against circles."""
    assert not [kind for kind in holders(room) if hasattr(kind.__repr__, "__wrapped__")]


def test_classes_that_hold_arrays_are_found() -> None:
    assert {unveil.Coefficients, unveil.MorphableModel} <= set(holders("heads"))
    assert unveil.Reconstruction in set(holders("faces"))


@dataclass(frozen=True, eq=False, repr=False)
class Thing:
    name: str
    share: float
    mask: np.ndarray
    parts: tuple[int, ...]
    rest: object = None
    __repr__ = short_repr


def test_fields_are_shown_by_what_they_are() -> None:
    thing = Thing("a", 1 / 3, np.zeros((2, 5), np.uint8), (1, 2), Thing("b" * 60, 2.0, np.zeros(()), (0,) * 9))
    assert repr(thing) == "Thing(name='a', share=0.3333, mask=uint8[2, 5], parts=(1, 2), rest=<Thing>)"
    assert repr(thing.rest) == "Thing(name=<str>, share=2, mask=float64[], parts=<9 entries>, rest=None)"
