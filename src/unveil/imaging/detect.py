"""Faces in a photograph, by BlazeFace short range on an image pyramid.

BlazeFace (Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019) was made for
128 x 128 pixels and sees faces from about 20 to 80 of them. The network is convolutional: it is run on the whole
photograph at a series of scales, each half the next, so that every size of face comes into that range once or twice
and no face is ever cut by the border of a tile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SCORE_THRESHOLD = 0.5
SMALLEST_FACE = 40.0  # image pixels; a smaller face carries too little to reconstruct it from
COARSEST = 64  # long side of the photograph, in network pixels: a face may fill all of it
ALWAYS = 128  # small photographs are searched up to this long side at least
FINEST = 2048
FACE_RANGE = (20, 80)  # side of the faces that a scale is trusted with, in network pixels
MARGIN = 16  # black network pixels around the photograph, for faces that its border cuts
STRIDES_AND_ANCHORS = ((8, 2), (16, 6))  # network pixels per cell, anchors per cell
SAME_FACE_IOU = 0.3
PART_OF_FACE = 0.6  # share of the smaller box that lies inside the larger one


@dataclass(frozen=True, eq=False)
class Detection:
    """A face in a photograph, in image pixels with centres at integers; it may reach beyond the photograph.

    ``box_ltrb`` [4] left, top, right, bottom: from the brows to the chin, about as wide as high.
    ``keypoints`` [6, 2] the subject's right eye, left eye, nose tip, mouth, right ear, left ear.
    ``score`` in [0, 1]: how sure the network is.
    """

    box_ltrb: Floats
    keypoints: Floats
    score: float

    @property
    def size(self) -> float:
        """Mean of the box's width and height, image pixels."""
        return float((self.box_ltrb[2:] - self.box_ltrb[:2]).mean())


class FaceDetector:
    """Finds faces by the packaged network, or by another file or bytes with the same ONNX signature."""

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | None = None,
        score_threshold: float = SCORE_THRESHOLD,
        smallest_face: float = SMALLEST_FACE,
    ) -> None:
        if model is None:
            model = (resources.files("unveil") / "assets/data/blazeface.onnx").read_bytes()
        elif not isinstance(model, bytes):
            model = Path(model).read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(4, os.cpu_count() or 1)  # too small a network to feed more
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._score_threshold = score_threshold
        self._smallest_face = smallest_face

    def detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        """The faces in a picture [H, W, 3], the largest first; an empty list where there is none."""
        points, scores = self._candidates(image)  # [N, 8, 2], [N]
        faces = [Detection(face[:2].ravel(), face[2:], score) for face, score in merge_candidates(points, scores)]
        return sorted(faces, key=lambda face: face.size, reverse=True)

    def _candidates(self, image: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """All answers above the threshold: corners and keypoints [N, 8, 2] in image pixels, scores [N]."""
        found = [self._candidates_at(level, image.shape[:2]) for level in pyramid(image, self._smallest_face)]
        return np.concatenate([points for points, _ in found]), np.concatenate([scores for _, scores in found])

    def _candidates_at(self, level: NDArray[np.uint8], shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        padded = pad_to_grid(level)
        boxes, logits = self._session.run(None, {"images": padded[None]})
        scores = 1 / (1 + np.exp(-np.clip(logits[0], -80, 80)))  # float32 overflows at 88
        height, width = padded.shape[:2]
        sure = scores > self._score_threshold
        points = decode(boxes[0][sure], anchors(height, width)[sure])
        sides = (points[:, 1] - points[:, 0]).mean(axis=-1)
        keep = (sides > FACE_RANGE[0] / 2) & (sides < FACE_RANGE[1])
        scale = np.array([shape[1] / level.shape[1], shape[0] / level.shape[0]], np.float32)
        return (points[keep] - MARGIN) * scale - np.float32(0.5), scores[sure][keep]


def pyramid(image: NDArray[np.uint8], smallest_face: float) -> Iterator[NDArray[np.uint8]]:
    """The picture at long sides of 64, 128, ... network pixels, finest first, until the smallest face shows."""
    height, width = image.shape[:2]
    long_side = max(height, width)
    finest = max(ALWAYS, min(FINEST, long_side * FACE_RANGE[0] / smallest_face))
    side = COARSEST * 2 ** int(np.log2(finest / COARSEST))
    while side >= COARSEST:
        size = [max(1, round(length * side / long_side)) for length in (width, height)]
        shrinks = size[0] < image.shape[1]
        image = np.asarray(
            cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
        )
        yield image
        side //= 2


def pad_to_grid(level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A black margin, and more of it right and below up to a multiple of the coarser stride."""
    stride = STRIDES_AND_ANCHORS[-1][0]
    height, width = level.shape[:2]
    right, bottom = (MARGIN + -(length + 2 * MARGIN) % stride for length in (width, height))
    return np.pad(level, ((MARGIN, bottom), (MARGIN, right), (0, 0)))


def anchors(height: int, width: int) -> Floats:
    """Centres (x, y) [A, 2] that the network's answers refer to, in its pixels, in its order."""
    grids = []
    for stride, per_cell in STRIDES_AND_ANCHORS:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32)
        centres = (np.stack([x, y], axis=-1) + np.float32(0.5)) * stride
        grids.append(np.repeat(centres.reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(grids)


def decode(boxes: Floats, centres: Floats) -> Floats:
    """Answers [N, 16] (centre, size, six keypoints) about anchors [N, 2] to points [N, 8, 2].

    The points are the left top corner, the right bottom corner and the keypoints, in network pixels.
    """
    values = boxes.reshape(-1, 8, 2)
    middle, half = centres + values[:, 0], values[:, 1] / 2
    return np.concatenate([np.stack([middle - half, middle + half], axis=1), centres[:, None] + values[:, 2:]], axis=1)


def merge_candidates(points: Floats, scores: Floats) -> Iterator[tuple[Floats, float]]:
    """One face for each group of answers about it: the mean of those that agree, weighted by their scores.

    Takes points [N, 8, 2], corners first, and scores [N]. A box that lies mostly within a surer one is a part of that
    face, such as half of it at another scale, and is dropped.
    """
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    while len(points):
        iou, inside = overlaps(points[0, :2], points[:, :2])
        agree = iou > SAME_FACE_IOU
        yield np.average(points[agree], axis=0, weights=scores[agree]).astype(np.float32), float(scores[0])
        rest = ~agree & (inside < PART_OF_FACE)
        points, scores = points[rest], scores[rest]


def overlaps(box: Floats, boxes: Floats) -> tuple[Floats, Floats]:
    """Intersection of a box [2, 2] with boxes [N, 2, 2], over the union and over the smaller of the two."""
    sides = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    shared = np.maximum(sides, 0).prod(axis=-1)
    area, areas = (box[1] - box[0]).prod(), (boxes[:, 1] - boxes[:, 0]).prod(axis=-1)
    return shared / (area + areas - shared), shared / np.minimum(area, areas)
