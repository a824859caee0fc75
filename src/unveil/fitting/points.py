"""Where landmarks sit on a head, and how they move with its coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.reprs import short_repr
from unveil.typing import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class PointPlacement:
    """Where P landmarks sit on the head, and how far each is to be trusted."""

    points: SurfacePoints | SlidingContour
    weights: Floats  # [P] relative to 1
    __repr__ = short_repr


class LinearPoints:
    """P points of a head, as the linear functions of shape and expression that they are before the head turns.

    Points that slide along the head as it turns have R tables of positions, others one. What a fit needs of them is
    products of their basis with itself and with residuals; the former are kept, one per pair of axes.
    """

    def __init__(self, head: Head, placement: PointPlacement) -> None:
        points = placement.points
        self._sliding = points if isinstance(points, SlidingContour) else None
        triangles = points.triangles if self._sliding else points.triangles[None]  # [R, P, 3]
        barycentric = points.barycentric if self._sliding else points.barycentric[None]  # [R, P, 3]
        self.weights = placement.weights.astype(np.float32)  # [P]
        self.template = np.einsum("rpk,rpkx->rpx", barycentric, head.template[triangles])  # [R, P, 3] metres
        coefficients = np.concatenate([head.shape_basis, head.expression_basis])  # [C, V, 3]
        moves = [np.einsum("pk,cpkx->xpc", w, coefficients[:, t]) for w, t in zip(barycentric, triangles, strict=True)]
        self._basis = np.stack(moves).astype(np.float32)  # [R, 3, P, C]: an axis and a point are one row of a matrix
        self._products: dict[int, Floats] = {}

    @property
    def coefficients(self) -> int:
        """C, the number of shape and expression coefficients."""
        return int(self._basis.shape[-1])

    def rows(self, rotation: Floats) -> Ints:
        """Which of the R tables [N] heads with rotations [N, 3, 3] take."""
        return np.zeros(len(rotation), np.int64) if self._sliding is None else np.asarray(self._sliding.row(rotation))

    def unturned(self, rows: Ints, coefficients: Floats) -> Floats:
        """Points [N, P, 3] in metres of heads with coefficients [N, C], from the tables [N]."""
        points = np.empty((len(rows), *self.template.shape[1:]))
        for row, chosen in _groups(rows):
            moves = coefficients[chosen].astype(np.float32) @ self._flat(row).T  # [n, 3P]
            points[chosen] = self.template[row] + moves.reshape(len(moves), 3, -1).swapaxes(1, 2)
        return points

    def curvature(self, rows: Ints, axes: Floats) -> Floats:
        """Weighted sum over points of the outer products of how coefficients move them in the image: [N, C, C].

        ``axes`` [N, 2, 3] are the image's x and y in the head's frame.
        """
        squares = (np.swapaxes(axes, 1, 2) @ axes).reshape(len(axes), 9).astype(np.float32)
        sums = np.empty((len(rows), self.coefficients**2), np.float32)
        for row, chosen in _groups(rows):
            sums[chosen] = squares[chosen] @ self._product(row)
        return sums.reshape(len(rows), self.coefficients, self.coefficients)

    def pull(self, rows: Ints, axes: Floats, image: Floats) -> Floats:
        """Weighted sum over points of K image vectors [N, K, P, 2] times how coefficients move them: [N, K, C]."""
        weighted = image * self.weights[:, None]
        in_head = np.einsum("nkpa,nax->nkxp", weighted, axes, optimize=True).astype(np.float32)  # [N, K, 3, P]
        pulls = np.empty((*image.shape[:2], self.coefficients), np.float32)
        for row, chosen in _groups(rows):
            pulls[chosen] = in_head[chosen].reshape(-1, image.shape[1], self._flat(row).shape[0]) @ self._flat(row)
        return pulls

    def _flat(self, row: int) -> Floats:
        return np.asarray(self._basis[row].reshape(-1, self.coefficients))  # [3P, C]

    def _product(self, row: int) -> Floats:
        """Weighted products of every two axes of the basis [9, C * C]."""
        if row not in self._products:
            basis = self._basis[row]  # [3, P, C]
            weighted = basis * self.weights[:, None]
            pairs = [first.T @ second for first in basis for second in weighted]
            self._products[row] = np.stack(pairs).reshape(9, -1)
        return self._products[row]


def _groups(rows: Ints) -> Iterator[tuple[int, Bools]]:
    """Every value in ``rows`` with the mask of where it stands."""
    for row in np.unique(rows):
        yield int(row), rows == row
