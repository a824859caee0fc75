"""The panel of the overlay that shows what was guessed: the head by its uncertainty, what is occluded hatched."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from unveil.appearance.visibility import occluded_pixels
from unveil.drawing.render import Skin, over, render_mesh
from unveil.faces.face import ReconstructedFace
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image, UInt8s

MOST, STEP = 8, 2  # millimetres at the end of the scale, and between its marks
SMALL = 0.3  # side of the small head's picture, of the panel's
MOST_LEVELS = 40  # grey levels at the end of the small head's scale
# Even in lightness, so that it reads alike without colour vision: Nunez, Anderton and Renslow, "Optimizing colormaps
# with consideration for color vision deficiency", 2018.
COLOURS = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_CIVIDIS).reshape(256, 3)[:, ::-1]
OPACITY = 0.85  # of the head over the photograph
FADED = 0.55  # share of the photograph's contrast that is taken away, with all of its colour
HATCH_STEP = 9  # pixels from one hatching line to the next; each is a dark pixel beside a light one
HATCH_STRENGTH = 0.6  # opacity
LEGEND = 40  # pixels, height of the legend at the bottom
BAR = (14, 8, 140, 10)  # left, top, width, height of the colour bar in the legend
SWATCH = (254, 8, 26, 22)  # the same for its piece of hatching
INK, PAPER = (40, 40, 40), (255, 255, 255)


def draw_guessed(
    photo: Image,
    points: Floats,
    to_panel: Float64s,
    face: ReconstructedFace,
    model: MorphableModel,
    deviation: Float32s | None = None,
) -> Image:
    """The panel [S, S, 3]. A small head in its corner shows how unsure the colours are, where that is known.

    Args:
        photo: the photograph around the head, [S, S, 3].
        points: [V + P, 3] vertices of the whole face in pixels of the panel; smaller depth is nearer.
        to_panel: [2, 3] pixels of the photograph to pixels of the panel.
        face: with an occlusion map, or an uncertainty, or both.
        model: its head model, without hair.
        deviation: [S / 4, S / 4] the standard deviation of its texture, in grey levels.
    """
    size = len(photo)
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    panel = (grey * (1 - FADED) + 255 * FADED).astype(np.uint8)
    if face.uncertainty_mm is not None:
        skin = Skin(_as_colours(model.extended(face.uncertainty_mm) / MOST))
        head = render_mesh(points, (model.whole or model).faces, size, size, skin)
        panel = over(head, panel, OPACITY)
    if face.occlusion is not None:
        # Crop and panel are both similarities of the photograph, so one matrix leads from panel to crop.
        to_crop = face.crop.matrix @ np.vstack([cv2.invertAffineTransform(to_panel), [0, 0, 1]])
        occluded = occluded_pixels(face.occlusion, Crop(to_crop, face.crop.size), panel.shape, beyond=False)
        panel = np.where(occluded[..., None], _hatched(panel), panel)
        _outline(panel, occluded)
    if deviation is not None:
        _draw_small(panel, points[: len(model.head.template)], deviation, model)
    return _with_legend(panel, face, small=deviation is not None)


def _draw_small(panel: Image, points: Floats, deviation: Float32s, model: MorphableModel) -> None:
    """A small head in the upper right corner, coloured by how unsure the colours of its skin are."""
    size = round(len(panel) * SMALL)
    skin = Skin(_as_colours(deviation / MOST_LEVELS), model.uv, model.uv_faces)
    head = render_mesh(points * SMALL, model.faces, size, size, skin)
    corner = panel[:size, -size:]
    corner[:] = over(head, (255 - (255 - corner.astype(np.float32)) * FADED).astype(np.uint8))


def _as_colours(share: Floats) -> UInt8s:
    """The colours [..., 3] of places on the scale [...], from 0 to 1."""
    return np.asarray(COLOURS[np.rint(np.clip(share, 0, 1) * 255).astype(int)], np.uint8)


def _hatched(picture: Image) -> Image:
    """The picture under lines that rise to the right, each dark beside light, so that they show on any colour."""
    row, column = np.indices(picture.shape[:2])
    phase = (row + column) % HATCH_STEP
    ink = np.where(phase == 0, 0, 255)[..., None]
    strength = np.where(phase < 2, HATCH_STRENGTH, 0.0)[..., None]
    return np.asarray(picture * (1 - strength) + ink * strength, np.uint8)


def _outline(picture: Image, mask: Bools) -> None:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, (255, 255, 255), 3, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, INK, 1, cv2.LINE_AA)


def _with_legend(panel: Image, face: ReconstructedFace, *, small: bool) -> Image:
    panel[-LEGEND:] = 255
    legend = panel[-LEGEND:]
    if face.uncertainty_mm is not None:
        left, top, width, height = BAR
        legend[top : top + height, left : left + width] = COLOURS[np.linspace(0, 255, width).astype(int)]
    if face.occlusion is not None:
        left, top, width, height = SWATCH
        swatch = np.full((height, width, 3), 200, np.uint8)
        legend[top : top + height, left : left + width] = _hatched(swatch)
    return _labelled(panel, face, small=small)


def _labelled(panel: Image, face: ReconstructedFace, *, small: bool) -> Image:
    picture = PIL.Image.fromarray(panel)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    top = len(panel) - LEGEND
    if face.uncertainty_mm is not None:
        left, bar_top, width, height = BAR
        for mark in range(0, MOST + 1, STEP):
            x = left + width * mark / MOST
            text = f"{mark}+" if mark == MOST else str(mark)
            draw.text((x, top + bar_top + height + 4), text, INK, font, anchor="mt")
        draw.text((left + width + 12, top + bar_top + height / 2), "mm unsure", INK, font, anchor="lm")
    if face.occlusion is not None:
        left, swatch_top, width, height = SWATCH
        place = (left + width + 8, top + swatch_top + height / 2)
        draw.text(place, why_hidden(face), INK, font, anchor="lm", spacing=3)
    if small:
        below = (len(panel) - 6, len(panel) * SMALL + 4)
        words = "yellow: guessed colours"  # outlined, because they may lie on the head
        draw.text(below, words, INK, font, anchor="rt", stroke_width=2, stroke_fill=PAPER)
    return np.asarray(picture)


def why_hidden(face: ReconstructedFace) -> str:
    """The words beside the hatched swatch: how much of the face is occluded, and how much is turned away."""
    hidden, occluded = face.hidden_share, face.occluded_share
    if hidden is None or occluded is None:
        return "occluded"
    return f"occluded: {100 * occluded:.0f} % of the face\nturned away: {100 * (hidden - occluded):.0f} %"
