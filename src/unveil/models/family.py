"""A family of models as the rest of the package sees it: its names, its files, and how they are opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from unveil.assets.model_file import ModelFile
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder
from unveil.models.inspection import Inspection
from unveil.models.skin import Displacement, SkinModel
from unveil.models.variation import ShapeVariation

CONVERTING = "assets convert"  # the command, for the log of a folder


class Family(ABC):
    """Everything that is particular to one family of models.

    Each family's folder has one subclass, in its ``family.py``, and `unveil.models.registry` one line. What is slow to
    import, and all of torch, is imported by the methods that need it.

    Attributes:
        name: of the family and its head model, as it stands in codes files; also of its folder of files.
        networks: names that users give to what they want to run.
        layouts: of coefficients that the head model takes; some have further groups, which are not geometry.
        files: what users bring.
        box_margin: side of the crop in mean sides of a face box that a benchmark hands out, where the family's authors
            cut faces out by such boxes alone.
    """

    name: ClassVar[str]
    networks: ClassVar[tuple[str, ...]]
    layouts: ClassVar[tuple[CoefficientLayout, ...]]
    files: ClassVar[tuple[ModelFile, ...]] = ()
    box_margin: ClassVar[float | None] = None

    @abstractmethod
    def open_encoder(self, network: str, assets: Path | None = None) -> Encoder:
        """The network of that name, as an ONNX file where it lies as such, else in torch.

        Raises:
            UnveilError: a file or torch is missing, or a file is not what it should be.
        """

    @abstractmethod
    def load_head(self, assets: Path | None = None) -> MorphableModel:
        """The head model, with the family's smallest layout; UnveilError where a file is missing or wrong."""

    def head_files(self, assets: Path | None = None) -> tuple[Path, ...]:
        """The user's files that `load_head` reads; UnveilError where one is missing."""
        return ()

    def load_landmarks(self, folder: Path) -> MorphableModel:
        """The 68 landmarks of the head model alone, for want of its licensed file.

        Raises:
            UnveilError: this family has no such files, or one is missing or wrong.
        """
        raise UnveilError(f"{self.name} has no files of its landmarks alone: give its head model's")

    def open_skin(self, encoder: Encoder, model: MorphableModel, assets: Path | None = None) -> SkinModel:
        """The skin by this family's coefficients, where its encoder and the user's files know it.

        Raises:
            UnveilError: a file that the encoder's details need is missing, or a file is damaged.
        """
        return SkinModel(files=self.head_files(assets))

    def shape_variation(self) -> ShapeVariation | None:
        """The variation of the shapes that the family's learner predicts; None where it is not known."""
        return None

    def open_displacement(self, layout: CoefficientLayout, assets: Path | None = None) -> Displacement | None:
        """The decoder of displacement maps from coefficients of a layout, with their fixed part; None: there are none.

        Raises:
            UnveilError: a file that it needs is missing or wrong.
        """
        return None

    def inspections(self, assets: Path | None = None) -> Mapping[str, Inspection]:
        """How each of `files` is inspected, by its name."""
        return {}

    def convert(self, assets: Path | None = None, *, force: bool = False) -> Iterator[Path]:
        """Write the files in the form that unveil reads, beside the published ones, and yield their paths.

        Raises:
            UnveilError: there is nothing to convert, a file or what reads it is missing, or nothing can be written,
                perhaps because something else has a file's name, which only ``force`` replaces.
        """
        raise UnveilError(f"there is nothing to convert for {self.name!r}")
