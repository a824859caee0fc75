"""A contact sheet of small pictures in rows and columns, with words on them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from unveil.typing import Image

GAP = 4  # pixels between tiles
PAPER = 255
INK, BACKGROUND = (255, 255, 255), (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def contact_sheet(rows: Sequence[Sequence[tuple[Image, str]]], tile: int) -> Image:
    """Tiles of ``tile`` pixels a side from pictures [S, S, 3] with a caption each, as one picture."""
    return np.vstack([np.hstack([_tile(image, caption, tile) for image, caption in row]) for row in rows])


def _tile(image: Image, caption: str, tile: int) -> Image:
    resized = cv2.resize(image, (tile, tile), interpolation=cv2.INTER_AREA)
    canvas = np.full((tile + GAP, tile + GAP, 3), PAPER, np.uint8)
    canvas[:tile, :tile] = resized
    if caption:
        scale = tile / 400
        (width, height), below = cv2.getTextSize(caption, FONT, scale, 1)
        cv2.rectangle(canvas, (0, tile - height - below - 4), (width + 6, tile - 1), BACKGROUND, -1)
        cv2.putText(canvas, caption, (3, tile - below - 2), FONT, scale, INK, 1, cv2.LINE_AA)
    return canvas
