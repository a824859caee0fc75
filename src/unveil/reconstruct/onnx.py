"""A learner in an ONNX file: crops in, coefficients of a known layout out.

The file keeps to one contract. Input ``images`` float32 [N, 3, S, S] (RGB in [0, 1]), output ``coefficients``
float32 [N, M], and in its metadata ``layout`` (JSON of a `CoefficientLayout`), ``input_size`` (S), ``name``,
``licence`` and, where the maker says what it was trained on, ``data``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.morphable.layout import CoefficientLayout, Coefficients, LayoutError

LARGEST_BATCH = 16  # crops per call of the network: bounds the memory of a photograph with many faces
LARGEST_INPUT = 1024  # pixels; a larger input_size is a mistake in the file
MOST_THREADS = 8  # more threads wait for each other at this network size


class CoefficientModel:
    """A learner loaded from an ONNX file; the session is kept, so the second call is fast.

    Attributes:
        path: the file.
        name, licence, data: what the maker wrote into the file.
        layout: the groups of the coefficients it gives.
        input_size: side S of the crops it takes, in pixels.

    Raises:
        UnveilError: the file is missing, is no ONNX file, or does not keep to the contract above.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self._session = open_session(self.path, threads)
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.layout = _read_layout(metadata, self.path)
        self.input_size = _read_input_size(metadata, self.path)
        self.name = metadata.get("name") or self.path.stem
        self.licence = metadata.get("licence", "")
        self.data = metadata.get("data", "")
        self._check_shapes()

    def predict(self, crops: NDArray[np.uint8]) -> Coefficients:
        """Coefficients [N, M] (float32) of RGB crops [N, S, S, 3]; a batch gives what its crops give one by one."""
        size = self.input_size
        if crops.ndim != 4 or crops.shape[1:] != (size, size, 3) or crops.dtype != np.uint8:
            raise ValueError(f"expected uint8 crops (N, {size}, {size}, 3), got {crops.dtype} {crops.shape}")
        starts = range(0, len(crops), LARGEST_BATCH)
        values = [self._run(crops[start : start + LARGEST_BATCH]) for start in starts]
        joined = np.concatenate(values) if values else np.empty((0, self.layout.size), np.float32)
        return Coefficients(self.layout, joined)

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32)  # [N, 3, S, S]
        images /= 255
        (values,) = self._session.run(["coefficients"], {"images": images})
        if not np.isfinite(values).all():
            raise UnveilError(f"{self.path} gives numbers that are not finite: train or export it again")
        return np.asarray(values, np.float32)  # [N, M]

    def _check_shapes(self) -> None:
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        if set(inputs) != {"images"} or "coefficients" not in outputs:
            raise UnveilError(
                f"{self.path} maps {', '.join(inputs)} to {', '.join(outputs)}, not images to coefficients: "
                "give a learner written by `python -m unveil.distill.to_onnx`"
            )
        sides, outputs_m = inputs["images"][1:], outputs["coefficients"][-1:]
        if not _fits(sides, [3, self.input_size, self.input_size]):
            raise UnveilError(
                f"{self.path} takes images of shape {sides} but states an input_size of {self.input_size}"
            )
        if not _fits(outputs_m, [self.layout.size]):
            raise UnveilError(f"{self.path} gives {outputs_m[0]} coefficients but states the layout {self.layout}")


def open_session(path: Path, threads: int | None = None) -> ort.InferenceSession:
    """A session on the CPU, by default with as many threads as are of use; UnveilError for what is no ONNX file."""
    if not path.is_file():
        raise UnveilError(f"no model file at {path}: check the path given as the model")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _available_cores()
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Threads that spin after their work take the cores from what follows: 2 cores then need 30 ms for 3 ms of geometry.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what is wrong with a file is said once, below
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise UnveilError(f"{path} is not a usable ONNX file: {_first_line(error)}") from error


def _read_layout(metadata: Mapping[str, str], path: Path) -> CoefficientLayout:
    if "layout" not in metadata or "input_size" not in metadata:
        raise UnveilError(
            f"{path} does not say what its outputs mean (no layout and input_size in its metadata): "
            "give a learner written by `python -m unveil.distill.to_onnx`"
        )
    try:
        return CoefficientLayout.from_json(metadata["layout"])
    except LayoutError as error:
        raise UnveilError(f"{path} has a damaged layout in its metadata: {error}") from error


def _read_input_size(metadata: Mapping[str, str], path: Path) -> int:
    text = metadata["input_size"]
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= LARGEST_INPUT:
        raise UnveilError(f"{path} states an input_size of {text[:20]!r}, which is no size in pixels")
    return int(text)


def _fits(shape: list[int | str | None], expected: list[int]) -> bool:
    """Whether a shape of ONNX, where a name or None stands for any size, allows the expected one."""
    return len(shape) == len(expected) and all(
        not isinstance(side, int) or side == wanted for side, wanted in zip(shape, expected, strict=True)
    )


def _available_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
