"""Draws the README's picture: the bundled photograph clear and behind a mask, dark glasses and a thing, with its heads.

    python -m tools.readme_picture [--model learner.onnx] [-o docs/images/result.jpg]

What is in front of the face is painted on before the photograph is reconstructed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unveil import Reconstructor, read_image
from unveil.assets.store import packaged
from unveil.evaluation.now.face_hider import FaceHider
from unveil.occluders.pool import load_pool
from unveil.photos.io import write_image
from unveil.typing import Image

OCCLUDERS = (("mask", 0.4, 3), ("glasses", 0.25, 6), ("object", 0.35, 2))  # kind, share of the face, seed


def main() -> None:
    """Reconstruct the photograph four times and stack the overlays."""
    parser = argparse.ArgumentParser(description="Draw the README's picture.")
    parser.add_argument("--model", default="openhead", help="another ONNX learner")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "docs/images/result.jpg")
    options = parser.parse_args()
    reconstructor = Reconstructor(options.model)
    images = photographs(read_image(packaged("demo.jpg")), OCCLUDERS)
    write_image(options.output, np.vstack([row(reconstructor, image) for image in images]))


def photographs(photo: Image, occluders: Sequence[tuple[str, float, int]]) -> list[Image]:
    """A photograph, and the same with a thing of a kind before so much of the face, drawn by a seed."""
    hiders = [(FaceHider(load_pool(kinds={kind}), seed), share) for kind, share, seed in occluders]
    return [photo, *(hider.hide(photo, "demo.jpg", share).image for hider, share in hiders)]


def row(reconstructor: Reconstructor, image: Image) -> Image:
    """Photograph, mesh over it, mesh alone, head from another side, what was guessed."""
    (face,) = reconstructor.reconstruct(image, max_faces=1)
    return face.overlay()


if __name__ == "__main__":
    main()
