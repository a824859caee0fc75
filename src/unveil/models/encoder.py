"""What is asked of a network, be it an ONNX file or a teacher in torch: crops in, coefficients out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.reprs import short_repr
from unveil.typing import Float32s, Images

if TYPE_CHECKING:
    from unveil.photos.framing import Framing  # which is slow to import


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says about N crops."""

    coefficients: Coefficients  # [N, M]
    deviations: Coefficients | None = None  # [N, M] standard deviations of the coefficients, in their units
    # [N, 28, 28] probability that something covers that cell of the crop; row 0 on top
    occlusion: Float32s | None = None
    __repr__ = short_repr


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

    @property
    def framing(self) -> Framing:
        """How it wants a photograph's faces cut out."""

    @property
    def vertex_scale(self) -> float:
        """What the uncertainty of vertices, propagated from that of the coefficients, is multiplied with."""

    def predict(self, crops: Images) -> Prediction:
        """What it says about RGB crops [N, S, S, 3]."""


def weights_sha256(encoder: Encoder) -> str:
    """SHA-256, in hexadecimal digits, of the file that holds an encoder's weights."""
    with encoder.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(encoder: Encoder) -> str:
    """Name and first digits of the SHA-256 of the weights: another text for another encoder."""
    return f"{encoder.name} {weights_sha256(encoder)[:12]}"
