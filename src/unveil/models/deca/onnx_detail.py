"""A detail decoder in an ONNX file: coefficients of a known layout in, displacement maps out.

Input ``coefficients`` float32 [N, M], output ``displacement`` float32 [N, T, T] (metres along the normals, in UV
space), and in its metadata ``layout`` (JSON of a `CoefficientLayout`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients, LayoutError
from unveil.models.onnx import LARGEST_BATCH, open_session
from unveil.typing import Float32s

DECA_ENCODERS_FILE = "deca_encoders.onnx"  # a `CoefficientModel` of the layout deca-detail
DECA_DETAIL_FILE = "deca_detail_decoder.onnx"  # a `DetailModel` of the same layout


class DetailModel:
    """A detail decoder loaded from an ONNX file.

    Attributes:
        path: the file.
        layout: of the coefficients it takes.

    Raises:
        UnveilError: the file is missing, is no ONNX file, or does not keep to the contract above.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self._session = open_session(self.path, threads)
        inputs = [(node.name, node.shape[1:]) for node in self._session.get_inputs()]
        outputs = {node.name: node.shape[1:] for node in self._session.get_outputs()}
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.layout = CoefficientLayout.from_json(metadata.get("layout", ""))
        except LayoutError as error:
            raise UnveilError(f"{self.path} does not say which coefficients it takes: {error}") from error
        if inputs != [("coefficients", [self.layout.size])] or "displacement" not in outputs:
            raise UnveilError(
                f"{self.path} does not map coefficients of its layout {self.layout} to displacement: "
                "give a file written by `python -m unveil.models.deca.convert`"
            )
        self._size = tuple(int(side) for side in outputs["displacement"])

    def displacement(self, coefficients: Coefficients) -> Float32s:
        """Maps [N, T, T] in metres for coefficients [N, M]; LayoutError for another layout's."""
        self.layout.require(coefficients.layout)
        values = np.asarray(coefficients.values, np.float32)
        maps = np.empty((len(values), *self._size), np.float32)
        for start in range(0, len(values), LARGEST_BATCH):
            batch = values[start : start + LARGEST_BATCH]
            (maps[start : start + LARGEST_BATCH],) = self._session.run(["displacement"], {"coefficients": batch})
        if not np.isfinite(maps).all():
            raise UnveilError(f"{self.path} gives numbers that are not finite: export it again")
        return maps
