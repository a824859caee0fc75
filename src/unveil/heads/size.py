"""Whether heads are about as large as heads are; a network, or a file, may give anything."""

from __future__ import annotations

import numpy as np

from unveil.errors import UnveilError
from unveil.typing import Bools, Floats

MOST_TIMES = 20  # a head is larger or smaller than the template or its crop; chosen, not measured
OF_TEMPLATE = "the head of the model"


def times_template(points: Floats, template: Floats) -> Floats:
    """How many times [N] as large as a template's points [V, 3] those of N heads [N, V, 3] lie."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(extent(points) / extent(template))


def extent(points: Floats) -> Floats:
    """The longest side [...] of the box around points [..., V, C]."""
    columns = np.ascontiguousarray(np.swapaxes(points, -1, -2))  # which NumPy reduces in a tenth of the time
    return np.asarray(np.ptp(columns, axis=-1).max(axis=-1))


def is_plausible(ratios: Floats) -> Bools:
    """Which ratios [N] of sizes may be a head's; those that are not finite may not."""
    return (ratios >= 1 / MOST_TIMES) & (ratios <= MOST_TIMES)


def require_plausible(ratios: Floats, of: str, model: str) -> None:
    """Raise an UnveilError unless all heads of a learner have plausible sizes.

    Args:
        ratios: [N] their sizes over that of something else.
        of: what this is.
        model: name of the learner.
    """
    implausible = ratios[~is_plausible(ratios)]
    if len(implausible):
        raise UnveilError(
            f"{model} gives implausible coefficients: a head {implausible[0]:.3g} times the size of {of}; "
            "train or export it again, or take another model"
        )
