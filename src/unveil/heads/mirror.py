"""The coefficients of a photograph mirrored left to right."""

import numpy as np

from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Float64s, Floats, Ints

LARGEST_RESIDUAL = 0.05  # share of a mirrored basis that the basis may fail to express


def mirror_matrix(model: MorphableModel) -> Float32s | None:
    """The matrix [M, M] that gives the mirrored face as ``coefficients @ matrix``; None where the model has none.

    Mirroring a vertex negates its x and exchanges it with its partner on the other side. On shape this is linear where
    the mirrored shape basis is in the span of the shape basis. Named expression units exchange Left and Right. The
    placement says what becomes of pose and camera.
    """
    placed = {name: np.diag(factors) for name, factors in model.placement.mirrored.items()}
    if not placed or not len(model.mirror_vertices):
        return None
    shape = _mirrored_basis(np.asarray(model.head.shape_basis), model.mirror_vertices)
    expression = (
        _exchange_sides(model.expression_names)
        if model.expression_names
        else _mirrored_basis(np.asarray(model.head.expression_basis), model.mirror_vertices)
    )
    if shape is None or expression is None:
        return None
    blocks = {model.shape_group: shape, "expression": expression} | placed
    if set(blocks) != {group.name for group in model.layout.groups}:
        return None
    matrix = np.zeros((model.layout.size, model.layout.size), np.float32)
    for name, block in blocks.items():
        where = model.layout.slice_of(name)
        matrix[where, where] = block
    return matrix


def _mirrored_basis(basis: Floats, mirror: Ints) -> Float64s | None:
    """X [K, K] with X @ basis nearest to the mirrored basis [K, V, 3], or None where that is not near."""
    mirrored = basis[:, mirror]
    mirrored[..., 0] *= -1
    flat, wanted = (b.reshape(len(b), -1).astype(np.float64) for b in (basis, mirrored))
    # The normal equations take a fifth of lstsq's time, and give the residual as well.
    system, right = flat @ flat.T, wanted @ flat.T
    solution = right @ np.linalg.pinv(system, rcond=1e-12, hermitian=True)
    size = float(np.vdot(wanted, wanted))
    residual = size - 2 * float(np.vdot(solution, right)) + float(np.vdot(solution @ system, solution))
    return solution if residual <= LARGEST_RESIDUAL**2 * size else None


def _exchange_sides(names: tuple[str, ...]) -> Float64s | None:
    """The permutation [E, E] that exchanges units whose names differ in Left and Right."""
    permutation = np.zeros((len(names), len(names)))
    for row, name in enumerate(names):
        partner = name.replace("Left", "\0").replace("Right", "Left").replace("\0", "Right")
        if partner not in names:
            return None
        permutation[row, names.index(partner)] = 1
    return permutation
