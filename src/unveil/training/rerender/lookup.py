"""Values of pictures between their pixels."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.typing import Float32s, Floats, UInt8s


def look_up(picture: UInt8s | Float32s, x: Floats, y: Floats, *, mirrored: bool = True) -> Float32s:
    """Values [A, B] or [A, B, C] of a picture [H, W] or [H, W, C] at pixels x and y [A, B], bilinear.

    Beyond its edge the picture is ``mirrored``, or else zero.
    """
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT
    columns, rows = np.asarray(x, np.float32), np.asarray(y, np.float32)
    return np.asarray(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=border), np.float32)
