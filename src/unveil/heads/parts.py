"""The parts of a head's mesh: skin and eyes, which coefficients and photographs speak of, and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Floats, Int64s, UInt8s


@dataclass(frozen=True, eq=False)
class Parts:
    """Which part each of the F triangles of a whole head is of; each part has a material of its own in files.

    The whole head has the V vertices of the head that it completes, in their order, and after them P of its own.
    """

    names: tuple[str, ...]  # such as "skin", "upper_teeth"
    of_faces: UInt8s  # [F] rows of ``names``
    anchors: Int64s  # [P] which of the first V vertices each of the others belongs to
    roughness: tuple[float, ...]  # of the materials: 0 mirrors, 1 is dull
    colours: UInt8s  # [P, 3] RGB of the latter in white light, as no photograph shows them
    __repr__ = short_repr

    @property
    def materials(self) -> list[tuple[str, float]]:
        """Name and roughness of each part."""
        return list(zip(self.names, self.roughness, strict=True))

    def faces_of(self, name: str) -> Int64s:
        """Rows of the triangles of a part."""
        return np.flatnonzero(self.of_faces == self.names.index(name))

    def extended(self, values: Floats) -> Floats:
        """Numbers [V] of the vertices for all V + P of them: each of the others has that of its anchor."""
        return np.concatenate([values, values[self.anchors]])
