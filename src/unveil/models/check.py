"""Are the files of a research model all there, whole, and the right ones? One line per file."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.assets.containers import require_whole_checkpoint, require_whole_hdf5, safetensors_shapes
from unveil.assets.model_file import ModelFile, Shape
from unveil.assets.store import find, find_mistaken, missing
from unveil.assets.torch_file import checkpoint_keys
from unveil.assets.unpickle import read_pickle, read_pickled_array, read_pickled_npy
from unveil.errors import UnveilError, reason_of
from unveil.models.deca import files as deca
from unveil.models.deca.onnx import DetailModel
from unveil.models.deca.template import read_template
from unveil.models.onnx import CoefficientModel
from unveil.models.registry import RESEARCH, research_family
from unveil.models.tddfa.onnx import open_network
from unveil.photos.io import read_image
from unveil.storage.files import printable

WEB_PAGE = (b"<!doctype html", b"<html")
FLAME_AND_TEMPLATE = (deca.MODEL, deca.TEMPLATE)
FLAME_EYEBALLS = slice(3931, 5023)  # the last vertices of FLAME's mesh
# FLAME 2023 has FLAME 2020's arrays, shapes and face, and other eyes: so says its publisher. These bounds are chosen,
# not measured.
SAME_FACE, OTHER_EYES = 1e-4, 5e-4  # metres between the model and head_template.obj, median of the vertices


@dataclass(frozen=True)
class FileCheck:
    """What was found out about one file."""

    model: str
    name: str
    status: str  # ok, missing, wrong
    required: bool
    path: str  # empty where it is missing
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in the answer of ``unveil assets check --json``."""
        return asdict(self)


def families_present(assets: Path | None) -> list[str]:
    """The model families of which a file is there; all where there is none."""
    present = [name for name, family in RESEARCH.items() if any(find(file, assets) for file in family.files)]
    return present or list(RESEARCH)


def check_files(model: str, assets: Path | None = None) -> list[FileCheck]:
    """Open every file of a model family; UnveilError where there is no such family or folder."""
    return [check_file(file, assets) for file in research_family(model).files]


def check_file(file: ModelFile, assets: Path | None = None) -> FileCheck:
    """Open one file of a model family."""
    path = find(file, assets)
    others = [other for other in research_family(file.family).files if other.name in file.or_else]
    needed = file.required and not any(find(other, assets) for other in others)
    if path is None:
        mistaken = find_mistaken(file, assets)
        status, where = ("missing", "") if mistaken is None else ("wrong", printable(mistaken))
        return FileCheck(file.family, file.name, status, needed, where, missing(file, assets))
    try:
        _look_into(path, file)
        _require_same_head(path, file, assets)
    except UnveilError as error:
        what = f"{_named(path, error)}: {file.how_to_get}"
        return FileCheck(file.family, file.name, "wrong", needed, printable(path), what)
    return FileCheck(file.family, file.name, "ok", needed, printable(path), file.what + _difference(path, file))


def _difference(path: Path, file: ModelFile) -> str:
    """What to add where a usable file is not, byte for byte, the published one."""
    if not file.sha256:
        return ""
    with path.open("rb") as stream:
        same = hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    return "" if same else f"; usable, but not the published file, whose sha256 begins with {file.sha256[:12]}"


def _named(path: Path, error: UnveilError) -> str:
    text, name = str(error), printable(path)
    return text if text.startswith(name) else f"{name} {text}"


def _look_into(path: Path, file: ModelFile) -> None:
    """Raise UnveilError, whose message goes on after the file's name, unless the file is what it should be."""
    try:
        with path.open("rb") as stream:
            start = stream.read(1024)
    except OSError as error:
        raise UnveilError(f"cannot be read ({error.strerror})") from error
    if not start:
        raise UnveilError("is empty")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(WEB_PAGE):
        raise UnveilError("is a saved web page, as sites send it to ask for a login or a confirmation")
    LOOK[file.kind](path, file)


def _look_pickle(path: Path, file: ModelFile) -> None:
    values = read_pickle(path)
    _require({name: np.shape(value) for name, value in values.items()}, file.arrays)


def _look_pickled_array(path: Path, file: ModelFile) -> None:
    _require({"": read_pickled_array(path).shape}, file.arrays)


def _look_pickled_npy(path: Path, file: ModelFile) -> None:
    values = read_pickled_npy(path)
    _require({name: np.shape(value) for name, value in values.items()}, file.arrays)


