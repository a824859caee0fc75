"""Photographs with 68 annotated landmarks; `evaluation.landmarks.annotated` opens them as data sets publish them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.typing import Float64s, Image

# What the 17 landmarks of the jaw are: the visible outline of the cheek, or fixed points of the head's surface.
JAWS = ("outline", "surface")


@dataclass(frozen=True, eq=False)
class Annotated:
    """Photographs and their landmarks."""

    names: tuple[str, ...]  # N, of the pictures, below the folder
    landmarks68: Float64s  # [N, 68, 2] iBUG-68 in pixels, centres at integers
    jaw: str  # of `JAWS`
    read: Callable[[str], Image]  # the picture of a name

    def limited(self, limit: int | None) -> Annotated:
        """At most so many of the pictures, spread evenly over them."""
        if limit is None or limit >= len(self.names):
            return self
        chosen = np.linspace(0, len(self.names) - 1, limit).astype(int)
        return replace(self, names=tuple(self.names[k] for k in chosen), landmarks68=self.landmarks68[chosen])

    @property
    def truth(self) -> LandmarkFile:
        """The annotation alone."""
        return LandmarkFile(self.names, self.landmarks68)
