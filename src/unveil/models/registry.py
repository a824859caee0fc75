"""From the name or the path of a model to what runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.deca.onnx import DecaModel
from unveil.models.encoder import Encoder
from unveil.models.onnx import CoefficientModel
from unveil.models.tddfa.onnx import NETWORKS, open_tddfa


def _only_in_torch(assets: Path | None) -> Encoder:
    raise UnveilError("mgcnet runs in torch alone: give the network, models.mgcnet.torch.MgcnetTeacher, as the model")


LEARNERS = {"openhead": "openhead_learner.onnx"}  # names of packaged learners


RESEARCH_MODELS: Mapping[str, Callable[[Path | None], Encoder]] = {  # what opens them without torch
    "deca": DecaModel,
    **{name: partial(open_tddfa, name) for name in NETWORKS},
    "mgcnet": _only_in_torch,
}


def learner_path(model: str | Path) -> Path:
    """The ONNX file of a packaged learner's name, or the path given; UnveilError where it is neither."""
    if model in LEARNERS:
        return packaged(LEARNERS[str(model)])
    path = Path(model)
    if path.suffix.lower() != ".onnx":
        known = ", ".join((*LEARNERS, *RESEARCH_MODELS))
        raise UnveilError(f"unknown model {str(model)!r}: choose {known} or give the path of an .onnx file")
    return path


def open_learner(model: str | Path, assets: Path | None = None) -> Encoder:
    """The network called ``model``, a name or the path of an ONNX file; UnveilError where there is none."""
    if model in RESEARCH_MODELS:
        return RESEARCH_MODELS[str(model)](assets)
    return CoefficientModel(learner_path(model))
