"""Crops to coefficients, a batch at a time: what a codes file is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from unveil.codes.crops import Crops
from unveil.errors import UnveilError, about
from unveil.models.encoder import Encoder
from unveil.typing import Float32s, Image

BATCH = 16  # crops per call of the network


class Encoded(NamedTuple):
    """The outcome for the crops from number ``start`` up to but not including ``stop``."""

    start: int
    stop: int
    values: Float32s  # [K, M] of those that could be used
    errors: Mapping[int, str]  # why the others could not, by number


def encode(crops: Crops, encoder: Encoder, start: int = 0) -> Iterator[Encoded]:
    """Coefficients of the crops from number ``start`` on, a batch at a time."""
    for first in range(start, len(crops.names), BATCH):
        yield encode_batch(crops, encoder, range(first, min(first + BATCH, len(crops.names))))


def encode_batch(crops: Crops, encoder: Encoder, numbers: range) -> Encoded:
    """Coefficients of some crops; those that cannot be used come as errors.

    Raises:
        UnveilError: the network fails on each of them, so that no other crop would fare better.
    """
    images: dict[int, Image] = {}
    failed: dict[int, Exception] = {}
    for k in numbers:
        try:
            images[k] = crops.read(k, encoder.input_size)
        except Exception as error:  # one crop is not to end the work on the others
            failed[k] = error
    try:
        values = _coefficients(encoder, [*images.values()])
    except Exception:
        rows = [_row(encoder, image) for image in images.values()]
        if all(isinstance(row, Exception) for row in rows) and (len(rows) > 1 or len(crops.names) == 1):
            raise
        failed |= {k: row for k, row in zip(images, rows, strict=True) if isinstance(row, Exception)}
        whole = [row for row in rows if not isinstance(row, Exception)]
        values = np.concatenate([np.empty((0, encoder.layout.size), np.float32), *whole])
    errors = {k: about(crops.names[k], failed[k]) for k in sorted(failed)}
    return Encoded(numbers.start, numbers.stop, values, errors)


def _row(encoder: Encoder, image: Image) -> Float32s | Exception:
    """The coefficients [1, M] of one crop, or why there are none."""
    try:
        return _coefficients(encoder, [image])
    except Exception as error:
        return error


def _coefficients(encoder: Encoder, images: list[Image]) -> Float32s:
    """Coefficients [N, M] of crops; UnveilError where one is not finite."""
    size = encoder.input_size
    stacked = np.stack(images) if images else np.empty((0, size, size, 3), np.uint8)
    values = np.asarray(encoder.predict(stacked).coefficients.values, np.float32)
    if not np.isfinite(values).all():
        raise UnveilError(f"{encoder.name} gives coefficients that are not finite; take another model")
    return values
