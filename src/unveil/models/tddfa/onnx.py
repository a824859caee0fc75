"""3DDFA_V2 (Guo et al. 2020) without torch: its networks as the ONNX files of its authors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.encoder import CoefficientsOnly, Prediction
from unveil.models.onnx import Session, open_session, run_session
from unveil.models.tddfa.framing import FRAMING, INPUT_SIZE, network_input
from unveil.models.tddfa.head import read_statistics
from unveil.photos.framing import Framing
from unveil.storage.files import printable
from unveil.typing import Images


class TddfaModel(CoefficientsOnly):
    """One of 3DDFA_V2's networks; a `models.encoder.Encoder`.

    Attributes:
        name: "3ddfa-mb1" or "3ddfa-mb05", from the file's name.
        path: the file.
        layout: `models.tddfa.head.LAYOUT`, with the statistics.
        input_size: 120 pixels.
        framing: how its authors cut faces out.

    Args:
        path: ``mb1_120x120.onnx`` or ``mb05_120x120.onnx``.
        statistics: ``param_mean_std_62d_120x120.pkl``.

    Raises:
        UnveilError: a file is missing or is no such file.
    """

    input_size: int = INPUT_SIZE
    framing: Framing = FRAMING

    def __init__(self, path: Path, statistics: Path) -> None:
        self.path = path
        self.name = f"3ddfa-{path.name.split('_')[0]}"
        self.layout: CoefficientLayout = read_statistics(statistics)
        self._session = open_network(path)

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, 62] (float32) of RGB crops [N, 120, 120, 3]."""
        # The graph is for one crop at a time.
        shapes = {self._session.get_outputs()[0].name: (1, self.layout.size)}
        runs = [run_session(self._session, {"input": one[None]}, shapes, self.path) for one in network_input(crops)]
        values = [value for outputs in runs for value in outputs.values()]
        outputs = np.concatenate(values) if values else np.empty((0, self.layout.size), np.float32)
        if not np.isfinite(outputs).all():
            raise UnveilError(f"{printable(self.path)} gives numbers that are not finite: download it again")
        return Prediction(Coefficients(self.layout, self.layout.destandardize(outputs)))


def open_network(path: Path, threads: int | None = None) -> Session:
    """A session of a network [1, 3, 120, 120] -> [1, 62]; UnveilError for what is none."""
    session = open_session(path, threads)
    inputs = {node.name: node.shape[1:] for node in session.get_inputs()}
    outputs = [node.shape[1:] for node in session.get_outputs()]
    if inputs != {"input": [3, INPUT_SIZE, INPUT_SIZE]} or outputs != [[62]]:
        raise UnveilError(f"{printable(path)} maps {inputs} to {outputs}, which is no network of 3DDFA_V2: get theirs")
    return session
