"""The head model that coefficients belong to, found by the name of their layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unveil.assets.store import find, locate, packaged
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.models.deca import head as flame
from unveil.models.encoder import Encoder
from unveil.models.mgcnet import head as bfm09
from unveil.models.openhead import head as openhead
from unveil.models.tddfa import head as bfm
from unveil.storage.files import printable

LAYOUTS = {  # with the name of their head model
    openhead.GEOMETRY_LAYOUT: "openhead",
    openhead.LAYOUT: "openhead",
    flame.LAYOUT: "deca",
    flame.DETAIL_LAYOUT: "deca",
    bfm.LAYOUT: "3ddfa",
    bfm09.LAYOUT: "mgcnet",
}


def head_name(layout: CoefficientLayout) -> str:
    """Name of the head model, such as ``openhead``; UnveilError where no head model has these coefficients."""
    if layout not in LAYOUTS:
        known = ", ".join(str(known) for known in LAYOUTS)
        raise UnveilError(f"there is no head model for coefficients of layout {layout}; known are {known}")
    return LAYOUTS[layout]


def load_head(layout: CoefficientLayout, assets: Path | None = None) -> MorphableModel:
    """The head model of a layout; its own layout may have fewer groups (see `unveil.codes.decode.narrow`).

    Raises:
        UnveilError: there is no such head model, or a file of it is missing or wrong.
    """
    name = head_name(layout)
    files = head_files(name, assets)
    if name == "deca":
        return flame.load(flame.FlameFiles(*files))
    if name == "3ddfa":
        return bfm.load(bfm.BfmFiles(*files))
    if name == "mgcnet":
        return bfm09.load(*files)
    return openhead.load(packaged("openhead.npz"))


def head_files(name: str, assets: Path | None = None) -> tuple[Path, ...]:
    """The user's files that a head model is read from, none for openhead; UnveilError where one is missing."""
    if name == "deca":
        return tuple(locate(name, file, assets) for file in flame.FILE_NAMES)
    if name == "3ddfa":
        slim = find(name, bfm.SLIM_FILE, assets)
        if slim is not None and find(name, bfm.FILE_NAMES[0], assets) is None:
            return (slim,)
        return tuple(locate(name, file, assets) for file in bfm.FILE_NAMES)
    if name == "mgcnet":
        return (locate(name, bfm09.FILE_NAME, assets),)
    return ()


def head_of(learner: Encoder, assets: Path | None) -> MorphableModel:
    """The head model whose coefficients the learner gives."""
    try:
        head_name(learner.layout)
    except UnveilError as error:
        raise UnveilError(f"{printable(learner.path)} cannot be used: {error}") from error
    # What the layout has besides the head's own is not geometry: skin, light, detail.
    return replace(load_head(learner.layout, assets), layout=learner.layout)
