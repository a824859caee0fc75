"""Whether two shapes are one person's: how what a learner says varies between people, and between pictures of one.

The model has two covariances (Brummer and de Villiers, "The speaker partitioning problem", Odyssey 2010). In the
directions that diagonalise both, pictures of one person vary by 1 and people by b. Let s = (u + v) / sqrt(2) and
d = (u - v) / sqrt(2) of two pictures. Their variances are 2 b + 1 and 1 if both show one person, and b + 1 if they show
two. The ratio of the two likelihoods follows from the four normal distributions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats


@dataclass(frozen=True, eq=False)
class ShapeVariation:
    """The variation of the shapes, of S coefficients each, that a learner predicts from pictures of people."""

    mean: Float64s  # [S] over people
    directions: Float64s  # [S, K] to K independent numbers, of which pictures of one person vary by 1
    between: Float64s  # [K] variance of these between people
    limit: float  # natural logarithm of the ratio from which two shapes are believed to be one person's
    __repr__ = short_repr

    def alike(self, shapes: Floats, others: Floats) -> Float64s:
        """Logarithms [N, M] of how much likelier one person is than two, above the limit: from 0 on it is one.

        Args:
            shapes: [N, S] each of a picture, or the mean of several of one person.
            others: [M, S] of others.
        """
        u, v = ((np.asarray(each, np.float64) - self.mean) @ self.directions for each in (shapes, others))
        one, two = 2 * self.between + 1, self.between + 1
        of_sum, of_difference = 1 / two - 1 / one, 1 / two - 1  # what the squares of s and d count, halved below
        single = (of_sum + of_difference) / 2
        squares = (u**2 @ single)[:, None] + v**2 @ single + u * (of_sum - of_difference) @ v.T
        return np.asarray((squares + np.log(two**2 / one).sum()) / 2 - self.limit)
