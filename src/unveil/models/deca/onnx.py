"""DECA without torch: its encoders and its detail decoder as the ONNX files of ``unveil assets convert deca``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.assets.store import locate
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.deca.onnx_detail import DECA_DETAIL_FILE, DECA_ENCODERS_FILE, DetailModel
from unveil.models.onnx import CoefficientModel


class DecaModel:
    """DECA's networks; a `DetailEncoder`.

    Args:
        assets: folder with the two files; `store.search_folders` lists others.

    Raises:
        UnveilError: a file is missing or is no such network.
        LayoutError: the two files belong to different models.
    """

    def __init__(self, assets: Path | None = None) -> None:
        self._encoders = CoefficientModel(locate("deca", DECA_ENCODERS_FILE, assets))
        self._decoder = DetailModel(locate("deca", DECA_DETAIL_FILE, assets))
        self._decoder.layout.require(self._encoders.layout)

    @property
    def name(self) -> str:
        """What the file calls itself."""
        return self._encoders.name

    @property
    def path(self) -> Path:
        """The encoders' file."""
        return self._encoders.path

    @property
    def layout(self) -> CoefficientLayout:
        """``deca-detail``."""
        return self._encoders.layout

    @property
    def input_size(self) -> int:
        """Side of the crops, in pixels."""
        return self._encoders.input_size

    def predict(self, crops: NDArray[np.uint8]) -> Coefficients:
        """Coefficients [N, 364] of RGB crops [N, S, S, 3]."""
        return self._encoders.predict(crops)

    def displacement(self, coefficients: Coefficients) -> NDArray[np.floating[Any]]:
        """The decoder's maps [N, 256, 256] in metres of coefficients [N, 364], without what is fixed."""
        return self._decoder.displacement(coefficients)
