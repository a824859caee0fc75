"""One shape of several photographs of a person, each counted by how sure its learner is.

A learner says of each coefficient of the shape a mean m and a deviation d. Read as the posterior of one photograph
under the standard normal prior, its precision is 1 / d^2, of which 1 is the prior's and q = 1 / d^2 - 1 is what the
photograph says. Photographs of one person are not independent, because what deceives a learner in one does so in the
next. With F photographs whose errors are correlated by r, what they say counts F / (1 + (F - 1) r) times one
photograph, not F times; the prior counts once:

    precision = 1 + sum(q) / (1 + (F - 1) r),   shape = sum(m / d^2) / (1 + (F - 1) r) / precision

F is Kish's number of photographs, sum(q)^2 / sum(q^2): one that says nothing of a coefficient is not counted, so that
what is clear in one photograph and hidden in the others is taken from the one.
"""

from __future__ import annotations

import numpy as np

from unveil.typing import Float64s, Floats

CORRELATION = 0.55  # of the packaged learner's errors, chosen on validation people (`tools.known_heads frames`)


def join_shapes(shapes: Floats, deviations: Floats, correlation: float = CORRELATION) -> tuple[Float64s, Float64s]:
    """The shape [..., S] of people in F photographs each, and its deviations [..., S].

    Args:
        shapes: [..., F, S] in standard deviations of the prior.
        deviations: [..., F, S] of these, in the same unit.
        correlation: r, from 0 for photographs that err independently to 1 for those that all err alike.
    """
    precision = 1 / np.minimum(np.asarray(deviations, np.float64), 1) ** 2  # nobody knows less than the prior
    said = precision - 1
    squares = np.square(said).sum(axis=-2)
    count = np.square(said.sum(axis=-2)) / np.where(squares > 0, squares, 1)
    times = 1 + np.maximum(count - 1, 0) * correlation
    total = 1 + said.sum(axis=-2) / times
    return (precision * shapes).sum(axis=-2) / times / total, 1 / np.sqrt(total)
