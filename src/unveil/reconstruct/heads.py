"""The head model that coefficients belong to, found by the name of their layout."""

from __future__ import annotations

from pathlib import Path

from unveil.assets.store import locate, packaged
from unveil.errors import UnveilError
from unveil.morphable import flame, openhead
from unveil.morphable.layout import CoefficientLayout
from unveil.morphable.model import MorphableModel

LAYOUTS = {  # with the name of their head model
    openhead.GEOMETRY_LAYOUT: "openhead",
    openhead.LAYOUT: "openhead",
    flame.LAYOUT: "deca",
    flame.DETAIL_LAYOUT: "deca",
}


def head_name(layout: CoefficientLayout) -> str:
    """Name of the head model, ``openhead`` or ``deca``; UnveilError where no head model has these coefficients."""
    if layout not in LAYOUTS:
        known = ", ".join(str(known) for known in LAYOUTS)
        raise UnveilError(f"there is no head model for coefficients of layout {layout}; known are {known}")
    return LAYOUTS[layout]


def load_head(layout: CoefficientLayout, assets: Path | None = None) -> MorphableModel:
    """The head model of a layout; its own layout may have fewer groups (see `unveil.reconstruct.decode.narrow`).

    Raises:
        UnveilError: there is no such head model, or a file of it is missing or wrong.
    """
    if head_name(layout) == "deca":
        return flame.load(flame_files(assets))
    return openhead.load(packaged("openhead.npz"))


def flame_files(assets: Path | None = None) -> flame.FlameFiles:
    """FLAME's files, wherever the search folders have them; UnveilError where one is missing."""
    return flame.FlameFiles(*(locate("deca", name, assets) for name in flame.FILE_NAMES))
