"""The family of DECA: FLAME's head, DECA's networks, and the skin that they predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from unveil.assets.store import find, locate
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.models.deca import files, head
from unveil.models.encoder import Encoder
from unveil.models.family import CONVERTING, Family
from unveil.models.inspection import Inspection
from unveil.models.skin import Displacement, SkinModel
from unveil.storage.outputs import result_files

if TYPE_CHECKING:
    from unveil.models.deca.detail import DecaEncoder


class Deca(Family):
    """DECA on FLAME."""

    name = files.NAME
    networks = ("deca",)
    layouts = (head.LAYOUT, head.DETAIL_LAYOUT)
    files = files.FILES
    box_margin = 1.6  # in DECA's own run on NoW

    def open_encoder(self, network: str = "deca", assets: Path | None = None) -> DecaEncoder:
        """DECA's networks: the ONNX files where they lie beside the checkpoint or without one, else in torch."""
        checkpoint, converted = find(files.CHECKPOINT, assets), find(files.ENCODERS, assets)
        if converted and checkpoint in {None, converted.with_name(files.CHECKPOINT.name)}:
            from unveil.models.deca.onnx import DecaModel

            return DecaModel(assets)
        checkpoint = locate(files.CHECKPOINT, assets)
        try:
            from unveil.models.deca.torch import TorchDeca
        except ImportError as error:
            raise UnveilError(
                "DECA needs torch, or ONNX files made with it: "
                "pip install 'unveil[train]', or run `unveil assets convert deca` where torch is installed"
            ) from error
        return TorchDeca(checkpoint)

    def load_head(self, assets: Path | None = None) -> MorphableModel:
        """FLAME as DECA uses it."""
        return head.load(head.FlameFiles(*self.head_files(assets)))

    def head_files(self, assets: Path | None = None) -> tuple[Path, ...]:
        """The files that give FLAME's geometry."""
        return tuple(locate(file, assets) for file in files.GEOMETRY)

    def open_skin(self, encoder: Encoder, model: MorphableModel, assets: Path | None = None) -> SkinModel:
        """Wrinkles where the encoder is one of DECA's own, and colours where an albedo space is there."""
        from unveil.models.deca.detail import open_skin

        return open_skin(encoder, model, self.head_files(assets), assets)

    def open_displacement(self, layout: CoefficientLayout, assets: Path | None = None) -> Displacement | None:
        """DECA's detail decoder for coefficients with a code of the details."""
        from unveil.models.deca.detail import read_fixed_displacement

        if layout != head.DETAIL_LAYOUT:
            return None
        fixed = read_fixed_displacement(locate(files.FIXED_DISPLACEMENT, assets))
        encoder = self.open_encoder(assets=assets)
        return lambda coefficients: encoder.displacement(coefficients) + fixed

    def inspections(self, assets: Path | None = None) -> Mapping[str, Inspection]:
        """By what reads each file."""
        from unveil.models.deca.check import inspections

        return inspections(assets)

    def convert(self, assets: Path | None = None, *, force: bool = False) -> Iterator[Path]:
        """The networks as ONNX files; needs torch once."""
        checkpoint = locate(files.CHECKPOINT, assets)
        try:
            from unveil.models.deca.convert import export_deca
        except ImportError as error:
            raise UnveilError("converting DECA needs torch: pip install 'unveil[train]'") from error
        folder, names = checkpoint.parent, [files.ENCODERS.name, files.DETAIL_DECODER.name]
        with result_files(folder, names, CONVERTING, force=force) as part:
            export_deca(checkpoint, part)
        yield from (folder / name for name in names)
