"""How many faces the detector finds when parts of them are covered, and how long it takes.

    python benchmarks/detect.py faces.tar landmarks68.npy [--count 500] [--cores 2]

``faces.tar`` holds photographs with one face each, ``landmarks68.npy`` [N, 68, 2] their iBUG-68 landmarks in pixels and
in the archive's order. An even sample is taken. A face counts as found when a box contains the middle of its landmarks
and is between half and twice as large; all other boxes are counted too. Covered parts are painted over in the mean
colour of the photograph.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from unveil import FaceDetector
from unveil.assets.store import packaged

WARM_UP = 5
Corners = tuple[np.ndarray, np.ndarray]  # left top and right bottom, (x, y) in pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("landmarks", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    samples = list(read(arguments.faces, arguments.landmarks, arguments.count))
    detector = FaceDetector(packaged("blazeface.onnx"))
    for image, _ in samples[:WARM_UP]:
        detector.detect(image)
    print(f"{len(samples)} photographs of {samples[0][0].shape[1]} x {samples[0][0].shape[0]} pixels")
    for name, part in PARTS.items():
        found, more, milliseconds = measure(detector, samples, part)
        print(f"{name:18s} found {found:6.1%}   other boxes {more:6.1%}   median {milliseconds:.1f} ms")


def read(faces: Path, landmarks: Path, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """An even sample of (image [H, W, 3], landmarks [68, 2])."""
    table = np.load(landmarks, allow_pickle=False)
    with tarfile.open(faces) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        assert len(members) == len(table), f"{len(members)} photographs but {len(table)} rows of landmarks"
        for index in np.linspace(0, len(members) - 1, min(count, len(members))).astype(int):
            file = archive.extractfile(members[index])
            assert file is not None
            yield np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")), table[index]


def measure(
    detector: FaceDetector, samples: list[tuple[np.ndarray, np.ndarray]], part: Callable[[np.ndarray], Corners] | None
) -> tuple[float, float, float]:
    """Share of the faces that are found, other boxes per photograph, and the median time in milliseconds."""
    hits, boxes, times = 0, 0, []
    for image, points in samples:
        shown = image if part is None else cover(image, *part(points))
        start = time.perf_counter()
        detections = detector.detect(shown)
        times.append((time.perf_counter() - start) * 1000)
        hits += any(fits(detection.box_ltrb, points) for detection in detections)
        boxes += len(detections)
    return hits / len(samples), (boxes - hits) / len(samples), statistics.median(times)


def fits(box_ltrb: np.ndarray, points: np.ndarray) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    middle, side = (low + high) / 2, float((high - low).mean())
    inside = bool((box_ltrb[:2] < middle).all() and (middle < box_ltrb[2:]).all())
    return inside and 0.5 < float((box_ltrb[2:] - box_ltrb[:2]).mean()) / side < 2


def cover(image: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    covered = image.copy()
    colour = image.reshape(-1, 3).mean(axis=0).tolist()
    return cv2.rectangle(covered, np.rint(low).astype(int).tolist(), np.rint(high).astype(int).tolist(), colour, -1)


def mouth_and_nose(points: np.ndarray) -> Corners:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([low[0], points[28, 1]]), high  # from the upper third of the bridge down to the chin


def eyes(points: np.ndarray) -> Corners:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([low[0], points[17:27, 1].min()]), np.array([high[0], points[29, 1]])


def half(points: np.ndarray) -> Corners:
    low, high = points.min(axis=0), points.max(axis=0)
    side = (high - low).mean()
    return low - [0, 0.4 * side], np.array([(low[0] + high[0]) / 2, high[1]])  # with its forehead


PARTS: dict[str, Callable[[np.ndarray], Corners] | None] = {
    "clear": None,
    "mouth and nose": mouth_and_nose,
    "eyes": eyes,
    "half of the face": half,
}


if __name__ == "__main__":
    main()
