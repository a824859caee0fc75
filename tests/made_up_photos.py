"""Photographs with a face that the real detector finds, all of the one in the package and yet all different."""

from functools import cache
from io import BytesIO

import cv2
import numpy as np
import PIL.Image

from unveil.assets.store import packaged
from unveil.photos.io import read_image
from unveil.typing import Float64s, Image

HEIGHT, WIDTH = 218, 178  # as CelebA's aligned photographs
EYES = ((68.0, 112.0), (108.0, 112.0))  # where CelebA's alignment has them: left, right in the picture


@cache
def _face() -> tuple[Image, Float64s]:
    """The packaged photograph [H, W, 3], and the points [5, 2] of eyes, nose and mouth corners in it."""
    from unveil.photos.detect import FaceDetector

    image = read_image(packaged("demo.jpg"))
    points = FaceDetector(packaged("blazeface.onnx")).detect(image)[0].keypoints[:4].astype(np.float64)
    corners = points[3] + np.array([[-0.35], [0.35]]) * (points[1] - points[0])
    return image, np.concatenate([points[:3], corners])


def photo(seed: int) -> Image:
    """A photograph [218, 178, 3]: turned and lit at random, so that no two are alike."""
    return photo_and_points(seed)[0]


def photo_and_points(seed: int) -> tuple[Image, Float64s]:
    """A photograph and its five points [5, 2], in the order and with the meaning of CelebA's landmarks."""
    rng = np.random.default_rng(seed)
    image, points = _face()
    angle, scale = np.radians(rng.uniform(-20, 20)), rng.uniform(0.85, 1.15)
    span = points[1] - points[0]
    scale *= (EYES[1][0] - EYES[0][0]) / np.hypot(*span)
    angle -= np.arctan2(span[1], span[0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.concatenate([turn, (np.mean(EYES, axis=0) - turn @ points[:2].mean(axis=0))[:, None]], axis=1)
    warped = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    light = cv2.resize(rng.uniform(-90, 90, (16, 13)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(warped + light[..., None], 0, 255).astype(np.uint8), points @ turn.T + matrix[:, 2]


def jpeg(image: Image, quality: int = 92) -> bytes:
    """A picture as a JPEG file."""
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
