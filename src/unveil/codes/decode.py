"""Coefficients to geometry: vertices, landmarks and, where the head model has it, the displacement of details.

The geometry of many heads is larger than memory, so heads are evaluated and written a few at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np

from unveil.errors import UnveilError
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.size import is_plausible, times_template
from unveil.models.skin import Displacement
from unveil.photos.crop import CROP_SIZE
from unveil.storage.files import atomic_path
from unveil.typing import Bools, Float32s

BATCH = 32  # heads evaluated at once

OF_VERTICES = ("vertices", "projected", "colours")  # arrays with a row for each vertex

Geometry = dict[str, Float32s]  # arrays [B, ...] of a few heads


def narrow(coefficients: Coefficients, layout: CoefficientLayout) -> Coefficients:
    """The groups [..., M'] of a smaller layout, by name: ``deca`` of ``deca-detail``, geometry of ``openhead``.

    Raises:
        LayoutError: a group is not there or has another size.
    """
    if coefficients.layout == layout:
        return coefficients
    return Coefficients(layout, layout.join({group.name: coefficients[group.name] for group in layout.groups}))


def decode(
    model: MorphableModel,
    coefficients: Coefficients,
    displacement: Displacement | None = None,
    *,
    landmarks_only: bool = False,
) -> Iterator[Geometry]:
    """Geometry of coefficients [N, M], as ``unveil decode`` writes it, a batch of heads at a time.

    Args:
        model: the head model; of a larger layout than the model's, the groups that it lacks are passed over.
        coefficients: [N, M] of the model's layout or a larger one.
        displacement: gives the displacement map for coefficients of the full layout.
        landmarks_only: leave out vertices and displacement.

    Yields:
        ``vertices`` [B, V, 3] and ``landmarks68`` [B, 68, 3] in model space, metres; ``landmarks68_contour``
        [B, 68, 3] the same with the jaw line that a photograph shows; ``landmarks2d`` [B, 68, 2] their places in pixels
        of the 224 crop; ``projected`` [B, V, 3] the vertices in the camera's [-1, 1] frame; with ``displacement``
        the array of that name, [B, 256, 256] metres; and of a model with colours of the skin ``colours`` [B, V, 3],
        RGB from 0 to 1.
    """
    if landmarks_only:
        model, displacement = model.landmark_model(), None
    for start in range(0, coefficients.values.shape[0], BATCH):
        batch = Coefficients(coefficients.layout, coefficients.values[start : start + BATCH])
        geometry = _decode(model, batch, displacement)
        yield {name: geometry[name] for name in geometry if not (landmarks_only and name in OF_VERTICES)}


def write_geometry(
    path: Path, model: MorphableModel, batches: Iterable[Geometry], others: Mapping[str, Any]
) -> list[int]:
    """Write an npz of the arrays of all batches of a model's heads, joined, and of others.

    Heads of no sensible size are left out, also of ``names`` among the others; their numbers are given back. An archive
    takes one array after the other, so until all are whole each has a file of its own beside the output.

    Raises:
        UnveilError: no head has a sensible size, or the place cannot be written; nothing is left half-written.
    """
    usable: list[bool] = []
    with atomic_path(path) as temporary, TemporaryDirectory(prefix=".unveil-", dir=path.parent) as folder:
        shapes: dict[str, tuple[int, ...]] = {}
        for batch in batches:
            kept = _usable(model, batch)
            usable += kept.tolist()
            for name, array in ((name, array[kept]) for name, array in batch.items()):
                shapes[name] = (shapes.get(name, (0,))[0] + len(array), *array.shape[1:])
                with (Path(folder) / name).open("ab") as stream:
                    stream.write(np.ascontiguousarray(array, "<f4").data)
        if usable and not any(usable):
            raise UnveilError(
                "no head of these coefficients has a sensible size, so nothing is written; make them again"
            )
        more = dict(others)
        if "names" in more:
            more["names"] = more["names"][usable]
        with temporary.open("wb") as stream:
            np.savez(stream, **more)
        with ZipFile(temporary, "a") as archive:
            for name, shape in shapes.items():
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, header)
                    with (Path(folder) / name).open("rb") as stream:
                        copyfileobj(stream, member, 2**20)
    return [number for number, kept in enumerate(usable) if not kept]


def _usable(model: MorphableModel, batch: Geometry) -> Bools:
    """Which heads [B] have the size of a head and no number that is not finite."""
    points, template = batch["landmarks68"], model.landmarks68(model.head.template)
    if "vertices" in batch:
        points, template = batch["vertices"], model.head.template
    parts = [np.isfinite(array.reshape(len(array), -1)).all(axis=1) for array in batch.values()]
    return np.asarray(np.all([*parts, is_plausible(times_template(points, template))], axis=0))


@np.errstate(over="ignore", invalid="ignore")  # `write_geometry` leaves such heads out
def _decode(model: MorphableModel, coefficients: Coefficients, displacement: Displacement | None) -> Geometry:
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
