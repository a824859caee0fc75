"""Crops to coefficients, a batch at a time: what a codes file is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from unveil.codes.crops import Crops
from unveil.errors import UnveilError
from unveil.models.encoder import Encoder
from unveil.typing import Float32s

BATCH = 16  # crops per call of the network


class Encoded(NamedTuple):
    """What became of the crops from number ``start`` up to but not including ``stop``."""

    start: int
    stop: int
    values: Float32s  # [K, M] of those that could be used
    errors: Mapping[int, str]  # why the others could not, by number


def encode(crops: Crops, encoder: Encoder, start: int = 0) -> Iterator[Encoded]:
    """Coefficients of the crops from number ``start`` on, a batch at a time."""
    for first in range(start, len(crops.names), BATCH):
        yield encode_batch(crops, encoder, range(first, min(first + BATCH, len(crops.names))))


def encode_batch(crops: Crops, encoder: Encoder, numbers: range) -> Encoded:
    """Coefficients of some crops; those that cannot be used come as errors."""
    size = encoder.input_size
    images, errors = [], {}
    for k in numbers:
        try:
            images.append(crops.read(k, size))
        except UnveilError as error:
            errors[k] = str(error)
    stacked = np.stack(images) if images else np.empty((0, size, size, 3), np.uint8)
    values = np.asarray(encoder.predict(stacked).coefficients.values, np.float32)
    return Encoded(numbers.start, numbers.stop, values, errors)
