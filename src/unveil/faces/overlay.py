"""One picture to judge a reconstruction by: photograph, mesh over it, mesh alone, another view, what was guessed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from unveil.drawing.render import Relief, Skin, over, render_head, render_mesh
from unveil.faces.face import ReconstructedFace
from unveil.faces.guessed import draw_guessed
from unveil.faces.opaque_hair import without_opacity
from unveil.faces.whole import whole_face
from unveil.geometry.arrays import bounds
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.typing import Float32s, Float64s, Floats, Image, UInt8s

PANEL = 480  # pixels per side
MARGIN = 0.08  # around the head, of its longer side
OPACITY = 0.62  # of the mesh over the photograph
OTHER_YAW = 40.0  # degrees, of the coloured head
PAPER = 255  # grey level
LANDMARK = (255, 214, 10)  # RGB
WORDS = 18  # pixels, size of the letters
SHARP_BITS = 4  # OpenCV draws at fractions of a pixel when given integers with so many binary places


def draw_overlay(
    image: Image,
    face: ReconstructedFace,
    model: MorphableModel,
    colours: UInt8s,
    deviation: Float32s | None = None,
) -> Image:
    """Four square panels side by side, RGB uint8 [480, 1920, 3]; a fifth where the learner says what it guessed.

    The photograph around the head; the shaded mesh (with its wrinkles, where it has some) and the 68 landmarks over it;
    the mesh alone; the coloured head, upright, turned to the side that the photograph shows less of; and the panel of
    `guessed.draw_guessed`.

    Args:
        image: the photograph, RGB uint8 [H, W, 3].
        face: one of its faces.
        model: the head model of its coefficients.
        colours: the texture [S, S, 3] or the vertex colours [V, 3] that `head_colours` gave for it.
        deviation: [S / 4, S / 4] of the texture, as `HeadColours` has it, where it is known.
    """
    to_panel, photo, _ = in_panel(image, face)
    whole = whole_face(face, model)
    points = points_in(whole.projected, to_panel)
    relief = None if face.detail is None else Relief(_in_photograph(face.detail.normals, face.crop), whole.model)
    mesh = render_mesh(points, whole.model.faces, PANEL, PANEL, relief=relief)
    fitted = over(mesh, photo, OPACITY)
    _draw_points(fitted, face.landmarks2d @ to_panel[:, :2].T + to_panel[:, 2])
    alone = over(mesh, np.full_like(photo, PAPER))
    panels = [_marked(photo, face), fitted, alone, _other_view(face, model, colours)]
    if face.occlusion is not None or face.uncertainty_mm is not None:
        bald = replace(model, hair=None)
        points = points[: len((model.whole or model).head.template)]  # hair comes last
        panels.append(draw_guessed(photo, points, to_panel, face, bald, deviation))
    return np.hstack(panels)


def in_panel(image: Image, face: ReconstructedFace) -> tuple[Float64s, UInt8s, Floats]:
    """The photograph around a face as a panel.

    Returns:
        The matrix [2, 3] from pixels of the photograph to those of the panel, the panel [480, 480, 3], and the vertices
        [V, 3] in its pixels.
    """
    to_panel = framing(face.projected)
    return to_panel, panel_of(image, to_panel), points_in(face.projected, to_panel)


def portrait(image: Image, face: ReconstructedFace) -> UInt8s:
    """The first panel with twice as many pixels a side, RGB uint8 [960, 960, 3]."""
    finer = 2 * framing(face.projected)
    finer[:, 2] += 0.5  # pixel centres are at integers in both
    return panel_of(image, finer, 2 * PANEL)


def points_in(projected: Floats, to_panel: Float64s) -> Floats:
    """Points [V, 3] of the photograph, by the matrix [2, 3] of a panel, in pixels of it."""
    return np.asarray(projected * to_panel[0, 0] + [to_panel[0, 2], to_panel[1, 2], 0])


def framing(projected: Floats) -> Float64s:
    """Matrix [2, 3] from pixels of the photograph to those of a panel that points [V, 2 or 3] of it fill."""
    low, high = bounds(projected[:, :2])
    scale = PANEL / (float((high - low).max()) * (1 + 2 * MARGIN))
    shift = (PANEL - 1) / 2 - scale * (low + high) / 2
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def panel_of(image: Image, to_panel: Float64s, size: int = PANEL) -> Image:
    """What a panel shows of the photograph, ``size`` pixels a side, white beyond the photograph's edges."""
    shrink = to_panel[0, 0]
    matrix = to_panel.copy()
    if shrink < 1:  # warping alone would skip pixels
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix[:, :2] = np.eye(2)
        matrix[:, 2] += shrink / 2 - 0.5  # pixel centres are at integers in both
    warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_CUBIC, borderValue=(PAPER, PAPER, PAPER))
    return np.asarray(warped, dtype=np.uint8)


def _in_photograph(normals: Float32s, crop: Crop) -> Float32s:
    """Normals [..., 3] of a posed head in the frame of `ReconstructedFace.projected`."""
    turn = np.diag([1.0, -1.0, -1.0])
    turn[:2] = crop.matrix[:, :2].T / crop.scale @ turn[:2]
    return np.asarray(normals @ turn.T, np.float32)


def _marked(photo: Image, face: ReconstructedFace) -> Image:
    """The photograph, with a word on it where it perhaps shows no face."""
    if not face.doubtful:
        return photo
    picture = PIL.Image.fromarray(photo)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, PANEL, 2 * WORDS), LANDMARK)
    draw.text((PANEL / 2, WORDS), "doubtful: perhaps no face", 0, ImageFont.load_default(WORDS), anchor="mm")
    return np.asarray(picture)


def _draw_points(picture: Image, points: Floats) -> None:
    for x, y in np.round(points * 2**SHARP_BITS).astype(int).tolist():
        cv2.circle(picture, (x, y), 2 << SHARP_BITS, LANDMARK, -1, cv2.LINE_AA, SHARP_BITS)


def _other_view(face: ReconstructedFace, model: MorphableModel, colours: UInt8s) -> Image:
    model = without_opacity(model, face.coefficients, colours)
    whole, coefficients = model.complete(model.upright(face.coefficients))
    upright = np.asarray(whole.vertices(coefficients))
    yaw = np.radians(-OTHER_YAW if face.pose_degrees[1] > 0 else OTHER_YAW)
    rotation = axis_angle_to_matrix(np.array([0.0, yaw, 0.0]))
    return render_head(upright, whole.faces, PANEL, rotation, Skin.of(colours, whole))
