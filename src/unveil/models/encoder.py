"""What a reconstruction asks of a network, be it an ONNX file or a teacher in torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.photos.framing import CANONICAL, Framing


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says about N crops."""

    coefficients: Coefficients  # [N, M]
    deviations: Coefficients | None = None  # [N, M] standard deviations of the coefficients, in their units
    # [N, 28, 28] probability that something covers that cell of the crop; row 0 on top
    occlusion: NDArray[np.float32] | None = None


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


@runtime_checkable
class DoubtfulEncoder(Encoder, Protocol):
    """An encoder that may also say what it saw and how sure it is of the rest."""

    @property
    def vertex_scale(self) -> float:
        """What the uncertainty of vertices, propagated from that of the coefficients, is multiplied with."""

    def predict_all(self, crops: NDArray[np.uint8]) -> Prediction:
        """Everything it says about RGB crops [N, S, S, 3]."""


def predict_all(encoder: Encoder, crops: NDArray[np.uint8]) -> Prediction:
    """Everything an encoder says about RGB crops [N, S, S, 3]; of most, coefficients alone."""
    if isinstance(encoder, DoubtfulEncoder):
        return encoder.predict_all(crops)
    return Prediction(encoder.predict(crops))


def weights_sha256(encoder: Encoder) -> str:
    """SHA-256, in hexadecimal digits, of the file that holds an encoder's weights."""
    with encoder.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(encoder: Encoder) -> str:
    """Name and first digits of the SHA-256 of the weights: another text for another encoder."""
    return f"{encoder.name} {weights_sha256(encoder)[:12]}"
