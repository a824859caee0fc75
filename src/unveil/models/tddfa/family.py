"""The family of 3DDFA_V2: its two networks on the Basel Face Model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from unveil.assets.store import find, locate
from unveil.errors import UnveilError
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder
from unveil.models.family import CONVERTING, Family
from unveil.models.inspection import Inspection
from unveil.models.tddfa import files, head
from unveil.storage.outputs import result_file

# The files of the networks that a name allows, the more accurate first, each as ONNX and as a checkpoint.
FULL, HALF = (files.FULL_ONNX, files.FULL_CHECKPOINT), (files.HALF_ONNX, files.HALF_CHECKPOINT)
NETWORKS = {"3ddfa": (*FULL, *HALF), "3ddfa-mb1": FULL, "3ddfa-mb05": HALF}


class Tddfa(Family):
    """3DDFA_V2 on the Basel Face Model."""

    name = files.NAME
    networks = tuple(NETWORKS)
    layouts = (head.LAYOUT,)
    files = files.FILES

    def open_encoder(self, network: str = "3ddfa", assets: Path | None = None) -> Encoder:
        """The best network of that name that is there, as an ONNX file where it lies as such, else in torch."""
        allowed = NETWORKS[network]
        path = next((path for path in (find(file, assets) for file in allowed) if path), None)
        path, statistics = path or locate(allowed[-1], assets), locate(files.STATISTICS, assets)
        if path.suffix == ".onnx":
            from unveil.models.tddfa.onnx import TddfaModel

            return TddfaModel(path, statistics)
        try:
            from unveil.models.tddfa.torch import TorchTddfa
        except ImportError as error:
            raise UnveilError(
                f"{path.name} needs torch, or an ONNX file made with it: "
                "pip install 'unveil[train]', or run `unveil assets convert 3ddfa` where torch is installed"
            ) from error
        return TorchTddfa(path, statistics)

    def load_head(self, assets: Path | None = None) -> MorphableModel:
        """The Basel Face Model without ears and neck."""
        return head.load(head.BfmFiles(*self.head_files(assets)))

    def head_files(self, assets: Path | None = None) -> tuple[Path, ...]:
        """The model and its triangles, or the slim model where only that is there."""
        slim = find(files.SLIM_MODEL, assets)
        if slim is not None and find(files.MODEL, assets) is None:
            return (slim,)
        return locate(files.MODEL, assets), locate(files.TRIANGLES, assets)

    def load_landmarks(self, folder: Path) -> MorphableModel:
        """The rows of the landmarks, as 3DDFA has them as text."""
        return head.load_landmarks(folder)

    def inspections(self, assets: Path | None = None) -> Mapping[str, Inspection]:
        """By what reads each file."""
        from unveil.models.tddfa.check import inspections

        return inspections()

    def convert(self, assets: Path | None = None, *, force: bool = False) -> Iterator[Path]:
        """The networks that are there as ONNX files; needs torch once."""
        found = [find(file, assets) for file in (files.FULL_CHECKPOINT, files.HALF_CHECKPOINT)]
        checkpoints = [path for path in found if path] or [locate(files.HALF_CHECKPOINT, assets)]
        try:
            from unveil.models.tddfa.convert import export_tddfa
        except ImportError as error:
            raise UnveilError("converting 3DDFA_V2 needs torch: pip install 'unveil[train]'") from error
        for checkpoint in checkpoints:
            target = checkpoint.with_suffix(".onnx")
            with result_file(target, CONVERTING, force=force) as path:
                export_tddfa(checkpoint, path)
            yield target
