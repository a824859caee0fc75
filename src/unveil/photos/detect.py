"""Faces in a photograph, by BlazeFace on an image pyramid and a second look at whatever it finds.

The network is run on the whole photograph at a series of scales, each half the next, so that every size of face comes
into its range at least once and no face is cut by the border of a tile. Among so many places and scales some are
taken for a face by chance. So each find is looked at again by itself at several sizes, and the mean score decides: a
face keeps its score, even when half hidden; an accident does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from unveil.assets.store import packaged
from unveil.photos.blazeface import FACE_RANGE, GRID, BlazeFace
from unveil.photos.crop import Crop
from unveil.photos.io import Photograph, as_rgb
from unveil.typing import Float32s, Image

SMALLEST_FACE = 40.0  # image pixels; a smaller face carries too little to reconstruct it from
COARSEST = 64  # long side of the photograph, in network pixels: a face may fill all of it
ALWAYS = 128  # small photographs are searched up to this long side at least
FINEST = 2048
MARGIN = 16  # black network pixels around the photograph, for faces that its border cuts

WORTH_A_LOOK = 0.4  # score at any scale
LOOK_SIZE = 128  # network pixels around a find
LOOK_FACE_SIDES = (28, 40, 56)  # side of the face in each look, network pixels

# A photograph has more places for a small face than for a large one, and so more to be mistaken for one: the score
# asked for rises with every halving of the face.
SCORE_THRESHOLD = 0.5
LARGE_FACE = 0.2  # side of a face for which the plain threshold holds, in long sides of the photograph
RISE_PER_HALVING = 0.1

SAME_FACE_IOU = 0.3
PART_OF_FACE = 0.6  # share of the smaller box that lies inside the larger one


@dataclass(frozen=True, eq=False)
class Detection:
    """A face in a photograph, in image pixels with centres at integers; it may reach beyond the photograph.

    ``box_ltrb`` [4] left, top, right, bottom: from the brows to the chin, about as wide as high.
    ``keypoints`` [6, 2] the subject's right eye, left eye, nose tip, mouth, right ear, left ear.
    ``score`` in [0, 1]: how sure the network is.
    """

    box_ltrb: Float32s
    keypoints: Float32s
    score: float

    def __repr__(self) -> str:
        left, top, right, bottom = self.box_ltrb
        return f"Detection(box_ltrb=[{left:.0f}, {top:.0f}, {right:.0f}, {bottom:.0f}], score={self.score:.2f})"

    @property
    def size(self) -> float:
        """Mean of the box's width and height, image pixels."""
        return float((self.box_ltrb[2:] - self.box_ltrb[:2]).mean())


