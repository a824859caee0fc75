"""MGCNet's published files, once, to files that are read without TensorFlow and without h5py.

A TensorFlow checkpoint becomes safetensors with the parameter names of `unveil.models.mgcnet.network`; the Basel Face
Model in ``bfm09_trim_exp_uv_presplit.h5`` becomes an npz that `unveil.models.mgcnet.head` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from unveil.assets.containers import require_whole_checkpoint, require_whole_hdf5
from unveil.errors import UnveilError, reason_of
from unveil.heads.rigid_face import METRES, FaceArrays, outward, vertex_columns
from unveil.models.mgcnet.head import FORMAT, LAYOUT
from unveil.storage.arrays import whole_numbers
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable, write_bytes
from unveil.storage.npz import write_npz
from unveil.typing import Float32s, Float64s, Int64s

AGAIN = "download MGCNet's model again"
FACE = FileKind("face model of MGCNet", f"{AGAIN} and keep its files together", 2**34)
WHITE = 255.0  # of the face model's colours
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
VARIABLE = re.compile(rf"(?:.*/)?{SCOPE}/(?P<layer>.+?)/(?P<what>{'|'.join(PARAMETERS)})")


def convert_checkpoint(index: Path, target: Path) -> None:
    """Write the network of a TensorFlow checkpoint as safetensors.

    Args:
        index: the checkpoint's ``.index`` file; its ``.data`` files lie beside it.
        target: the file to write.

    Raises:
        UnveilError: TensorFlow is not installed, the checkpoint is not whole or has no ``resnet_v1_50``, or the target
            cannot be written.
    """
    try:
        parameters = network_parameters(_read_variables(index))
    except ValueError as error:
        raise _unusable(index, f"{error}") from error
    write_bytes(target, save(parameters))


def convert_face(source: Path, target: Path) -> None:
    """Write the face of ``bfm09_trim_exp_uv_presplit.h5`` as the npz that `unveil.models.mgcnet.head` reads.

    Raises:
        UnveilError: h5py is not installed, the file is missing or no such file, or the npz cannot be written.
    """
    try:
        import h5py
    except ImportError as error:
        raise UnveilError("reading MGCNet's face model needs h5py: pip install 'unveil[mgcnet]'") from error
    require_whole_hdf5(source)
    with FACE.checking(source), h5py.File(source, "r") as file:
        arrays = face_arrays(file)
    write_npz(target, arrays)


def network_parameters(variables: Iterable[tuple[str, Float32s]]) -> dict[str, Float32s]:
    """The parameters of `SlimResNet50` among the variables of a checkpoint, which are given with their names.

    Raises:
        ValueError: there are none, or of two networks.
    """
    parameters: dict[str, Float32s] = {}
    for variable, values in variables:
        match = VARIABLE.fullmatch(variable)
        if match is None:
            continue
        layer = [scope for scope in match["layer"].split("/") if scope != UNIT_SCOPE]
        name = ".".join([*layer, PARAMETERS[match["what"]]])
        if name in parameters:
            raise ValueError(f"has {variable} and the same of another {SCOPE}")
        # TensorFlow has height, width, channels in, channels out.
        parameters[name] = np.ascontiguousarray(values.transpose(3, 2, 0, 1) if values.ndim == 4 else values)
    if not parameters:
        raise ValueError(f"has no variables of {SCOPE}")
    return parameters


def face_arrays(file: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the npz, of arrays by their paths in the HDF5 file.

    The mean of the expressions is left out, as MGCNet leaves it out.

    Raises:
        KeyError: an array is not there.
        ValueError: an array has another shape, or numbers that cannot be.
    """
    template = _mean(file, "shape")  # [V, 3] micrometres
    groups = {group.name: group.size for group in LAYOUT.groups}
    face = FaceArrays(
        template=template * METRES,
        shape=_basis(file, "shape", groups["identity"], template.shape) * METRES,
        expression=_basis(file, "expression", groups["expression"], template.shape) * METRES,
        faces=outward((_integers(file, "tri") - 1).reshape(-1, 3).T, template),
        landmarks68=_integers(file, "idx_lm68"),
    )
    if face.landmarks68.shape != (68,) or face.landmarks68.min() < 0 or face.landmarks68.max() >= len(template):
        raise ValueError(f"idx_lm68 does not name 68 of the {len(template)} vertices")
    colours = {
        "colour_mean": _mean(file, "color") / WHITE,
        "colour_basis": _basis(file, "color", groups["texture"], template.shape) / WHITE,
    }
    if colours["colour_mean"].shape != template.shape:
        raise ValueError(f"color/model/mean is not of {len(template)} vertices, as shape/model/mean is")
    arrays = face._asdict() | colours
    single = {name: array.astype(np.float32) for name, array in arrays.items() if array.dtype == np.float64}
    return arrays | single | {"format": np.array(FORMAT)}


def _mean(file: Mapping[str, Any], group: str) -> Float64s:
    """[V, 3] in the file's unit."""
    (vertices,) = vertex_columns(np.asarray(file[f"{group}/model/mean"]).reshape(-1, 1), 1)
    return np.asarray(vertices)


def _basis(file: Mapping[str, Any], group: str, count: int, shape: tuple[int, ...]) -> Float64s:
    """Displacements [count, V, 3] of one standard deviation, in the file's unit; ``shape`` is (V, 3)."""
    # What the file calls variances are standard deviations.
    deviations = np.asarray(file[f"{group}/model/pcaVariance"], np.float64).ravel()[:count]
    basis = vertex_columns(file[f"{group}/model/pcaBasis"], count)
    if basis.shape[1:] != shape or deviations.shape != (count,) or not np.isfinite(deviations).all():
        raise ValueError(f"{group}/model is not {count} components of {shape[0]} vertices")
    return basis * deviations[:, None, None]


def _integers(file: Mapping[str, Any], name: str) -> Int64s:
    return whole_numbers(np.asarray(file[f"shape/representer/{name}"])).ravel()


def _read_variables(index: Path) -> list[tuple[str, Float32s]]:
    """Every variable of a checkpoint that may be one of the network, with its name."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise UnveilError("reading MGCNet's checkpoint needs TensorFlow: pip install 'unveil[mgcnet]'") from error
    require_whole_checkpoint(index)
    try:
        reader = tf.train.load_checkpoint(str(index.with_suffix("")))
        names = sorted(name for name in reader.get_variable_to_shape_map() if VARIABLE.fullmatch(name))
        return [(name, np.asarray(reader.get_tensor(name), np.float32)) for name in names]
    except Exception as error:  # TensorFlow's errors share no base class with those of its parts
        raise _unusable(index, f"is not a whole checkpoint ({reason_of(error)})") from error


def _unusable(path: Path, why: str) -> UnveilError:
    return UnveilError(f"{printable(path)} {why}: {AGAIN} and keep its files together")
