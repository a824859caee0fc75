"""Other light, other cameras: changes of an image that leave its geometry alone."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [H, W, 3]


def disturb(image: Image, rng: np.random.Generator, colour_probability: float) -> Image:
    """Change colours, then resolution, sharpness, noise and compression, each with its probability."""
    if rng.random() < colour_probability:
        image = recolour(image, rng)
    if rng.random() < 0.1:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    if rng.random() < 0.2:
        image = lower_resolution(image, rng.uniform(0.25, 0.8))
    if rng.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))  # type: ignore[assignment]
    if rng.random() < 0.1:
        noise = rng.normal(0, rng.uniform(2, 12), image.shape).astype(np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        image = compress(image, int(rng.integers(25, 90)))
    return np.ascontiguousarray(image)


def recolour(image: Image, rng: np.random.Generator) -> Image:
    """Another exposure, gamma, contrast and white balance."""
    level = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.4, 0.4))
    gain = np.exp(rng.uniform(-0.3, 0.3)) * np.exp(rng.uniform(-0.12, 0.12, 3))
    curve = (level - 0.5) * gain + 0.5 + rng.uniform(-0.12, 0.12)  # [256, 3]
    table = np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def lower_resolution(image: Image, scale: float) -> Image:
    """The image as if taken with ``scale`` times the pixels per side."""
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def compress(image: Image, quality: int) -> Image:
    """The image after a JPEG of ``quality`` 1 to 100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
