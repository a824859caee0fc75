"""The packaged photograph with a hat drawn on its head."""

from functools import cache

import numpy as np

from unveil import Reconstructor, read_image
from unveil.assets.store import packaged
from unveil.evaluation.occluded_faces import FaceFinder
from unveil.faces.reconstruction import Reconstruction
from unveil.occluders.pool import load_pool
from unveil.typing import Image


@cache
def without_and_with_hat() -> tuple[tuple[Image, Reconstruction], tuple[Image, Reconstruction], Image]:
    """The photograph and its face, the same with a purple hat, and where that is, 255 in all channels [H, W, 3]."""
    image, reconstructor = read_image(packaged("demo.jpg")), Reconstructor()
    (face,) = reconstructor.reconstruct(image, max_faces=1)
    hat = load_pool(kinds={"hat"}).apply(image, FaceFinder().face(image, face.landmarks2d), np.random.default_rng(2))
    (worn,) = reconstructor.reconstruct(hat.image, max_faces=1)
    return (image, face), (hat.image, worn), np.repeat(hat.mask[..., None] * np.uint8(255), 3, axis=2)
