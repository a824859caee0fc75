"""Photographs as several methods see them, also in one picture: a row for each, the input and each method's shape."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from unveil.drawing.render import over, render_mesh
from unveil.errors import UnveilError, about
from unveil.faces.overlay import OPACITY, PANEL, PAPER, framing, panel_of, points_in
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.whole import whole_face
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable
from unveil.typing import Image

CELL = 320  # pixels per side
GAP = 8  # pixels between cells
HEAD, FOOT = 40, 36  # pixels above the first row and below the last
INK, FAINT, HATCH = (30, 30, 30), (110, 110, 110), (225, 225, 225)
HATCH_STEP, HATCH_WIDTH = 14, 2  # pixels
LETTERS = 70  # in a line of a hatched cell
CAPTION = "Each method: its mesh over the photograph, and its shape as the camera sees it."


@dataclass(frozen=True)
class Method:
    """A method by its name, with what runs it or why nothing does."""

    name: str
    reconstructor: Reconstructor | None
    missing: str = ""  # what is not there and how to get it


ByMethod = Sequence[Reconstruction | None]  # of each method the largest, None without one
Shown = TypeVar("Shown")


@dataclass(frozen=True, eq=False)
class Comparison(Generic[Shown]):
    """What is shown of each photograph, and a line for each thing that could not be shown."""

    shown: tuple[Shown, ...]
    notes: tuple[str, ...]
    failed: Mapping[Path, Exception]  # what was wrong with photographs that are left out


def compare(
    photographs: Sequence[Path], methods: Sequence[Method], show: Callable[[Path, Image, ByMethod], Shown]
) -> Comparison[Shown]:
    """Show the largest face of each photograph as each method sees it.

    Args:
        photographs: their files.
        methods: those whose files are missing find no face.
        show: makes of a photograph and its faces what is to be kept of them, as `row` does.

    Raises:
        UnveilError: no photograph can be used.
    """
    shown, notes = [], [f"{method.name}: {method.missing}" for method in methods if method.missing]
    failed: dict[Path, Exception] = {}
    for path in photographs:
        try:
            image = read_image(path)
            faces = [_largest(method, image) for method in methods]
            shown.append(show(path, image, faces))
        except Exception as error:  # one photograph is not to end the work on the others
            failed[path] = error
            continue
        lost = [m.name for m, face in zip(methods, faces, strict=True) if face is None and not m.missing]
        notes += [f"{name}: no face found in {printable(path)}" for name in lost]
    if not shown:
        raise UnveilError(f"no photograph can be shown: {'; '.join(about(printable(p), failed[p]) for p in failed)}")
    return Comparison(tuple(shown), tuple(notes), failed)


def _largest(method: Method, image: Image) -> Reconstruction | None:
    if method.reconstructor is None:
        return None
    return next(iter(method.reconstructor.reconstruct(image, max_faces=1)), None)


def row(image: Image, faces: ByMethod, methods: Sequence[Method]) -> Image:
    """The input and, for each method, two cells with its face or one wide one that says why there is none."""
    whole = np.array([[0, 0], image.shape[1::-1]])
    found = [face.projected[:, :2] for face in faces if face is not None]
    to_panel = framing(np.concatenate(found) if found else whole)  # the same part of the photograph for all
    photo = panel_of(image, to_panel)
    cells = [_shrunk(photo)]
    for face, method in zip(faces, methods, strict=True):
        if face is None:
            cells.append(_hatched(method.missing or "no face found"))
            continue
        head = whole_face(face, face.wearing)
        mesh = render_mesh(points_in(head.projected, to_panel), head.model.faces, PANEL, PANEL)
        cells += [_shrunk(over(mesh, photo, OPACITY)), _shrunk(over(mesh, np.full_like(photo, PAPER)))]
    between = np.full((CELL, GAP, 3), PAPER, np.uint8)
    return np.hstack([part for cell in cells for part in (cell, between)][:-1])


def _shrunk(panel: Image) -> Image:
    return np.asarray(cv2.resize(panel, (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8)


def _hatched(reason: str) -> Image:
    """A cell as wide as a method's two, with lines that rise to the right and a text on top."""
    width = 2 * CELL + GAP
    down, right = np.indices((CELL, width))
    lines = (down + right) % HATCH_STEP < HATCH_WIDTH
    picture = PIL.Image.fromarray(np.where(lines[..., None], np.array(HATCH, np.uint8), np.array(PAPER, np.uint8)))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(17)
    text = "\n".join(textwrap.wrap(reason, LETTERS, break_long_words=False, break_on_hyphens=False))
    middle = (width / 2, CELL / 2)
    left, top, end, bottom = draw.multiline_textbbox(middle, text, font, anchor="mm", align="center")
    draw.rectangle((left - 10, top - 10, end + 10, bottom + 10), fill=(PAPER, PAPER, PAPER))
    draw.multiline_text(middle, text, INK, font, anchor="mm", align="center")
    return np.asarray(picture)


def picture_of(rows: Sequence[Image], methods: Sequence[Method]) -> Image:
    """The rows below each other with the names of the methods above and a caption below."""
    width = rows[0].shape[1]
    height = HEAD + len(rows) * (CELL + GAP) - GAP + FOOT
    page = np.full((height, width, 3), PAPER, np.uint8)
    for k, row in enumerate(rows):
        top = HEAD + k * (CELL + GAP)
        page[top : top + CELL] = row
    picture = PIL.Image.fromarray(page)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(20)
    draw.text((CELL / 2, HEAD / 2), "input", INK, font, anchor="mm")
    step = 2 * (CELL + GAP)
    for k, method in enumerate(methods):
        draw.text((CELL + GAP + k * step + (step - GAP) / 2, HEAD / 2), method.name, INK, font, anchor="mm")
    draw.text((0, height - FOOT / 2), CAPTION, FAINT, ImageFont.load_default(16), anchor="lm")
    return np.asarray(picture)
