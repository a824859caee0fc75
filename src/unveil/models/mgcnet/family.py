"""The family of MGCNet: its network on the Basel Face Model with colours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from unveil.assets.store import locate
from unveil.errors import UnveilError
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder
from unveil.models.family import CONVERTING, Family
from unveil.models.inspection import Inspection
from unveil.models.mgcnet import files, head
from unveil.storage.outputs import result_file


class Mgcnet(Family):
    """MGCNet on the Basel Face Model."""

    name = files.NAME
    networks = ("mgcnet",)
    layouts = (head.LAYOUT,)
    files = files.FILES

    def open_encoder(self, network: str = "mgcnet", assets: Path | None = None) -> Encoder:
        """MGCNet's network, in torch."""
        weights = locate(files.WEIGHTS, assets)
        try:
            from unveil.models.mgcnet.torch import TorchMgcnet
        except ImportError as error:
            raise UnveilError("MGCNet needs torch and safetensors: pip install 'unveil[train]'") from error
        return TorchMgcnet(weights)

    def load_head(self, assets: Path | None = None) -> MorphableModel:
        """The Basel Face Model as MGCNet uses it."""
        return head.load(*self.head_files(assets))

    def head_files(self, assets: Path | None = None) -> tuple[Path, ...]:
        """The converted face model."""
        return (locate(files.MODEL, assets),)

    def inspections(self, assets: Path | None = None) -> Mapping[str, Inspection]:
        """By what reads each file."""
        from unveil.models.mgcnet.check import inspections

        return inspections()

    def convert(self, assets: Path | None = None, *, force: bool = False) -> Iterator[Path]:
        """The network and the face model as files that are read without TensorFlow and h5py; needs both once."""
        checkpoint, face = locate(files.CHECKPOINT, assets), locate(files.PUBLISHED_MODEL, assets)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr
        try:
            from unveil.models.mgcnet.convert import convert_checkpoint, convert_face
        except ImportError as error:
            raise UnveilError(
                "converting MGCNet needs TensorFlow, h5py and safetensors: pip install 'unveil[mgcnet]'"
            ) from error
        weights, npz = checkpoint.with_name(files.WEIGHTS.name), face.with_name(files.MODEL.name)
        with result_file(weights, CONVERTING, force=force) as path:
            convert_checkpoint(checkpoint, path)
        yield weights
        with result_file(npz, CONVERTING, force=force) as path:
            convert_face(face, path)
        yield npz
