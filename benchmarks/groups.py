"""What the detector finds of the people behind somebody, and how much time it saves by not searching for all of them.

    python benchmarks/groups.py faces.tar landmarks68.npy [--count 24]

``faces.tar`` and ``landmarks68.npy`` are those of `benchmarks/detect.py`. Faces are pasted side by side into
photographs, one of 330 pixels and others smaller by the given shares. Each photograph is searched as far as the
detector goes, and completely. Times are of the processor, one thread, as the median ratio within the run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from detect import fits, read

from unveil import FaceDetector
from unveil.photos import detect
from unveil.photos.detect import SMALLEST_SHARE

WIDTH, HEIGHT, LARGEST = 1600, 1200, 330  # pixels
GROUPS = [(1.0,), (1, 1 / 2), (1, 1 / 3), (1, 1 / 4), (1, 1 / 2, 1 / 3, 1 / 4, 1 / 6)]  # shares of the largest face
COMPLETE = 1e-9  # share of a face to which all is searched
Group = tuple[np.ndarray, list[np.ndarray]]  # a photograph [H, W, 3], landmarks [68, 2] of each face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("landmarks", type=Path)
    parser.add_argument("--count", type=int, default=24, help="photographs per group")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    samples = list(read(arguments.faces, arguments.landmarks, 5 * arguments.count))
    detector = FaceDetector(threads=1)
    for shares in GROUPS:
        groups = [paste(samples[k:], shares) for k in range(arguments.count)]
        found, seconds = search(detector, groups, SMALLEST_SHARE)
        all_found, all_seconds = search(detector, groups, COMPLETE)
        faces = sum(len(landmarks) for _, landmarks in groups)
        names = ", ".join(f"1/{1 / share:.0f}" for share in shares)
        ratio = statistics.median(np.divide(seconds, all_seconds).tolist())
        print(f"{names:24s} found {found} of {all_found} of {faces}   time {ratio:4.0%}")


def paste(samples: list[tuple[np.ndarray, np.ndarray]], shares: tuple[float, ...]) -> Group:
    """The first samples side by side over a picture without a face, of these shares of the largest size."""
    photograph = cv2.resize(skimage.data.coffee(), (WIDTH, HEIGHT))
    left, landmarks = 20, []
    for (image, points), share in zip(samples, shares, strict=False):
        scale = LARGEST * share / float((points.max(axis=0) - points.min(axis=0)).mean())
        side = round(image.shape[0] * scale)
        if left + side > WIDTH:
            break
        top = (HEIGHT - side) // 2
        photograph[top : top + side, left : left + side] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        landmarks.append(points * scale + (left, top))
        left += side + 10
    return photograph, landmarks


def search(detector: FaceDetector, groups: list[Group], share: float) -> tuple[int, list[float]]:
    """Faces found, and each photograph's processor seconds, searching to such a share of the smallest certain face."""
    detect.SMALLEST_SHARE = share
    hits, seconds = 0, []
    for photograph, landmarks in groups:
        start = time.process_time()
        boxes = [found.box_ltrb for found in detector.detect(photograph)]
        seconds.append(time.process_time() - start)
        hits += sum(any(fits(box, points) for box in boxes) for points in landmarks)
    return hits, seconds


if __name__ == "__main__":
    main()