def _look_npy(path: Path, file: ModelFile) -> None:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UnveilError(f"is cut short or no .npy file ({reason_of(error)})") from error
    _require({"": array.shape}, file.arrays)


def _look_npz(path: Path, file: ModelFile) -> None:
    """Shapes from the headers only: albedo spaces have several hundred megabytes."""
    shapes = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    version = np.lib.format.read_magic(member)
                    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
                    shapes[name.removesuffix(".npy")] = read[version[0]](member)[0]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnveilError(f"is cut short or no .npz file ({reason_of(error)})") from error
    _require(shapes, file.arrays)


def _look_torch(path: Path, file: ModelFile) -> None:
    _require(dict.fromkeys(checkpoint_keys(path), ()), file.arrays)


def _look_obj(path: Path, file: ModelFile) -> None:
    read_template(path)


def _look_picture(path: Path, file: ModelFile) -> None:
    height, width = read_image(path).shape[:2]
    if height != width:
        raise UnveilError(f"is {width} x {height} pixels and not square")


def _look_onnx(path: Path, file: ModelFile) -> None:
    CoefficientModel(path, threads=1)


def _look_onnx_detail(path: Path, file: ModelFile) -> None:
    DetailModel(path, threads=1)


def _look_onnx_tddfa(path: Path, file: ModelFile) -> None:
    open_network(path, threads=1)


def _look_safetensors(path: Path, file: ModelFile) -> None:
    _require(safetensors_shapes(path), file.arrays)


def _look_hdf5(path: Path, file: ModelFile) -> None:
    require_whole_hdf5(path)


def _look_tensorflow(path: Path, file: ModelFile) -> None:
    require_whole_checkpoint(path)


LOOK: dict[str, Callable[[Path, ModelFile], None]] = {
    "pickle": _look_pickle,
    "pickle-array": _look_pickled_array,
    "npy": _look_npy,
    "npy-dict": _look_pickled_npy,
    "npz": _look_npz,
    "torch": _look_torch,
    "obj": _look_obj,
    "picture": _look_picture,
    "onnx": _look_onnx,
    "onnx-detail": _look_onnx_detail,
    "onnx-3ddfa": _look_onnx_tddfa,
    "safetensors": _look_safetensors,
    "hdf5": _look_hdf5,
    "tensorflow": _look_tensorflow,
}


def _require(shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, Shape]) -> None:
    absent = [name for name in expected if name not in shapes]
    if absent:
        raise UnveilError(f"has no {', '.join(absent)}; it holds {', '.join(list(shapes)[:8]) or 'nothing'}")
    for name, last in expected.items():
        shape = shapes[name]
        if len(shape) < len(last) or any(
            wanted not in {None, side} for side, wanted in zip(shape[len(shape) - len(last) :], last, strict=True)
        ):
            sides = " x ".join("any" if side is None else str(side) for side in last)
            raise UnveilError(f"has the wrong shape: {name or 'the array'} is {shape} and should end in {sides}")


def _require_same_head(path: Path, file: ModelFile, assets: Path | None) -> None:
    """Raise UnveilError where FLAME and the template are not of one head; of which file that is said depends."""
    model, obj = (find(file, assets) for file in FLAME_AND_TEMPLATE)
    if file not in FLAME_AND_TEMPLATE or model is None or obj is None:
        return
    try:
        flame, template = read_pickle(model), read_template(obj)
        vertices, triangles = np.asarray(flame["v_template"], np.float64), np.shape(flame["f"])
    except (UnveilError, KeyError):
        return  # which the other file's own line says
    if path == obj and template.faces.shape != triangles:
        raise UnveilError(f"has {len(template.faces)} triangles and {printable(model)} {triangles[0]}: it is cut short")
    if path == model:
        _require_flame_2020(vertices, template.vertices)


def _require_flame_2020(vertices: NDArray[np.float64], template: NDArray[np.float64]) -> None:
    """Raise UnveilError where the model's vertices [V, 3] are not those that head_template.obj was made for."""
    if template.shape != vertices.shape:
        raise UnveilError(f"has {len(vertices)} vertices and head_template.obj {len(template)}")
    if len(vertices) < FLAME_EYEBALLS.stop:
        return
    distance = np.linalg.norm(vertices - template, axis=1)  # [V] metres
    face, eyes = np.median(distance[: FLAME_EYEBALLS.start]), np.median(distance[FLAME_EYEBALLS])
    if face < SAME_FACE and eyes > OTHER_EYES:
        raise UnveilError("has the eyes of FLAME 2023, but FLAME 2020 is needed")