class FaceDetector:
    """Finds the faces in a photograph.

    Args:
        model: BlazeFace as an ONNX file or its bytes; the one in the package if left out.
        score_threshold: how sure the network must be of a large face; see `required_score`.
        smallest_face: side in image pixels of the smallest face to search for; faces down to half of it are accepted. A
            smaller value is slower.
        threads: processor threads; at most four if left out.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | None = None,
        score_threshold: float = SCORE_THRESHOLD,
        smallest_face: float = SMALLEST_FACE,
        *,
        threads: int | None = None,
    ) -> None:
        if not smallest_face >= 8:
            raise ValueError(f"faces of {smallest_face} pixels cannot be found; ask for at least 8")
        self._network = BlazeFace(packaged("blazeface.onnx") if model is None else model, threads=threads)
        self._score_threshold = score_threshold
        self._smallest_face = smallest_face

    def __repr__(self) -> str:
        return f"FaceDetector(score_threshold={self._score_threshold:g}, smallest_face={self._smallest_face:g})"

    def detect(self, image: Photograph) -> list[Detection]:
        """The faces in a photograph, as `as_rgb` takes it, the largest first; an empty list where there is none."""
        faces = []
        image = as_rgb(image)
        finds = merge([self._search(level, image.shape[:2]) for level in pyramid(image, self._smallest_face)])
        looks = [self._look_again(image, points, score) for points, score in finds]
        for points, score in merge(looks):
            face = Detection(points[:2].ravel(), points[2:], score)
            if score > required_score(face.size / max(image.shape[:2]), self._score_threshold):
                faces.append(face)
        return sorted(faces, key=lambda face: face.size, reverse=True)

    def _search(self, level: Image, shape: tuple[int, ...]) -> tuple[Float32s, Float32s]:
        """All answers worth a look in one scale of the picture: points [N, 8, 2] in image pixels, scores [N]."""
        points, scores = (answer[0] for answer in self._network(pad_to_grid(level)[None]))
        worth = scores > WORTH_A_LOOK
        points, scores = points[worth], scores[worth]
        scale = np.array([shape[1] / level.shape[1], shape[0] / level.shape[0]], np.float32)
        in_image = (points + np.float32(0.5) - MARGIN) * scale - np.float32(0.5)
        keep = (mean_side(points) < FACE_RANGE[1]) & (mean_side(in_image) > self._smallest_face / 2)
        return in_image[keep], scores[keep]

    def _look_again(self, image: Image, find: Float32s, score: float) -> tuple[Float32s, Float32s]:
        """The same face [1, 8, 2] seen alone at several sizes, and its mean score [1] over these and the first."""
        centre, side = find[:2].mean(axis=0), float(mean_side(find))
        crops = [Crop.from_square(centre, side * LOOK_SIZE / seen, LOOK_SIZE) for seen in LOOK_FACE_SIDES]
        answers = self._network(np.stack([crop.warp(image) for crop in crops]))
        seen_points, seen_scores = [find], [score]
        for crop, points, scores in zip(crops, *answers, strict=True):
            in_image = crop.to_image(points).astype(np.float32)
            same = overlaps(find[:2], in_image[:, :2])[0] > SAME_FACE_IOU
            best = np.argmax(scores * same)
            seen_points.append(in_image[best])
            seen_scores.append(float(scores[best] * same[best]))
        mean = np.average(seen_points, axis=0, weights=seen_scores)
        return mean[None].astype(np.float32), np.array([np.mean(seen_scores)], np.float32)


def pyramid(image: Image, smallest_face: float) -> Iterator[Image]:
    """The picture at long sides of ..., 128, 64 network pixels, from where the smallest face shows."""
    height, width = image.shape[:2]
    long_side = max(height, width)
    finest = max(ALWAYS, min(FINEST, long_side * FACE_RANGE[0] / smallest_face))
    side = COARSEST * 2 ** int(np.log2(finest / COARSEST))
    while side >= COARSEST:
        size = [max(1, round(length * side / long_side)) for length in (width, height)]
        interpolation = cv2.INTER_AREA if side < max(image.shape[:2]) else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
        yield image
        side //= 2


def pad_to_grid(level: Image) -> Image:
    """A black margin, and more of it right and below up to a multiple of the network's grid."""
    height, width = level.shape[:2]
    right, bottom = (MARGIN + -(length + 2 * MARGIN) % GRID for length in (width, height))
    return np.pad(level, ((MARGIN, bottom), (MARGIN, right), (0, 0)))


def required_score(size: float, score_threshold: float = SCORE_THRESHOLD) -> float:
    """The score asked of a face whose side is ``size`` long sides of the photograph."""
    return score_threshold + RISE_PER_HALVING * max(0.0, float(np.log2(LARGE_FACE / size)))


def merge(answers: list[tuple[Float32s, Float32s]]) -> Iterator[tuple[Float32s, float]]:
    """One face for each group of answers about it: the mean of those that agree, weighted by their scores.

    Takes points [N, 8, 2], corners first, and scores [N]. A box that lies mostly within a surer one is a part of that
    face, such as half of it at another scale, and is dropped.
    """
    if not answers:
        return
    points, scores = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    while len(points):
        iou, inside = overlaps(points[0, :2], points[:, :2])
        agree = iou > SAME_FACE_IOU
        yield np.average(points[agree], axis=0, weights=scores[agree]).astype(np.float32), float(scores[0])
        rest = ~agree & (inside < PART_OF_FACE)
        points, scores = points[rest], scores[rest]


def overlaps(box: Float32s, boxes: Float32s) -> tuple[Float32s, Float32s]:
    """Intersection of a box [2, 2] with boxes [N, 2, 2], over the union and over the smaller of the two."""
    sides = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    shared = np.maximum(sides, 0).prod(axis=-1)
    area, areas = (box[1] - box[0]).prod(), (boxes[:, 1] - boxes[:, 0]).prod(axis=-1)
    least = np.float32(1e-6)  # square pixels: boxes without area overlap nothing
    return shared / np.maximum(area + areas - shared, least), shared / np.maximum(np.minimum(area, areas), least)


def mean_side(points: Float32s) -> Float32s:
    """Mean of width and height of boxes, of points [..., 8, 2] that begin with their corners."""
    return np.asarray((points[..., 1, :] - points[..., 0, :]).mean(axis=-1))
