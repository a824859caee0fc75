"""Draws the README's picture: the bundled photograph clear, behind a mask and behind dark glasses, each with its head.

    python tools/readme_picture.py [--model learner.onnx] [-o docs/images/result.jpg]

The occluders are painted over the photograph before it is reconstructed; the landmarks that place them come from a
reconstruction of the clear photograph.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unveil import Reconstruction, Reconstructor, read_image
from unveil.assets.store import packaged
from unveil.imaging.io import write_image
from unveil.imaging.occlude import Face, Occluder
from unveil.imaging.occluders import DrawnGlasses, DrawnMask
from unveil.reconstruct.overlay import draw_overlay
from unveil.reconstruct.texture import bake_texture

SEED = 7
OCCLUDERS: tuple[Occluder, ...] = (DrawnMask(), DrawnGlasses())


def main() -> None:
    """Reconstruct the photograph three times and stack the overlays."""
    parser = argparse.ArgumentParser(description="Draw the README's picture.")
    parser.add_argument("--model", default="openhead", help="another ONNX learner")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "docs/images/result.jpg")
    options = parser.parse_args()
    reconstructor = Reconstructor(options.model)
    photo = read_image(packaged("demo.jpg"))
    clear = only_face(reconstructor, photo)
    rows = [row(reconstructor, photo, clear)]
    for occluder in OCCLUDERS:
        hidden = occluder.apply(photo, Face.of(clear.landmarks2d), np.random.default_rng(SEED)).image
        rows.append(row(reconstructor, hidden, only_face(reconstructor, hidden)))
    write_image(options.output, np.vstack(rows))


def only_face(reconstructor: Reconstructor, image: NDArray[np.uint8]) -> Reconstruction:
    """The largest face; stops where there is none."""
    faces = reconstructor.reconstruct(image, max_faces=1)
    if not faces:
        raise SystemExit("no face found in the occluded photograph")
    return faces[0]


def row(reconstructor: Reconstructor, image: NDArray[np.uint8], face: Reconstruction) -> NDArray[np.uint8]:
    """Photograph, mesh over it, mesh alone, textured head from another side."""
    texture, _ = bake_texture(image, face.projected, reconstructor.morphable)
    return draw_overlay(image, face, reconstructor.morphable, texture)


if __name__ == "__main__":
    main()
