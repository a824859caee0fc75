"""DECA without torch: its encoders and its detail decoder as the ONNX files of ``unveil assets convert deca``.

The encoders' file keeps to the contract of `unveil.models.onnx`. That of the decoder has the input ``coefficients``
float32 [N, M], the output ``displacement`` float32 [N, T, T] (metres along the normals, in UV space), and in its
metadata ``layout`` (JSON of a `CoefficientLayout`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unveil.assets.store import locate
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients, LayoutError
from unveil.models.deca import files
from unveil.models.encoder import CoefficientsOnly, Prediction
from unveil.models.onnx import LARGEST_BATCH, CoefficientModel, open_session, run_session
from unveil.photos.framing import CANONICAL, Framing
from unveil.storage.files import printable
from unveil.typing import Float32s, Images

LARGEST_MAP = 4096  # texels a side; DECA's are of 256


class DecaModel(CoefficientsOnly):
    """DECA's networks; a `DecaEncoder`.

    Args:
        assets: folder with the two files; `store.search_folders` lists others.

    Raises:
        UnveilError: a file is missing or is no such network.
        LayoutError: the two files belong to different models.
    """

    framing: Framing = CANONICAL

    def __init__(self, assets: Path | None = None) -> None:
        self._encoders = CoefficientModel(locate(files.ENCODERS, assets))
        self._decoder = DetailModel(locate(files.DETAIL_DECODER, assets))
        self._decoder.layout.require(self._encoders.layout)

    @property
    def name(self) -> str:
        """The name in the file's metadata."""
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

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, 364] of RGB crops [N, S, S, 3]."""
        return self._encoders.predict(crops)

    def displacement(self, coefficients: Coefficients) -> Float32s:
        """The decoder's maps [N, 256, 256] in metres of coefficients [N, 364], without what is fixed."""
        return self._decoder.displacement(coefficients)


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
            raise UnveilError(f"{printable(self.path)} does not say which coefficients it takes: {error}") from error
        sides = outputs.get("displacement", [])
        plain = len(sides) == 2 and all(isinstance(side, int) and 0 < side <= LARGEST_MAP for side in sides)
        if inputs != [("coefficients", [self.layout.size])] or not plain:
            raise UnveilError(
                f"{printable(self.path)} does not map coefficients of its layout {self.layout} to displacement: "
                "give a file written by `python -m unveil.models.deca.convert`"
            )
        self._size = tuple(sides)

    def displacement(self, coefficients: Coefficients) -> Float32s:
        """Maps [N, T, T] in metres for coefficients [N, M]; LayoutError for another layout's."""
        self.layout.require_of(coefficients)
        values = np.asarray(coefficients.values, np.float32)
        maps = np.empty((len(values), *self._size), np.float32)
        for start in range(0, len(values), LARGEST_BATCH):
            batch = values[start : start + LARGEST_BATCH]
            shapes = {"displacement": (len(batch), *self._size)}
            outputs = run_session(self._session, {"coefficients": batch}, shapes, self.path)
            maps[start : start + LARGEST_BATCH] = outputs["displacement"]
        if not np.isfinite(maps).all():
            raise UnveilError(f"{printable(self.path)} gives numbers that are not finite: export it again")
        return maps
