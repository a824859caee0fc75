"""The protocol of every encoder, an ONNX file or a network in torch: crops in, coefficients out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Images, Int64s

if TYPE_CHECKING:
    from unveil.photos.framing import Framing  # which is slow to import

OCCLUSION_SIZE = 28  # cells per side of the map of what covers a crop


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of an encoder for N crops."""

    coefficients: Coefficients  # [N, M]
    deviations: Coefficients | None = None  # [N, M] standard deviations of the coefficients, in their units
    occlusion: Float32s | None = None  # [N, 28, 28] probability that an occluder covers the cell; row 0 on top
    face: Float32s | None = None  # [N] probability that the crop shows a face, however it is framed
    classes: Float32s | None = None  # [N, 9, 56, 56] probability of each of `models.classes.CLASSES` in each cell

    def take(self, rows: Sequence[int] | Int64s) -> Prediction:
        """The prediction for some of the crops."""
        chosen = np.asarray(rows, np.int64)
        return Prediction(
            Coefficients(self.coefficients.layout, self.coefficients.values[chosen]),
            self.deviations and Coefficients(self.deviations.layout, self.deviations.values[chosen]),
            None if self.occlusion is None else self.occlusion[chosen],
            None if self.face is None else self.face[chosen],
            None if self.classes is None else self.classes[chosen],
        )

    def rows(self) -> list[Prediction]:
        """The prediction for each crop."""
        return [self.take([k]) for k in range(len(self.coefficients.values))]

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Several predictions of one encoder as one, in their order."""
        joined: dict[str, Any] = {}
        for name in (field.name for field in fields(cls)):
            values = [getattr(part, name) for part in parts]
            if any(value is None for value in values):
                continue
            arrays = [value.values if isinstance(value, Coefficients) else value for value in values]
            rows = np.concatenate(arrays)
            joined[name] = Coefficients(values[0].layout, rows) if isinstance(values[0], Coefficients) else rows
        return cls(**joined)

    __repr__ = short_repr


class Encoder(Protocol):
    """Gives the coefficients of a head model for crops of faces."""

    @property
    def name(self) -> str:
        """Its name in results."""

    @property
    def path(self) -> Path:
        """The file that holds its weights."""

    @property
    def layout(self) -> CoefficientLayout:
        """The layout of its coefficients."""

    @property
    def input_size(self) -> int:
        """Side of the crops it takes, in pixels."""

    @property
    def framing(self) -> Framing:
        """How it wants faces to be cropped."""

    @property
    def vertex_scale(self) -> Floats | float:
        """The calibration factor of the uncertainty of vertices, [2, V] or one number; 1 without calibration."""

    @property
    def says_face(self) -> bool:
        """Whether its predictions say if a crop shows a face at all."""

    @property
    def looks_twice(self) -> bool:
        """Whether it is asked about the mirror images of a photograph's crops, too (`models.second_look`)."""

    def predict(self, crops: Images) -> Prediction:
        """Its prediction for RGB crops uint8 [N, S, S, 3], where S is `input_size`; ValueError for other arrays."""


class CoefficientsOnly:
    """The base of encoders that give coefficients and nothing else: no deviations, no face score, no second look."""

    vertex_scale: float = 1.0
    says_face: bool = False
    looks_twice: bool = False


def require_crops(crops: Images, size: int) -> None:
    """Raise ValueError unless these are RGB crops uint8 [N, S, S, 3] of ``size`` pixels a side."""
    if crops.ndim != 4 or crops.shape[1:] != (size, size, 3) or crops.dtype != np.uint8:
        raise ValueError(f"expected uint8 crops (N, {size}, {size}, 3), got {crops.dtype} {crops.shape}")


def weights_sha256(encoder: Encoder) -> str:
    """SHA-256, in hexadecimal digits, of the file that holds an encoder's weights."""
    with encoder.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(encoder: Encoder) -> str:
    """Name and first digits of the SHA-256 of the weights: another text for another encoder."""
    return f"{encoder.name} {weights_sha256(encoder)[:12]}"
