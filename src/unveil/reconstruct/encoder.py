"""What a reconstruction asks of a network, be it an ONNX file or a teacher in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unveil.imaging.framing import CANONICAL, Framing
from unveil.morphable.layout import CoefficientLayout, Coefficients


@runtime_checkable
class Encoder(Protocol):
    """Gives coefficients for crops."""

    @property
    def name(self) -> str:
        """What it is called in results."""

    @property
    def path(self) -> Path:
        """The file that holds its weights."""

    @property
    def layout(self) -> CoefficientLayout:
        """What its numbers mean."""

    @property
    def input_size(self) -> int:
        """Side of the crops it takes, in pixels."""

    def predict(self, crops: NDArray[np.uint8]) -> Coefficients:
        """Coefficients [N, M] of RGB crops [N, S, S, 3]."""


@runtime_checkable
class DetailEncoder(Encoder, Protocol):
    """An encoder whose coefficients also tell the details of the skin."""

    def displacement(self, coefficients: Coefficients) -> NDArray[np.floating[Any]]:
        """Maps [N, 256, 256] in metres along the normals, without what is fixed, of coefficients [N, M]."""


@runtime_checkable
class FramedEncoder(Encoder, Protocol):
    """An encoder that was trained on other crops than the project's."""

    @property
    def framing(self) -> Framing:
        """How it wants a photograph's faces cut out."""


def framing_of(encoder: Encoder) -> Framing:
    """How a photograph's faces are cut out for an encoder."""
    return encoder.framing if isinstance(encoder, FramedEncoder) else CANONICAL
