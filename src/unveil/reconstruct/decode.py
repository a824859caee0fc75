"""Coefficients to geometry: vertices, landmarks and, where the head model has it, the displacement of details."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.camera import to_pixels
from unveil.imaging.crop import CROP_SIZE
from unveil.imaging.io import atomic_path
from unveil.morphable.layout import CoefficientLayout, Coefficients
from unveil.morphable.model import MorphableModel

BATCH = 32  # heads evaluated at once

Floats = NDArray[np.float32]
Displacement = Callable[[Coefficients], NDArray[np.floating[Any]]]  # coefficients [N, M] -> [N, 256, 256] metres


def narrow(coefficients: Coefficients, layout: CoefficientLayout) -> Coefficients:
    """The groups [..., M'] of a smaller layout, by name: ``deca`` of ``deca-detail``, geometry of ``openhead``.

    Raises:
        LayoutError: a group is not there or has another size.
    """
    if coefficients.layout == layout:
        return coefficients
    return Coefficients(layout, layout.join({group.name: coefficients[group.name] for group in layout.groups}))


def decode(
    model: MorphableModel, coefficients: Coefficients, displacement: Displacement | None = None
) -> dict[str, NDArray[np.generic]]:
    """Geometry of coefficients [N, M], as ``unveil decode`` writes it.

    Args:
        model: the head model; of a larger layout than the model's, the groups that it lacks are passed over.
        coefficients: [N, M] of the model's layout or a larger one, at least one.
        displacement: gives the displacement map for coefficients of the full layout.

    Returns:
        ``vertices`` [N, V, 3] and ``landmarks68`` [N, 68, 3] in model space, metres; ``faces`` [F, 3];
        ``landmarks68_contour`` [N, 68, 3] the same with the jaw line that a photograph shows; ``landmarks2d``
        [N, 68, 2] their places in pixels of the 224 crop; ``projected`` [N, V, 3] the vertices in the camera's [-1, 1]
        frame; with ``displacement`` the array of that name, [N, 256, 256] metres; and of a model with colours of the
        skin ``colours`` [N, V, 3], RGB from 0 to 1.
    """
    starts = range(0, coefficients.values.shape[0], BATCH)
    parts = [
        _decode(model, Coefficients(coefficients.layout, coefficients.values[start : start + BATCH]), displacement)
        for start in starts
    ]
    geometry: dict[str, NDArray[np.generic]] = {
        name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])
    }
    return geometry | {"faces": np.asarray(model.faces)}


def write_geometry(path: Path, geometry: dict[str, NDArray[np.generic]], names: tuple[str, ...]) -> None:
    """Write the npz; UnveilError, with nothing half-written, where that is impossible."""
    arrays: dict[str, Any] = {"names": np.array(names, dtype=np.str_), **geometry}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def _decode(model: MorphableModel, coefficients: Coefficients, displacement: Displacement | None) -> dict[str, Floats]:
    own = narrow(coefficients, model.layout)
    vertices = model.vertices(own)
    contour = model.contour68(vertices, own)
    arrays = {
        "vertices": vertices,
        "landmarks68": model.landmarks68(vertices),
        "landmarks68_contour": contour,
        "landmarks2d": to_pixels(model.project(contour, own), CROP_SIZE)[..., :2],
        "projected": model.project(vertices, own),
    }
    if displacement is not None:
        arrays["displacement"] = displacement(coefficients)
    if model.colours is not None:
        arrays["colours"] = np.clip(model.colours.albedo(own["texture"]), 0, 1)
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}
