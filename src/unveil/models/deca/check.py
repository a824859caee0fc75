"""How each file of DECA and FLAME is inspected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from unveil.assets.model_file import ModelFile
from unveil.assets.store import find
from unveil.assets.torch_file import checkpoint_keys
from unveil.errors import UnveilError
from unveil.models.deca import albedo_file, detail, files, head
from unveil.models.deca.onnx import DetailModel
from unveil.models.deca.template import read_template
from unveil.models.inspection import Inspection
from unveil.models.onnx import CoefficientModel

T = TypeVar("T")

FLAME_EYEBALLS = slice(3931, 5023)  # the last vertices of FLAME's mesh
# FLAME 2023 has FLAME 2020's arrays, shapes and face, and other eyes: so says its publisher. These bounds are chosen,
# not measured.
SAME_FACE, OTHER_EYES = 1e-4, 5e-4  # metres between the model and head_template.obj, median of the vertices


def inspections(assets: Path | None) -> Mapping[str, Inspection]:
    """How a file is inspected, by its name; some are compared with others of them."""
    return {
        files.MODEL.name: Inspection(partial(_model, assets=assets)),
        files.CHECKPOINT.name: Inspection(_networks, _names_of_networks),
        files.LANDMARKS.name: Inspection(partial(_landmarks, assets=assets)),
        files.TEMPLATE.name: Inspection(partial(_template, assets=assets)),
        files.FIXED_DISPLACEMENT.name: Inspection(detail.read_fixed_displacement),
        files.DETAIL_MASK.name: Inspection(detail.read_mask),
        files.FACE_MASK.name: Inspection(detail.read_mask),
        files.DENSE_MESH.name: Inspection(partial(_dense_mesh, assets=assets)),
        files.ALBEDO_FROM_BFM.name: Inspection(partial(albedo_file.load, forms=albedo_file.FORMATS[:1])),
        files.ALBEDO.name: Inspection(partial(albedo_file.load, forms=albedo_file.FORMATS[1:])),
        files.ENCODERS.name: Inspection(partial(CoefficientModel, threads=1)),
        files.DETAIL_DECODER.name: Inspection(partial(DetailModel, threads=1)),
    }


def _networks(path: Path) -> None:
    from unveil.models.deca.torch import load_networks

    load_networks(path)


def _names_of_networks(path: Path) -> None:
    keys = checkpoint_keys(path)
    if absent := [part for part in files.NETWORKS if part not in keys]:
        raise UnveilError(f"has no {', '.join(absent)}; it holds {', '.join(keys[:8]) or 'nothing'}")


def _model(path: Path, assets: Path | None) -> None:
    """The template, where it is there, shows of which year the model is."""
    vertices = np.asarray(head.read_model(path)["v_template"], np.float64)
    template = _other(files.TEMPLATE, read_template, assets)
    if template is None:
        return
    if template.vertices.shape != vertices.shape:
        raise UnveilError(f"has {len(vertices)} vertices and {files.TEMPLATE.name} {len(template.vertices)}")
    if len(vertices) < FLAME_EYEBALLS.stop:
        return
    distance = np.linalg.norm(vertices - template.vertices, axis=1)  # [V] metres
    face, eyes = np.median(distance[: FLAME_EYEBALLS.start]), np.median(distance[FLAME_EYEBALLS])
    if face < SAME_FACE and eyes > OTHER_EYES:
        raise UnveilError("has the eyes of FLAME 2023, but FLAME 2020 is needed")


def _template(path: Path, assets: Path | None) -> None:
    template, model = read_template(path), _other(files.MODEL, head.read_model, assets)
    if model is not None and template.faces.shape != model["f"].shape:
        count = len(model["f"])
        raise UnveilError(f"has {len(template.faces)} triangles and {files.MODEL.name} {count}: it is cut short")


def _landmarks(path: Path, assets: Path | None) -> None:
    """Whether they are of this head, where it is there; else it is taken to have every triangle."""
    model = _other(files.MODEL, head.read_model, assets)
    endless = np.broadcast_to(np.zeros(3, np.int64), (2**31, 3))
    head.read_landmarks(path, endless if model is None else np.asarray(model["f"], np.int64))


def _dense_mesh(path: Path, assets: Path | None) -> None:
    model = _other(files.MODEL, head.read_model, assets)
    detail.read_dense_mesh(path, 2**31 if model is None else len(model["v_template"]))


def _other(file: ModelFile, read: Callable[[Path], T], assets: Path | None) -> T | None:
    """The content of another of the files; None where it is missing or wrong, which its own line says."""
    path = find(file, assets)
    try:
        return None if path is None else read(path)
    except UnveilError:
        return None
