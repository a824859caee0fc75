"""Other light and other cameras: changes of an image that keep its geometry."""

from typing import NamedTuple

import cv2
import numpy as np

from unveil.training.crops.prepared import photograph_in
from unveil.typing import Image

LARGEST_TRIM = 0.12  # share of a wide crop's side


class Surrounded(NamedTuple):
    """A wide crop in which something else surrounds the photograph."""

    image: Image  # [W, W, 3]
    inside: tuple[slice, slice]  # rows and columns of the photograph
    plain: bool  # one colour is around it


def disturb(image: Image, rng: np.random.Generator, colour_probability: float) -> Image:
    """Change colours, then resolution, sharpness, noise and compression of an image [H, W, 3], each by chance."""
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
    """The image [H, W, 3] with another exposure, gamma, contrast and white balance."""
    level = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.4, 0.4))
    gain = np.exp(rng.uniform(-0.3, 0.3)) * np.exp(rng.uniform(-0.12, 0.12, 3))
    curve = (level - 0.5) * gain + 0.5 + rng.uniform(-0.12, 0.12)  # [256, 3]
    table = np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def lower_resolution(image: Image, scale: float) -> Image:
    """The image [H, W, 3] as if taken with ``scale`` times the pixels per side."""
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def compress(image: Image, quality: int) -> Image:
    """The image [H, W, 3] after a JPEG of ``quality`` 1 to 100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def surround(crop: Image, rng: np.random.Generator) -> Surrounded:
    """Cut a photograph at a random place and fill what is around it, in a crop [W, W, 3].

    Face data sets are cut tight, and the edge of the cut, always at the same place around the face, would tell the
    learner where the face is; the photographs of users have no such edge. So half of the photographs lose more on
    each side, and what is beyond becomes their mirror image, their edge drawn out, one colour, or stays black.
    """
    rows, columns = photograph_in(crop)
    trim = np.rint(len(crop) * rng.uniform(0, LARGEST_TRIM, 4) * (rng.random() < 0.5)).astype(int)
    kind, colour = rng.random(), rng.integers(0, 256, 3).tolist()
    if min(rows.stop - rows.start, columns.stop - columns.start) < 8:
        return Surrounded(crop, (slice(None), slice(None)), plain=False)
    # The outermost ring is half black.
    top, bottom = rows.start + 1 + trim[0], rows.stop - 1 - trim[1]
    left, right = columns.start + 1 + trim[2], columns.stop - 1 - trim[3]
    inside = slice(top, bottom), slice(left, right)
    inner = crop[inside]
    if min(inner.shape[:2]) < 8:
        return Surrounded(crop, (slice(None), slice(None)), plain=False)
    ends = (int(top), len(crop) - int(bottom), int(left), len(crop) - int(right))
    if kind < 0.4:
        value = colour if kind < 0.2 else (0, 0, 0)
        whole = cv2.copyMakeBorder(inner, *ends, cv2.BORDER_CONSTANT, value=value)
        return Surrounded(np.asarray(whole, np.uint8), inside, plain=True)
    border = cv2.BORDER_REPLICATE if kind < 0.75 else cv2.BORDER_REFLECT_101
    return Surrounded(np.asarray(cv2.copyMakeBorder(inner, *ends, border), np.uint8), inside, plain=False)
