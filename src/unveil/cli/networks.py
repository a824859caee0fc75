"""From the name of a model to what runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unveil.errors import UnveilError

if TYPE_CHECKING:
    from unveil.codes.decode import Displacement
    from unveil.heads.layout import CoefficientLayout
    from unveil.models.encoder import DetailEncoder, Encoder
    from unveil.reconstruct.pipeline import Reconstructor


def open_reconstructor(model: str, assets: Path | None) -> Reconstructor:
    """A reconstructor with the network of a model."""
    from unveil.reconstruct import pipeline

    return pipeline.Reconstructor(open_encoder(model, assets), assets=assets)


def open_encoder(model: str, assets: Path | None) -> Encoder:
    """The network of a model: openhead, a research model, or the path of an ONNX learner."""
    from unveil.models.registry import open_learner
    from unveil.models.tddfa.onnx import NETWORKS

    if model in NETWORKS:
        return open_tddfa(model, assets)
    if model == "mgcnet":
        return open_mgcnet(assets)
    return open_deca(assets) if model == "deca" else open_learner(model)


def open_deca(assets: Path | None) -> DetailEncoder:
    """DECA's networks: the ONNX files where they lie beside the checkpoint or without one, else in torch."""
    from unveil.assets.store import find, locate
    from unveil.models.deca.onnx import DecaModel

    checkpoint, converted = (find("deca", name, assets) for name in ("deca_model.tar", "deca_encoders.onnx"))
    if converted and checkpoint in {None, converted.with_name("deca_model.tar")}:
        return DecaModel(assets)
    checkpoint = locate("deca", "deca_model.tar", assets)
    try:
        from unveil.models.deca.torch import DecaTeacher
    except ImportError as error:
        raise UnveilError(
            "DECA needs torch, or ONNX files made with it: "
            "install unveil[train], or run `unveil assets convert deca` where torch is installed"
        ) from error
    return DecaTeacher(checkpoint)


def open_tddfa(model: str, assets: Path | None) -> Encoder:
    """The best network of 3DDFA_V2 that is there, as an ONNX file where it lies as such, else in torch."""
    from unveil.models.tddfa.onnx import TddfaModel, network_files

    path, statistics = network_files(model, ("onnx", "pth"), assets)
    if path.suffix == ".onnx":
        return TddfaModel(path, statistics)
    try:
        from unveil.models.tddfa.torch import TddfaTeacher
    except ImportError as error:
        raise UnveilError(
            f"{path.name} needs torch, or an ONNX file made with it: "
            "install unveil[train], or run `unveil assets convert 3ddfa` where torch is installed"
        ) from error
    return TddfaTeacher(path, statistics)


def open_mgcnet(assets: Path | None) -> Encoder:
    """MGCNet's network, in torch."""
    from unveil.assets.store import locate

    weights = locate("mgcnet", "mgcnet.safetensors", assets)
    try:
        from unveil.models.mgcnet.torch import MgcnetTeacher
    except ImportError as error:
        raise UnveilError("MGCNet needs torch and safetensors: install unveil[train]") from error
    return MgcnetTeacher(weights)


def open_displacement(layout: CoefficientLayout, assets: Path | None) -> Displacement | None:
    """What gives the displacement maps of coefficients of a layout, where they have any."""
    from unveil.assets.store import locate
    from unveil.models.deca.detail_files import read_fixed_displacement

    if "detail" not in {group.name for group in layout.groups}:
        return None
    fixed = read_fixed_displacement(locate("deca", "fixed_displacement_256.npy", assets))
    encoder = open_deca(assets)
    return lambda coefficients: encoder.displacement(coefficients) + fixed
