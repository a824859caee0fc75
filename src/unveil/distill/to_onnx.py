"""A trained learner as one ONNX file that reconstruction reads without torch.

    python -m unveil.distill.to_onnx RUN FILE.onnx --licence TEXT --data TEXT

Weights are stored in half precision, each followed by a Cast, so that the file is half as large and the arithmetic
stays float32. The file says what its outputs mean: layout, input size, name, licence and training data.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unveil.distill.checkpoint import load_learner
from unveil.distill.onnx_graph import halve_weights, trace, write
from unveil.errors import UnveilError, one_line_errors
from unveil.networks.learner import Learner


@dataclass(frozen=True)
class Statement:
    """What the file says about itself."""

    name: str
    licence: str
    data: str


def export_onnx(learner: Learner, path: Path, statement: Statement) -> None:
    """Write the learner to ``path``; the file keeps to the contract of `unveil.reconstruct.onnx`."""
    images = torch.rand(2, 3, learner.input_size, learner.input_size)
    model = halve_weights(trace(_Coefficients(learner.float()), images, "images", "coefficients"))
    metadata = {
        "layout": learner.layout.to_json(),
        "input_size": str(learner.input_size),
        "name": statement.name,
        "licence": statement.licence,
        "data": statement.data,
    }
    write(model, path, metadata)


def largest_difference(learner: Learner, path: Path, crops: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
    """Compare the file with torch on crops [N, S, S, 3].

    Returns:
        The largest difference of a coefficient in its standard deviations, and the file's coefficients [N, M].
    """
    images = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
    with torch.no_grad():
        expected = learner(torch.from_numpy(images)).coefficients.numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (values,) = session.run(["coefficients"], {"images": images})
    return float((np.abs(values - expected) / learner.std.numpy()).max()), values


class _Coefficients(nn.Module):
    """A learner that tells its coefficients alone."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.learner = learner

    def forward(self, images: Tensor) -> Tensor:
        coefficients: Tensor = self.learner(images).coefficients
        return coefficients


def main(arguments: Sequence[str] | None = None) -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(description="Write a run's learner as ONNX.")
    parser.add_argument("run", type=Path, help="folder of the training run")
    parser.add_argument("file", type=Path, help="ONNX file to write")
    parser.add_argument("--name", default="openhead-learner")
    parser.add_argument("--licence", required=True, help="what the weights may be used for")
    parser.add_argument("--data", required=True, help="what they were trained on")
    options = parser.parse_args(arguments)
    if options.file.suffix != ".onnx":
        raise UnveilError(f"{options.file} does not end in .onnx: name the file so that others know what it is")
    learner = load_learner(options.run)
    export_onnx(learner, options.file, Statement(options.name, options.licence, options.data))
    print(f"{options.file}: {options.file.stat().st_size / 1e6:.1f} MB")  # noqa: T201


if __name__ == "__main__":
    with one_line_errors():
        main()
