"""Heads in a notebook: the self-contained page of `unveil view`, in a frame."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from unveil.faces.overlay import in_panel
from unveil.faces.reconstruction import Reconstruction
from unveil.meshes.image_bytes import jpeg
from unveil.web.page import page_of
from unveil.web.results import FACTS, ShownHead

HEIGHT = 720  # pixels


@dataclass(frozen=True, eq=False)
class NotebookPage:
    """A page that a notebook shows when it is the last value of a cell."""

    page: str  # HTML
    height: int  # pixels

    def __repr__(self) -> str:
        return f"NotebookPage({len(self.page) / 1e6:.1f} MB)"

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{self.height}px;border:0"
        return f'<iframe title="Heads in 3D" style="{style}" srcdoc="{escape(self.page)}"></iframe>'


def show(*faces: Reconstruction, height: int = HEIGHT) -> NotebookPage:
    """Show faces in a notebook as heads that can be turned, animated and compared.

    The page is kept in the notebook with the cell, 3 to 4 MB for the first head and 2 for each other one.

    Args:
        faces: the heads; two are shown beside each other.
        height: of the page in pixels.

    Raises:
        TypeError: there is no face, or an argument is something else, such as a list of faces.
    """
    if not faces or not all(isinstance(face, Reconstruction) for face in faces):
        raise TypeError("show takes faces, one or more: show(face), or show(*faces) where they are in a list")
    return NotebookPage(page_of(map(shown_face, faces), beside=len(faces) == 2), height)


def shown_face(face: Reconstruction) -> ShownHead:
    """A face as the page shows it."""
    with tempfile.TemporaryDirectory() as folder:
        written = face.write(Path(folder) / "face", "glb")
        glb = (Path(folder) / written["glb"]).read_bytes()
    facts, lit = face.to_json(), {}
    if face.morphable.textured:
        lit = {"skin": jpeg(face.texture())} | ({} if face.hair is None else {"hair": jpeg(face.hair.picture)})
    height, width = face.picture.shape[:2]
    known = {name: facts.get(name) for name in FACTS} | {"image": {"width": width, "height": height}}
    return ShownHead(face.name, glb, face.morphable.name, known, jpeg(in_panel(face.picture, face)[1]), lit)
