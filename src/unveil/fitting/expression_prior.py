"""A prior for the ARKit units of a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unveil.typing import Floats

# A wide face and a long upper lip explain landmarks as well as these do, and are more often the reason.
LIKE_IDENTITY = ("cheekPuff", "mouthShrugUpper")
OPPOSITES = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")  # one movement each, not two sides of one
TOGETHER = {"eyeLookIn": "eyeLookOut", "eyeLookOut": "eyeLookIn"}  # eyes turn together


@dataclass(frozen=True)
class ExpressionPrior:
    """ridge/2 |e|^2 + evenness/2 sum over pairs (left - right)^2 + sparsity * sum(e), for units e in [0, 1].

    In these bounds the last term is an L1 norm: of two units that undo each other at most one stays on.
    """

    ridge: float = 1.0  # keeps units small
    evenness: float = 3.0  # keeps the two sides of the face alike
    sparsity: float = 1.0  # keeps idle units at zero
    reluctance: float = 5.0  # times the sparsity, for the units that look like identity

    def curvature(self, names: Sequence[str]) -> Floats:
        """Second derivative [E, E] for the units of these names."""
        curvature = self.ridge * np.eye(len(names))
        for i, name in enumerate(names):
            partner = mirrored_unit(name)
            if partner in names:
                curvature[i, i] += self.evenness
                curvature[i, names.index(partner)] -= self.evenness
        return curvature

    def slope(self, names: Sequence[str]) -> Floats:
        """First derivative [E] at zero."""
        return self.sparsity * np.where(np.isin(names, LIKE_IDENTITY), self.reluctance, 1.0)


def mirrored_unit(name: str) -> str | None:
    """The ARKit unit that the other side of the face makes in the same movement; None for units without one.

    The partner of looking in on one side is looking out on the other.
    """
    if name in OPPOSITES:
        return None
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            movement = name.removesuffix(side)
            return TOGETHER.get(movement, movement) + other
    return None
