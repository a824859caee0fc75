"""How many crops a second the occluders cover on one core, for each kind and over the whole pool.

    python benchmarks/occlude.py [FOLDER] [--occluders DIR] [--count 200] [--size 224] [--severity 0.4]

FOLDER holds photographs of faces; without one, the bundled photograph is used. The faces are found and their head
surfaces placed first; placing them is timed on its own. Times are the process's own (other work on the machine does not
count), the shortest of three, after the compiled loops have been called once.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from unveil import Reconstructor
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.occluders import load_pool
from unveil.occluders.base import Face, Occluder, Pool, sample_generator
from unveil.occluders.head_surface import HeadSurface
from unveil.photos.io import find_images, read_image
from unveil.typing import Image

TRIES = 3
MOST_FACES = 50


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=packaged("demo.jpg"))
    parser.add_argument("--occluders", type=Path, help="folder with pictures of occluders")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--severity", type=float, help="hidden share of the face; their natural size if left out")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    faces, placing = find_faces(arguments.folder, arguments.size)
    print(f"{len(faces)} faces at {arguments.size} pixels, severity {arguments.severity or 'natural'}")
    print(f"{'placing':13s} {1000 * placing:6.2f} ms")
    pool = load_pool(arguments.occluders)
    covers: dict[str, Occluder | Pool] = {occluder.kind: occluder for occluder in pool.occluders}
    for name, cover in (covers | {"whole pool": pool}).items():
        seconds = measure(cover, faces, arguments.count, arguments.severity)
        print(f"{name:13s} {1000 * seconds:6.2f} ms   {1 / seconds:7.0f} crops/s")
    in_all = seconds + placing
    print(f"{'with placing':13s} {1000 * in_all:6.2f} ms   {1 / in_all:7.0f} crops/s")


def find_faces(folder: Path, size: int) -> tuple[list[tuple[Image, Face]], float]:
    """Crops and faces of the photographs, and the seconds it takes to place the head's surface on one."""
    reconstructor = Reconstructor()
    surface = HeadSurface.of(reconstructor.morphable)
    crops, landmarks, values = [], [], []
    for path in find_images(folder)[:MOST_FACES]:
        image = read_image(path)
        for face in reconstructor.reconstruct(image, max_faces=1):
            crop = face.crop.resized(size)
            crops.append(crop.warp(image))
            landmarks.append(crop.to_crop(face.landmarks2d))
            values.append(face.coefficients.values)
    if not crops:
        raise UnveilError(f"no face found in {folder}; give a folder with photographs of faces")
    batch = Coefficients(face.coefficients.layout, np.resize(np.stack(values), (MOST_FACES, len(values[0]))))
    surface.place(batch, size)
    start = time.process_time()
    meshes = surface.place(batch, size)
    placing = (time.process_time() - start) / MOST_FACES
    faces = [Face.of(points, mesh) for points, mesh in zip(landmarks, meshes, strict=False)]
    return list(zip(crops, faces, strict=True)), placing


def measure(cover: Occluder | Pool, faces: list[tuple[Image, Face]], count: int, severity: float | None) -> float:
    """Seconds per crop."""
    total = 0.0
    for k in range(-1, count):
        image, face = faces[k % len(faces)]
        times = []
        for _ in range(TRIES):
            rng = sample_generator(0, str(k), 0)
            start = time.process_time()
            cover.apply(image, face, rng, severity)
            times.append(time.process_time() - start)
        total += min(times) if k >= 0 else 0.0  # the first one compiles
    return total / count


if __name__ == "__main__":
    main()
