"""Coefficients of many crops in one file: what ``unveil encode`` writes and ``unveil decode`` reads.

The npz holds ``names`` [N], ``coefficients`` [N, M] float32 in the frame of the crop, ``layout`` (JSON of theirs),
``model``, the head model whose coefficients they are, ``teacher`` and ``crops``, what gave them and of what, and
optionally ``weight`` [N] float32, the trust in each, ``shape_weight`` [N] float32, the trust in what it says of the
head's form, and ``points`` [N, P, 2] float32, where the crop shows the head model's face points, in sides of the crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients, LayoutError
from unveil.reprs import short_repr
from unveil.storage.arrays import Arrays, read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.npz import write_npz
from unveil.typing import Float32s

OPTIONAL = ("weight", "shape_weight", "points")  # arrays that a file may have
CODES = FileKind("usable codes file", "write it with `unveil encode`", 2**34)  # ten million crops and their names


@dataclass(frozen=True, eq=False)
class Codes:
    """The content of a codes file."""

    names: tuple[str, ...]  # N
    coefficients: Coefficients  # [N, M] float32
    model: str  # name of the head model
    teacher: str = ""  # identity of the encoder; empty if unknown, as in old files
    crops: str = ""  # fingerprint of the crops, with those that could not be used; empty where unknown
    weight: Float32s | None = None  # [N] trust in each; None: the same in all
    shape_weight: Float32s | None = None  # [N] trust in the shape of the head in each; None: as in the rest
    points: Float32s | None = None  # [N, P, 2] of `heads.face_points`; None: where the coefficients project them
    __repr__ = short_repr


def write_codes(path: Path, codes: Codes) -> None:
    """Write an npz that `read_codes` reads back; UnveilError, with nothing half-written, where that is impossible."""
    arrays: dict[str, Any] = {
        "names": np.array(codes.names, dtype=np.str_),
        "coefficients": np.asarray(codes.coefficients.values, np.float32),
        "layout": np.array(codes.coefficients.layout.to_json()),
        "model": np.array(codes.model),
        "teacher": np.array(codes.teacher),
        "crops": np.array(codes.crops),
    }
    for name in OPTIONAL:
        if getattr(codes, name) is not None:
            arrays[name] = np.asarray(getattr(codes, name), np.float32)
    write_npz(path, arrays)


def read_codes(path: Path) -> Codes:
    """Read a codes file.

    Raises:
        UnveilError: the file is missing, is no codes file, or holds numbers that are not finite.
    """
    arrays = read_arrays(path, CODES)
    with CODES.checking(path):
        codes = Codes(
            tuple(str(name) for name in arrays["names"]),
            _coefficients(arrays),
            str(arrays["model"]),
            str(arrays.get("teacher", "")),
            str(arrays.get("crops", "")),
            *(arrays[name].astype(np.float32) if name in arrays else None for name in OPTIONAL),
        )
    wrong = _what_is_wrong(codes)
    if wrong:
        raise UnveilError(f"{printable(path)} {wrong}; write it again with `unveil encode`")
    return codes


def _coefficients(arrays: Arrays) -> Coefficients:
    try:
        layout = CoefficientLayout.from_json(str(arrays["layout"]))
        return Coefficients(layout, arrays["coefficients"].astype(np.float32))
    except LayoutError as error:
        raise ValueError(str(error)) from error


def _what_is_wrong(codes: Codes) -> str:
    count, values = len(codes.names), codes.coefficients.values
    weights = [w for w in (codes.weight, codes.shape_weight) if w is not None]
    if not count:
        return "holds no coefficients"
    if values.shape != (count, codes.coefficients.layout.size):
        return f"holds coefficients {values.shape} for {count} names and the layout {codes.coefficients.layout}"
    if odd := [w.shape for w in weights if w.shape != (count,)]:
        return f"holds weights {odd[0]} for {count} names"
    points = np.zeros((count, 0, 2)) if codes.points is None else codes.points
    if points.ndim != 3 or points.shape[::2] != (count, 2):
        return f"holds points {points.shape} for {count} names"
    if not all(np.isfinite(numbers).all() for numbers in (values, points, *weights)):
        return "holds numbers that are not finite"
    return ""
