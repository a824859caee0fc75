"""One shape from several photographs of a person, weighted by how sure the learner is in each.

For each coefficient of the shape a learner gives a mean m and a deviation d. Read as the posterior of one photograph
under a standard normal prior, its precision is 1 / d^2: 1 from the prior and q = 1 / d^2 - 1 from the photograph.
Photographs of one person are not independent, because what deceives the learner in one deceives it in the next. With F
photographs whose errors have the correlation r, their evidence counts F / (1 + (F - 1) r) times that of one photograph,
not F times. The prior counts once:

    precision = 1 + sum(q) / (1 + (F - 1) r)
    shape = (sum(q m) / (1 + (F - 1) r) + sum(m) / (1 + (G - 1) r)) / precision

F is Kish's effective number of photographs, sum(q)^2 / sum(q^2). It does not count photographs that say nothing about a
coefficient, so what is clear in one photograph and hidden in the others is taken from the one. G is the same number for
|m|. Because of it, a mean that the learner gives while it is as unsure as the prior does not grow with the number of
photographs either.

All of this needs only sums over the photographs, so a video of any length is joined frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats

CORRELATION = 0.55  # of the packaged learner's errors, chosen on validation people (`tools.known_heads frames`)


@dataclass(frozen=True, eq=False)
class ShapeSums:
    """The evidence on people's shapes that photographs, or the frames of a video, have given so far."""

    said: Float64s  # [..., S] sum of q
    said_squares: Float64s  # [..., S] sum of q^2
    weighted: Float64s  # [..., S] sum of q m
    means: Float64s  # [..., S] sum of m
    sizes: Float64s  # [..., S] sum of |m|
    mean_squares: Float64s  # [..., S] sum of m^2
    __repr__ = short_repr

    @classmethod
    def of(cls, shape: Floats, deviation: Floats) -> ShapeSums:
        """The evidence of one photograph.

        Args:
            shape: [..., S] in standard deviations of the prior.
            deviation: [..., S] of these, in the same unit.
        """
        mean = np.asarray(shape, np.float64)
        said = added_precision(deviation)
        return cls(said, said**2, said * mean, mean, np.abs(mean), mean**2)

    def __add__(self, other: ShapeSums) -> ShapeSums:
        """The evidence of both together."""
        return ShapeSums(*(getattr(self, name) + getattr(other, name) for name in _SUMS))

    def over(self, axis: int) -> ShapeSums:
        """The evidence of all photographs along an axis."""
        return ShapeSums(*(getattr(self, name).sum(axis=axis) for name in _SUMS))

    def joined(self, correlation: float = CORRELATION) -> tuple[Float64s, Float64s]:
        """The shape [..., S] and its deviations [..., S]; ``correlation`` is that of `join_shapes`."""
        times = _repeated(self.said, self.said_squares, correlation)
        precision = 1 + self.said / times
        unsure = self.means / _repeated(self.sizes, self.mean_squares, correlation)
        return (self.weighted / times + unsure) / precision, 1 / np.sqrt(precision)


def added_precision(deviation: Floats) -> Float64s:
    """The precision q [...] that a photograph adds; deviations [...] in standard deviations of the prior."""
    return np.asarray(1 / np.minimum(np.asarray(deviation, np.float64), 1) ** 2 - 1)  # nobody knows less than the prior


_SUMS = tuple(entry.name for entry in fields(ShapeSums))


def _repeated(sums: Float64s, squares: Float64s, correlation: float) -> Float64s:
    """How many times photographs repeat the same evidence: 1 + (F - 1) r, F being Kish's effective sample size."""
    count = np.square(sums) / np.where(squares > 0, squares, 1)
    return np.asarray(1 + np.maximum(count - 1, 0) * correlation)


def join_shapes(shapes: Floats, deviations: Floats, correlation: float = CORRELATION) -> tuple[Float64s, Float64s]:
    """The shape [..., S] of people in F photographs each, and its deviations [..., S].

    Args:
        shapes: [..., F, S] in standard deviations of the prior.
        deviations: [..., F, S] of these, in the same unit.
        correlation: r, from 0 for photographs that err independently to 1 for those that all err alike.
    """
    return ShapeSums.of(shapes, deviations).over(-2).joined(correlation)
