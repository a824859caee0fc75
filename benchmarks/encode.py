"""How many crops a second become coefficients, and what share of the time goes into getting the crops.

    python benchmarks/encode.py [--crops CROPS] [--count 500] [--model openhead] [--threads 1 2]

``CROPS`` is anything that `unveil encode` takes, such as a prepared folder; left out, the face of the bundled
photograph is cut out of it again and again. Measured is what `unveil encode` does on one machine except writing the
file. The first batches, which fill caches, are not counted.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from unveil import Crop, FaceDetector, read_image
from unveil.assets.store import packaged
from unveil.cli.training.codes import open_crops
from unveil.codes.crops import Crops
from unveil.codes.encode import BATCH, encode
from unveil.models.onnx import CoefficientModel
from unveil.models.registry import open_encoder

WARM_UP = 2 * BATCH  # crops


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--model", default="openhead", help="openhead, or the path of an ONNX learner")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    count = WARM_UP + arguments.count
    crops = demo_crops(count) if arguments.crops is None else open_crops(arguments.crops)
    crops = replace(crops, names=crops.names[:count])
    learner = open_encoder(arguments.model).path
    print(f"{len(crops.names) - WARM_UP} crops, {arguments.model}")
    print(f"{'threads':>7} {'crops/s':>8} {'getting crops':>14}")
    for threads in arguments.threads:
        rate, share = measure(crops, CoefficientModel(learner, threads=threads))
        print(f"{threads:>7} {rate:>8.0f} {share:>14.1%}")


def demo_crops(count: int) -> Crops:
    """The face of the bundled photograph, so many times."""
    photo = read_image(packaged("demo.jpg"))
    (face,) = FaceDetector(packaged("blazeface.onnx")).detect(photo)
    crop = Crop.from_detector_box(face.box_ltrb)
    return Crops(tuple(map(str, range(count))), "demo", lambda index, size: crop.warp(photo, size))


def measure(crops: Crops, encoder: CoefficientModel) -> tuple[float, float]:
    """Crops per second, and the share of the time in which there was none for the network."""
    waited = 0.0

    def read(index: int, size: int) -> np.ndarray:
        nonlocal waited
        start = time.perf_counter()
        image = crops.read(index, size)
        waited += time.perf_counter() - start
        return image

    batches = encode(replace(crops, read=read), encoder)
    for _ in range(WARM_UP // BATCH):
        next(batches)
    waited, start = 0.0, time.perf_counter()
    done = sum(batch.stop - batch.start for batch in batches)
    seconds = time.perf_counter() - start
    return done / seconds, waited / seconds


if __name__ == "__main__":
    main()
