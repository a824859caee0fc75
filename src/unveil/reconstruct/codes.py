"""Coefficients of many crops in one file: what ``unveil encode`` writes and ``unveil decode`` reads.

The npz holds ``names`` [N], ``coefficients`` [N, M] float32, ``layout`` (JSON of their layout) and ``model``, the
head model whose coefficients they are.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.imaging.io import atomic_path, printable
from unveil.morphable.layout import CoefficientLayout, Coefficients
from unveil.reconstruct.crops import NamedCrop, rescaled
from unveil.reconstruct.encoder import Encoder

BATCH = 16  # crops per call of the network


@dataclass(frozen=True, eq=False)
class Codes:
    """The content of a codes file."""

    names: tuple[str, ...]  # N
    coefficients: Coefficients  # [N, M] float32
    model: str  # name of the head model


def encode(crops: Iterable[NamedCrop], encoder: Encoder, model: str) -> Codes:
    """Codes of all crops for the head model of that name; crops without an image are left out.

    Raises:
        UnveilError: no crop has an image.
    """
    usable = ((crop.name, crop.image) for crop in crops if crop.image is not None)
    names: list[str] = []
    values = []
    while batch := list(islice(usable, BATCH)):
        images = np.stack([rescaled(image, encoder.input_size) for _, image in batch])
        values.append(np.asarray(encoder.predict(images).values, np.float32))  # [B, M]
        names += [name for name, _ in batch]
    if not names:
        raise UnveilError("there is no usable crop, so nothing is written; give pictures of faces, cropped and square")
    return Codes(tuple(names), Coefficients(encoder.layout, np.concatenate(values)), model)


def write_codes(path: Path, codes: Codes) -> None:
    """Write an npz that `read_codes` reads back; UnveilError, with nothing half-written, where that is impossible."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            names=np.array(codes.names, dtype=np.str_),
            coefficients=np.asarray(codes.coefficients.values, np.float32),
            layout=np.array(codes.coefficients.layout.to_json()),
            model=np.array(codes.model),
        )


def read_codes(path: Path) -> Codes:
    """Read a codes file.

    Raises:
        UnveilError: the file is missing, is no codes file, or holds numbers that are not finite.
    """
    if not path.is_file():
        raise UnveilError(f"{printable(path)} does not exist; give a file that `unveil encode` has written")
    try:
        with np.load(path, allow_pickle=False) as file:
            names = tuple(str(name) for name in file["names"])
            values = file["coefficients"].astype(np.float32)
            layout = CoefficientLayout.from_json(str(file["layout"]))
            model = str(file["model"])
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise UnveilError(
            f"{printable(path)} is no usable codes file ({reason}); write it with `unveil encode`"
        ) from error
    if not names:
        raise UnveilError(f"{printable(path)} holds no coefficients; write it with `unveil encode`")
    if values.shape != (len(names), layout.size):
        raise UnveilError(
            f"{printable(path)} holds coefficients {values.shape} for {len(names)} names and the layout {layout}; "
            "write it again with `unveil encode`"
        )
    if not np.isfinite(values).all():
        raise UnveilError(
            f"{printable(path)} holds coefficients that are not finite; write it again with `unveil encode`"
        )
    return Codes(names, Coefficients(layout, values), model)
