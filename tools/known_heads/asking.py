"""Predictions of learners for many crops."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Prediction
from unveil.models.registry import head_of, open_encoder
from unveil.models.second_look import SecondLook
from unveil.typing import Images

BATCH = 32


def ask(learner: str, crops: Images) -> Prediction:
    """The prediction of a learner for canonical crops [N, S, S, 3] of any size, as a reconstruction has it."""
    encoder = open_encoder(learner)
    network = SecondLook(encoder, head_of(encoder))
    size = (encoder.input_size, encoder.input_size)
    small = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops])
    parts = [network.predict(small[k : k + BATCH]) for k in range(0, len(small), BATCH)]
    deviations = [part.deviations for part in parts if part.deviations is not None]
    maps = [part.occlusion for part in parts if part.occlusion is not None]
    return Prediction(
        _joined([part.coefficients for part in parts]),
        _joined(deviations) if deviations else None,
        np.concatenate(maps) if maps else None,
    )


def deviations_of(learner: str, said: Prediction) -> Coefficients:
    """The deviations [N, M] of an answer; UnveilError where the learner states none."""
    if said.deviations is None:
        raise UnveilError(f"{learner} states no deviations: give a learner that was trained to")
    return said.deviations


def _joined(parts: list[Coefficients]) -> Coefficients:
    values: list[Any] = [np.asarray(part.values) for part in parts]
    return Coefficients(parts[0].layout, np.concatenate(values))
