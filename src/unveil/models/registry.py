"""The model families, and what is found by a name, a path or a layout among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.models.deca.family import Deca
from unveil.models.encoder import Encoder
from unveil.models.family import Family
from unveil.models.mgcnet.family import Mgcnet
from unveil.models.openhead.family import Openhead
from unveil.models.skin import SkinModel
from unveil.models.tddfa.family import Tddfa
from unveil.storage.files import printable

FAMILIES: dict[str, Family] = {family.name: family for family in (Openhead(), Deca(), Tddfa(), Mgcnet())}

NETWORKS = {network: family for family in FAMILIES.values() for network in family.networks}  # by the names users give
LAYOUTS = {layout: family for family in FAMILIES.values() for layout in family.layouts}
RESEARCH = {name: family for name, family in FAMILIES.items() if family.files}  # whose files users bring


def open_encoder(model: str | Path, assets: Path | None = None) -> Encoder:
    """The network called ``model``, one of `NETWORKS` or the path of a learner's ONNX file.

    Args:
        assets: folder with the files of a model that the user brings; `assets.store.search_folders` lists others.

    Raises:
        UnveilError: there is no such network, or a file or what runs it is missing or wrong.
    """
    if (family := NETWORKS.get(str(model))) is not None:
        return family.open_encoder(str(model), assets)
    path = Path(model)
    if path.suffix.lower() != ".onnx":
        raise UnveilError(
            f"unknown model {str(model)!r}: choose {', '.join(NETWORKS)} or give the path of an .onnx file"
        )
    from unveil.models.onnx import CoefficientModel

    return CoefficientModel(path)


def family_of(layout: CoefficientLayout) -> Family:
    """The family whose head model takes coefficients of a layout; UnveilError where there is none."""
    if layout not in LAYOUTS:
        known = ", ".join(str(known) for known in LAYOUTS)
        raise UnveilError(f"there is no head model for coefficients of layout {layout}; known are {known}")
    return LAYOUTS[layout]


def research_family(name: str) -> Family:
    """The family of that name whose files users bring; UnveilError, naming the families, where there is none."""
    if name not in RESEARCH:
        raise UnveilError(f"unknown model {name!r}: choose from {', '.join(RESEARCH)}")
    return RESEARCH[name]


def load_head(layout: CoefficientLayout, assets: Path | None = None) -> MorphableModel:
    """The head model of a layout; its own layout may have fewer groups (see `unveil.codes.decode.narrow`).

    Raises:
        UnveilError: there is no such head model, or a file of it is missing or wrong.
    """
    return family_of(layout).load_head(assets)


def head_of(encoder: Encoder, assets: Path | None = None) -> MorphableModel:
    """The head model whose coefficients the encoder gives, with the encoder's layout; errors as `load_head`."""
    try:
        family = family_of(encoder.layout)
    except UnveilError as error:
        raise UnveilError(f"{printable(encoder.path)} cannot be used: {error}") from error
    # What the layout has besides the head's own is not geometry: skin, light, detail.
    model = family.load_head(assets).with_layout(encoder.layout)
    count = len(model.head.template)
    if np.ndim(encoder.vertex_scale) and np.shape(encoder.vertex_scale) != (2, count):
        stated = f"a vertex_scale for {np.size(encoder.vertex_scale) // 2} vertices, but its head has {count}"
        raise UnveilError(f"{printable(encoder.path)} has {stated}: export it again")
    return model


def open_skin(encoder: Encoder, model: MorphableModel, assets: Path | None = None) -> SkinModel:
    """The skin by an encoder and the user's files; errors as `Family.open_skin`."""
    return family_of(encoder.layout).open_skin(encoder, model, assets)
