"""MGCNet's published files, once, to files that are read without TensorFlow and without h5py.

A TensorFlow checkpoint becomes safetensors with the parameter names of `unveil.networks.slim_resnet`; the Basel Face
Model in ``bfm09_trim_exp_uv_presplit.h5`` becomes an npz that `unveil.morphable.bfm09` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from safetensors.numpy import save

from unveil.errors import UnveilError
from unveil.imaging.io import atomic_path, printable
from unveil.morphable.bfm import METRES, FaceArrays, outward, vertex_columns
from unveil.morphable.bfm09 import FORMAT, LAYOUT

Floats = NDArray[np.float32]

WHITE = 255.0  # of the file's colours
SCOPE = "resnet_v1_50"
UNIT_SCOPE = "bottleneck_v1"  # between a unit and its convolutions
# What a variable of slim is in torch. Whatever else a checkpoint has of a layer belongs to the optimiser.
PARAMETERS = {
    "weights": "convolution.weight",
    "biases": "convolution.bias",
    "BatchNorm/gamma": "normalisation.weight",
    "BatchNorm/beta": "normalisation.bias",
    "BatchNorm/moving_mean": "normalisation.running_mean",
    "BatchNorm/moving_variance": "normalisation.running_var",
}
VARIABLE = re.compile(rf"(?:^|.*/){SCOPE}/(?P<layer>.+?)/(?P<what>{'|'.join(PARAMETERS)})")


def convert_checkpoint(checkpoint: Path, target: Path) -> None:
    """Write the network of a TensorFlow checkpoint as safetensors.

    Args:
        checkpoint: its ``.index`` file; the ``.data`` files lie beside it.
        target: the file to write.

    Raises:
        UnveilError: the checkpoint is not whole or has no ``resnet_v1_50``, or the file cannot be written.
    """
    parameters: dict[str, Floats] = {}
    for variable, values in _read_variables(checkpoint):
        match = VARIABLE.fullmatch(variable)
        if match is None:
            continue
        name = parameter_name(match["layer"], match["what"])
        if name in parameters:
            raise _unusable(checkpoint, f"has {variable} and the same of another {SCOPE}")
        parameters[name] = np.ascontiguousarray(values.transpose(3, 2, 0, 1) if values.ndim == 4 else values)
    if not parameters:
        raise _unusable(checkpoint, f"has no variables of {SCOPE}")
    with atomic_path(target) as temporary:
        temporary.write_bytes(save(parameters))


def parameter_name(layer: str, what: str) -> str:
    """The parameter's name in `SlimResNet50` of slim's layer ``block1/unit_1/bottleneck_v1/conv1`` and ``weights``."""
    scopes = [scope for scope in layer.split("/") if scope != UNIT_SCOPE]
    return ".".join([*scopes, PARAMETERS[what]])


def _read_variables(checkpoint: Path) -> Iterator[tuple[str, Floats]]:
    """Every variable of a checkpoint that may be one of the network, with its name."""
    if not checkpoint.is_file():
        raise _unusable(checkpoint, "is missing")
    try:
        reader = tf.train.load_checkpoint(str(checkpoint.with_suffix("")))
        for name in sorted(reader.get_variable_to_shape_map()):
            if f"{SCOPE}/" in name:
                yield name, np.asarray(reader.get_tensor(name), np.float32)
    except UnveilError:
        raise
    except Exception as error:  # TensorFlow's errors share no base class with those of its parts
        raise _unusable(checkpoint, f"is not a whole checkpoint ({' '.join(str(error).split())[:200]})") from error


def convert_face(source: Path, target: Path) -> None:
    """Write the face of ``bfm09_trim_exp_uv_presplit.h5`` as the npz that `unveil.morphable.bfm09` reads.

    The mean of the expressions is left out, as MGCNet leaves it out.

    Raises:
        UnveilError: the file is missing, cut short or no such file, or the npz cannot be written.
    """
    try:
        with h5py.File(source, "r") as file:
            arrays = _face_arrays(file)
    except (OSError, KeyError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).strip("'\"").split())
        raise _unusable(source, f"is no face model of MGCNet ({reason[:200]})") from error
    with atomic_path(target) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def _face_arrays(file: h5py.File) -> dict[str, Any]:
    """The content of the npz; KeyError for what is missing, ValueError for what has another shape."""
    template = vertex_columns(_columns(file, "shape/model/mean"), 1)[0] * METRES  # [V, 3]
    groups = {group.name: group.size for group in LAYOUT.groups}
    shape = _basis(file, "shape", groups["identity"], template.shape) * METRES
    expression = _basis(file, "expression", groups["expression"], template.shape) * METRES
    triangles = np.asarray(file["shape/representer/tri"]).astype(np.int64).reshape(-1, 3) - 1
    landmarks = np.asarray(file["shape/representer/idx_lm68"]).astype(np.int64).ravel()
    if landmarks.shape != (68,) or landmarks.min() < 0 or landmarks.max() >= len(template):
        raise ValueError(f"idx_lm68 does not name 68 of the {len(template)} vertices")
    face = FaceArrays(template, shape, expression, outward(triangles.T, template), landmarks)
    colour_mean = vertex_columns(_columns(file, "color/model/mean"), 1)[0] / WHITE
    colour_basis = _basis(file, "color", groups["texture"], template.shape) / WHITE
    if colour_mean.shape != template.shape:
        raise ValueError(f"color/model/mean has {len(colour_mean)} vertices and shape/model/mean {len(template)}")
    arrays = face._asdict() | {"colour_mean": colour_mean, "colour_basis": colour_basis}
    singles = {name: a.astype(np.float32) for name, a in arrays.items() if a.dtype == np.float64}
    return arrays | singles | {"format": np.array(FORMAT)}


def _basis(file: h5py.File, group: str, count: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Displacements [count, V, 3] of one standard deviation, in the file's unit; ``shape`` is (V, 3)."""
    # What the file calls variances are standard deviations.
    deviations = np.asarray(file[f"{group}/model/pcaVariance"], np.float64).ravel()[:count]
    basis = vertex_columns(np.asarray(file[f"{group}/model/pcaBasis"]), count)
    if basis.shape[1:] != shape or len(deviations) != count:
        raise ValueError(f"{group}/model has {basis.shape[1]} vertices and {len(deviations)} of {count} variances")
    if not np.isfinite(deviations).all():
        raise ValueError(f"{group}/model/pcaVariance holds numbers that are not finite")
    return basis * deviations[:, None, None]


def _columns(file: h5py.File, name: str) -> NDArray[np.float64]:
    return np.asarray(file[name], np.float64).reshape(-1, 1)


def _unusable(path: Path, why: str) -> UnveilError:
    return UnveilError(f"{printable(path)} {why}: download MGCNet's model again and keep its files together")
