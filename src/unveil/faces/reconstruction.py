"""The result of a reconstruction: one object per face, which draws and saves itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unveil.errors import UnveilError
from unveil.faces.face import ReconstructedFace
from unveil.faces.formats import ALL_FORMATS, FORMATS, NUMBERS, OVERLAY
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairCap
from unveil.processes import begun, numpy_on_one_thread
from unveil.storage.files import printable
from unveil.typing import Image, UInt8s

if TYPE_CHECKING:
    # at run time only in the functions that need them, because they are slow to import
    from unveil.appearance.colours import HeadColours
    from unveil.appearance.hair.surroundings import Surroundings
    from unveil.appearance.hair.worn import HairForm

GREY = 200  # of 255, of a head without a photograph
PLAIN_SIZE = 16  # texels a side of its texture


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction(ReconstructedFace):
    """A reconstructed face with its photograph and its head model. It draws and saves itself.

    What is known about the face is in the attributes of `ReconstructedFace`. The photograph is not copied.
    """

    morphable: MorphableModel = field(kw_only=True)  # the head model of the coefficients
    photograph: Image | None = field(default=None, kw_only=True)  # [H, W, 3] RGB; None for landmarks without one
    bald: bool = field(default=False, kw_only=True)  # without hair, even where the photograph shows it
    name: str = field(default="face_0", kw_only=True)  # what its files are called in a folder

    def __repr__(self) -> str:
        pitch, yaw, roll = map(round, self.pose_degrees)
        hidden = "" if self.hidden_share is None else f", hidden_share={self.hidden_share:.2f}"
        return (
            f"Reconstruction({self.name!r}, model={self.model!r}, vertices={len(self.vertices)}, "
            f"pose_degrees=({pitch}, {yaw}, {roll}){hidden})"
        )

    def texture(self, *, lit: bool = True) -> UInt8s:
        """The colours of the head, RGB uint8: a texture [S, S, 3], or [V, 3] of vertices where the model has none.

        They come from the photograph, and are completed where it does not show the head. They are computed only once.

        Args:
            lit: True for colours in the light of the photograph, False for the albedo, to be lit again. Both are the
                same for a model that does not know what skin looks like.
        """
        return self._colours.lit if lit else self._colours.albedo

    @numpy_on_one_thread
    def overlay(self) -> Image:
        """A picture for checking the reconstruction, RGB uint8 [480, 1920 or 2400, 3]; see `overlay.draw_overlay`."""
        from unveil.faces.overlay import draw_overlay

        return draw_overlay(self.picture, self, self.wearing, self.texture(), self._colours.deviation)

    def save(self, path: str | os.PathLike[str], *, lit: bool = False) -> list[Path]:
        """Write the head in the format that the suffix names, and return the files written.

        Args:
            path: ``.glb`` for the textured, animatable head; ``.obj`` (with ``.mtl`` and ``.jpg``) or ``.ply`` for the
                mesh as the photograph shows it; ``.npz`` for all arrays; ``.json`` for the numbers of `to_json`. A
                folder, or a name without a suffix, gets all formats and the overlay, named after the photograph.
            lit: keep the light of the photograph in a GLB. Otherwise it is taken off, because viewers light the head.

        Raises:
            UnveilError: another suffix, or a file cannot be written.
        """
        folder = os.fspath(path).endswith(("/", os.sep))
        path = Path(path)
        kind = path.suffix[1:].lower()
        if folder or path.is_dir() or not kind:
            stem, kinds = path / self.name, (*(FORMATS if self.detail is None else ALL_FORMATS), OVERLAY, NUMBERS)
        elif kind in (*FORMATS, NUMBERS):
            stem, kinds = path.with_suffix(""), (kind,)
        else:
            known = ", ".join(f".{known}" for known in (*FORMATS, NUMBERS))
            raise UnveilError(
                f"cannot save a head as {printable(path.name)}: end the name in {known}, or name a folder"
            )
        return [stem.with_name(name) for kind in kinds for name in self.write(stem, kind, lit=lit).values()]

    @numpy_on_one_thread
    def write(self, stem: Path, kind: str, *, lit: bool = False) -> dict[str, str]:
        """Write the files of one kind (a format, "overlay" or "json") and return their names by kind.

        Args:
            stem: path of the files without their endings.
            kind: see `files.write_kind`.
            lit: see `save`.
        """
        from unveil.faces.files import write_kind

        colours = self._colours
        if lit and kind == "glb":
            colours = replace(colours, albedo=colours.lit)
        return write_kind(stem, kind, self.picture, self, self.wearing, colours)

    def _repr_png_(self) -> bytes:
        """The picture in a notebook: the overlay."""
        from unveil.meshes.image_bytes import png

        return png(self.overlay())

    @cached_property
    @numpy_on_one_thread
    def hair(self) -> HairCap | None:
        """The hair that the photograph shows, for a head model that can wear it and a learner with a class map."""
        form = self._hair_form
        return None if form is None else form.painted(self.morphable)

    @cached_property
    def _surroundings(self) -> Surroundings | None:
        from unveil.faces.hair import face_surroundings

        return None if self.photograph is None else face_surroundings(self.photograph, self, self.morphable)

    @cached_property
    def _hair_form(self) -> HairForm | None:
        from unveil.faces.hair import face_hair

        surroundings = None if self.bald else self._surroundings
        return None if surroundings is None else face_hair(surroundings, self.morphable)

    @cached_property
    def wearing(self) -> MorphableModel:
        """The head model with this person's hair and folds, as files and pictures show it."""
        model = self.morphable if self.hair is None else replace(self.morphable, hair=self.hair)
        if self.detail is None or self.detail.moving is None:
            return model
        from unveil.faces.wrinkled import folding

        return folding(model, self.detail.moving)

    def to_json(self) -> dict[str, Any]:
        """As `ReconstructedFace.to_json`, with its hair, and with the matrices from head to photograph and overlay."""
        from unveil.faces.camera import head_to_image
        from unveil.faces.hair import hair_numbers
        from unveil.faces.overlay import framing

        matrices = {
            "head_to_image": head_to_image(self.coefficients, self.morphable, self.crop),
            "image_to_overlay": framing(self.projected),
        }
        places = {name: matrix.round(4).tolist() for name, matrix in matrices.items()}
        return super().to_json() | {"hair": hair_numbers(self, self.hair)} | places

    @cached_property
    @numpy_on_one_thread
    def _colours(self) -> HeadColours:
        from unveil.appearance.colours import HeadColours
        from unveil.faces.files import face_colours

        if self.photograph is None:
            return HeadColours.alike(plain_colours(self.morphable))
        surroundings = self._surroundings
        form = begun(lambda: self._hair_form)
        hair = begun(lambda: form() and self.hair)  # painted while the skin's colours are found
        colours = face_colours(self.photograph, self, self.morphable, surroundings, form)
        hair()
        return colours

    @property
    def picture(self) -> Image:
        """The photograph; without one, white paper as large as the head needs."""
        if self.photograph is not None:
            return self.photograph
        width, height = np.maximum(np.ceil(self.projected[:, :2].max(axis=0)), 1).astype(int)
        return np.full((height, width, 3), 255, np.uint8)


def plain_colours(model: MorphableModel) -> UInt8s:
    """Grey for a head without a photograph: a texture [S, S, 3], or [V, 3] of vertices where the model has none."""
    shape = (PLAIN_SIZE, PLAIN_SIZE) if model.textured else (len(model.head.template),)
    return np.full((*shape, 3), GREY, np.uint8)
