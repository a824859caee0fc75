"""Faces for the tests of occluders: a made-up one of 68 points, and the one of the bundled photograph with its mesh."""

import hashlib
from functools import lru_cache

import numpy as np

from unveil import Reconstructor
from unveil.assets.store import packaged
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.occluders import load_pool
from unveil.occluders.base import Face, sample_generator
from unveil.occluders.head_surface import HeadSurface
from unveil.photos.io import read_image
from unveil.typing import Float64s, Image, UInt8s

SIZE = 128  # pixels a side of the made-up photograph
CROP = 160  # of the real one


def landmarks(yaw: float = 0.0) -> Float64s:
    """A made-up face in iBUG-68 order; ``yaw`` from -1 to 1 moves the nose to the image's left or right."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(turn), 0.2 + np.sin(turn)], axis=1)
    brows = np.stack([np.linspace(-0.7, 0.7, 10), np.full(10, -0.45)], axis=1)
    ridge = np.stack([np.full(4, 0.6 * yaw), np.linspace(-0.2, 0.25, 4)], axis=1)
    base = np.stack([np.linspace(-0.2, 0.2, 5) + 0.5 * yaw, np.full(5, 0.35)], axis=1)
    circle = np.linspace(np.pi, -np.pi, 6, endpoint=False)
    eye = np.stack([0.18 * np.cos(circle), -0.2 - 0.08 * np.sin(circle)], axis=1)
    shift = np.array([0.4, 0])
    circle = np.linspace(np.pi, -np.pi, 20, endpoint=False)
    mouth = np.stack([0.35 * np.cos(circle), 0.7 - 0.15 * np.sin(circle)], axis=1)
    points = np.concatenate([jaw, brows, ridge, base, eye - shift, eye + shift, mouth])
    return points * 35 + (64, 50)


def photo(seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def cutout(height: int = 60, width: int = 40) -> UInt8s:
    picture = np.zeros((height, width, 4), np.uint8)
    picture[2:-2, 2:-2] = (200, 10, 90, 255)
    return picture


@lru_cache(maxsize=1)
def demo() -> tuple[Image, MorphableModel, Coefficients, HeadSurface]:
    """Crop [160, 160, 3] of the bundled photograph, the head model, the face's coefficients [1, M], its surface."""
    reconstructor = Reconstructor()
    image = read_image(packaged("demo.jpg"))
    (face,) = reconstructor.reconstruct(image, max_faces=1)
    batch = Coefficients(face.coefficients.layout, face.coefficients.values[None])
    model = reconstructor.morphable
    return face.crop.resized(CROP).warp(image), model, batch, HeadSurface.of(model)


def demo_face(yaw: float | None = None) -> Face:
    """The face of the bundled photograph as it looks, or turned by so many degrees."""
    _, model, c, surface = demo()
    if yaw is not None:
        pose = np.array(c["pose"])
        pose[:, :3] = 0, np.radians(yaw), 0
        c = c.replace(pose=pose)
    vertices = model.vertices(c)
    points = to_pixels(model.project(model.contour68(vertices, c), c), CROP)
    (mesh,) = surface.place(c, CROP)
    return Face.of(np.asarray(points[0, :, :2], np.float64), mesh)


def digests(names: list[str]) -> dict[str, str]:
    """What the pool makes of the bundled photograph under each of some names, in the order of the names, hashed."""
    image, pool, face = demo()[0], load_pool(), demo_face()
    results = {name: pool.apply(image, face, sample_generator(3, name, 2)) for name in names}
    hashes = {name: hashlib.sha256(r.image.tobytes() + r.mask.tobytes()).hexdigest() for name, r in results.items()}
    return dict(sorted(hashes.items()))
