"""Whether heads have a plausible size: a network, or a file, may give any numbers."""

from __future__ import annotations

import numpy as np

from unveil.errors import UnveilError
from unveil.typing import Bools, Floats

MOST_TIMES = 20  # by which a head is larger or smaller than the template, or its crop; chosen, not measured
OF_TEMPLATE = "the head of the model"


def times_template(points: Floats, template: Floats) -> Floats:
    """Sizes [N] of N heads with points [N, V, 3], relative to a template with points [V, 3]."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(extent(points) / extent(template))


def extent(points: Floats) -> Floats:
    """The longest side [...] of the box around points [..., V, C]."""
    columns = np.ascontiguousarray(np.swapaxes(points, -1, -2))  # NumPy reduces these in a tenth of the time
    return np.asarray(np.ptp(columns, axis=-1).max(axis=-1))


def is_plausible(ratios: Floats) -> Bools:
    """Which relative sizes [N] a head may have; never those that are not finite."""
    return (ratios >= 1 / MOST_TIMES) & (ratios <= MOST_TIMES)


def require_plausible(ratios: Floats, of: str, model: str) -> None:
    """Raise an UnveilError unless all heads have plausible sizes.

    Args:
        ratios: [N] their sizes relative to something.
        of: what that is, for the message.
        model: name of the model that gave the heads.
    """
    implausible = ratios[~is_plausible(ratios)]
    if len(implausible):
        raise UnveilError(
            f"{model} gives implausible coefficients: a head {implausible[0]:.3g} times the size of {of}; "
            "train or export it again, or take another model"
        )
