"""Faces in a photograph, by BlazeFace on an image pyramid and a second look at its finds.

The network runs on the whole photograph at a series of scales, each half the next, so that every size of face comes
into its range at least once and no tile cuts a face. Among so many places and scales, some are taken for a face by
chance. So a find that fewer than two scales are certain of is looked at again by itself at several sizes, and the mean
score decides: a face keeps its score, even when half hidden; an accident does not. A find that is not certain is also
looked at with the photograph turned. Where nothing certain is left, the whole photograph is searched at a finer scale,
and every find is looked at turned.

The coarse scales come first. The search ends when faces a third as large as the smallest certain one would have been
found. So the people of a group lead to each other, and a portrait is not searched for faces in its background.

Where another network decides afterwards what is a face, a much lower score is enough: for second looks, and for finds
where nothing certain is found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from unveil.assets.store import packaged
from unveil.photos.blazeface import FACE_RANGE, BlazeFace
from unveil.photos.crop import Crop
from unveil.photos.detection import SAME_FACE_IOU, Detection, distinct, mean_side, merge, overlaps
from unveil.photos.io import Photograph, as_rgb
from unveil.photos.pyramid import MARGIN, MOST_PIXELS, Scales, finer_levels, levels_of, pad_to_grid
from unveil.processes import begun
from unveil.typing import Float32s, Floats, Image

SMALLEST_FACE = 40.0  # image pixels; a smaller face carries too little to reconstruct it from
WORTH_A_LOOK = 0.4  # score at any scale
LOOK_SIZE = 128  # network pixels around a find
LOOK_FACE_SIDES = (28, 40, 56)  # side of the face in each look, network pixels
GLANCE = (40,)  # the same where one look is to tell whether more are worth it

# A photograph has more places for a small face than for a large one, and so more that can be mistaken for one. So the
# required score rises with every halving of the face.
SCORE_THRESHOLD = 0.5
LARGE_FACE = 0.2  # side of a face for which the plain threshold holds, in long sides of the photograph
RISE_PER_HALVING = 0.1
MOST_REQUIRED = 0.85  # clear faces have more at any size, and nothing else that we have seen does

# Scores that a generous search asks for in second looks, and of finds. Of 1,000 faces of YouTube Faces with 40 %
# hidden, the scores above lose or misplace 41. Of these, 34 reach the first in second looks, and all but one of the
# others have finds that reach the second.
GENEROUS, HARDLY_WORTH_A_LOOK = 0.3, 0.2
MOST_HARDLY = 8  # finds with so low a score that are looked at

SMALLEST_SHARE = 1 / 3  # of the smallest certain face's side, to which the search goes on
AHEAD = 2  # the level, counted from the coarsest, that most searches end at: a second core begins with it at once
SEEN_SIDE = 16  # network pixels; from this side on nine of ten faces are found worth a look

# The network also finds faces that lie on their side or are upside down, but less surely, and beyond a quarter turn it
# takes the mouth for the eyes. So a find that is not certain is looked at again with the photograph turned. Searching
# the whole turned photograph finds no more: of 101 turned faces that it found, every one had scored 0.54 or more
# upright. In 288 pictures without a face, no find exceeds 0.75 at two scales; of 94 clear faces, 9 in 10 reach the
# score below.
CERTAIN = 0.8  # score
TURNS = (90, 180, -90)  # degrees clockwise that a face may be turned by
SURER = 0.15  # score by which a turned face must be surer than the same one upright

_Answers: TypeAlias = list[tuple[Float32s, Float32s]]  # points [N, 8, 2] and scores [N] of each level or look
_Finds: TypeAlias = list[tuple[Float32s, float]]  # points [8, 2] and score of each


class FaceDetector:
    """Finds the faces in a photograph.

    Args:
        model: BlazeFace as an ONNX file or its bytes; the one in the package if left out.
        score_threshold: how sure the network must be of a large face; see `required_score`.
        smallest_face: side in image pixels of the smallest face to search for; faces down to half of it are accepted. A
            smaller value is slower.
        threads: processor threads; at most four if left out.

    Raises:
        UnveilError: the model is missing or cannot be used.
        ValueError: the smallest face has fewer than 8 pixels.
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

    def detect(self, image: Photograph, *, generous: bool = False) -> list[Detection]:
        """All faces in a photograph (path, PIL image or RGB array), the largest first; an empty list for none.

        A ``generous`` search gives everything that may be a face.

        Raises:
            UnveilError: the path leads to no readable photograph.
            TypeError: the photograph is anything else.
        """
        image = as_rgb(image)
        levels = list(levels_of(image, self._smallest_face))[::-1]
        scales = Scales(image, levels)
        answers = self._coarse_to_fine(levels, image.shape[:2])
        finds = _worth_a_look(answers)
        looks = [_seen_twice(answers, find[0]) or self._look_again(scales, *find) for find in finds]
        faces = self._faces(scales, looks)
        if not _certain(faces):
            finer = [*levels[len(answers) :], *finer_levels(image, self._smallest_face, levels[-1])]
            more = _worth_a_look([self._search(level, image.shape[:2]) for level in finer])
            looks += [self._look_again(scales, *find) for find in more]
            finds, faces = finds + more, self._faces(scales, looks)
        if not _certain(faces):
            faces += self._turned_faces(scales, finds)
        if generous:
            if not _certain(faces):
                weak = [find for find in merge(answers) if find[1] <= WORTH_A_LOOK]
                looks += [self._look_again(scales, *find) for find in weak[:MOST_HARDLY]]
            faces += self._perhaps_faces(scales, looks)
        return sorted(distinct(faces), key=lambda face: face.size, reverse=True)

    def _coarse_to_fine(self, levels: Sequence[Image], shape: tuple[int, ...]) -> _Answers:
        """Answers in each level of a photograph of that shape, the coarsest first, as far as the search goes."""
        answers: _Answers = []
        ahead = [begun(self._search, level, shape) for level in levels[AHEAD : AHEAD + 1]]
        for k, level in enumerate(levels):
            answers.append(ahead[0]() if k == AHEAD else self._search(level, shape))
            smallest_seen = SEEN_SIDE * max(shape) / max(level.shape[:2])  # image pixels
            certain = [mean_side(points) for points, score in merge(answers) if score > CERTAIN]
            if certain and SMALLEST_SHARE * min(certain) >= smallest_seen:
                break
        return answers

    def _faces(self, scales: Scales, looks: _Answers) -> list[Detection]:
        """The faces in second looks, points [1, 8, 2] and scores [1], with the score that their size asks for."""
        found = [_detection(*face) for face in merge(looks)]
        return [self._right_way_up(scales, face) for face in found if face.score > self._required(face, scales)]

    def _perhaps_faces(self, scales: Scales, looks: _Answers) -> Iterator[Detection]:
        """Finds in second looks whose score is not enough for `_faces`, but more than chance."""
        for face in (_detection(*find) for find in merge(looks)):
            if GENEROUS < face.score <= self._required(face, scales):
                yield face

    def _turned_faces(self, scales: Scales, finds: _Finds) -> Iterator[Detection]:
        """Faces among the finds that stand upright, and are seen surely, once the photograph is turned."""
        for face in (_detection(*find) for find in finds):
            glances = {turn: self._look_turned(scales, face, turn, GLANCE).score for turn in TURNS}
            turn = max(glances, key=lambda turn: glances[turn])
            if glances[turn] > WORTH_A_LOOK:
                seen = self._seen_best(scales, face, [turn])
                if seen.size > self._smallest_face / 2 and seen.score > max(CERTAIN, self._required(seen, scales)):
                    yield seen

    def _required(self, face: Detection, scales: Scales) -> float:
        return required_score(face.size / max(scales.image.shape[:2]), self._score_threshold)

    def _search(self, level: Image, shape: tuple[int, ...]) -> tuple[Float32s, Float32s]:
        """All answers in one scale of the picture: points [N, 8, 2] in image pixels, scores [N]; not the worst."""
        strips = self._network.in_strips(pad_to_grid(level), HARDLY_WORTH_A_LOOK)
        points, scores = (np.concatenate(parts) for parts in zip(*strips, strict=True))
        scale = np.array([shape[1] / level.shape[1], shape[0] / level.shape[0]], np.float32)
        in_image = (points + np.float32(0.5) - MARGIN) * scale - np.float32(0.5)
        keep = (mean_side(points) < FACE_RANGE[1]) & (mean_side(in_image) > self._smallest_face / 2)
        return in_image[keep], scores[keep]

    def _look_again(self, scales: Scales, find: Float32s, score: float) -> tuple[Float32s, Float32s]:
        """The same face [1, 8, 2] seen alone at several sizes, and its mean score [1] over these and the first."""
        centre, side = find[:2].mean(axis=0), float(mean_side(find))
        crops = [Crop.from_square(centre, side * LOOK_SIZE / seen, LOOK_SIZE) for seen in LOOK_FACE_SIDES]
        points, scores = self._seen_in(scales, crops, find[:2], _in_image)
        seen_scores = [score, *scores]
        mean = np.average([find, *points], axis=0, weights=seen_scores)
        return mean[None].astype(np.float32), np.array([np.mean(seen_scores)], np.float32)

    def _right_way_up(self, scales: Scales, face: Detection) -> Detection:
        """The face as it is seen best, where it lies or stands on its head; any other as it is."""
        if face.score > CERTAIN and face.upright:
            return face
        turned = self._seen_best(scales, face, TURNS if face.upright else (*TURNS, face.roll))
        return turned if turned.score > face.score + SURER * face.upright else face

    def _seen_best(self, scales: Scales, face: Detection, turns: Iterable[float]) -> Detection:
        """The same face seen with the photograph turned as suits it best, then with its own roll undone if better."""
        turned = max((self._look_turned(scales, face, turn) for turn in turns), key=lambda seen: seen.score)
        return max(turned, self._look_turned(scales, turned, turned.roll), key=lambda seen: seen.score)

    def _look_turned(
        self, scales: Scales, face: Detection, degrees: float, seen_sides: tuple[int, ...] = LOOK_FACE_SIDES
    ) -> Detection:
        """The same face seen alone with the photograph turned, at several sizes; of score 0 where none is seen."""
        sides = [face.size * LOOK_SIZE / seen for seen in seen_sides]
        crops = [Crop.from_square(face.centre, side, LOOK_SIZE).turned(degrees, face.centre) for side in sides]
        seen_points, seen_scores = self._seen_in(scales, crops, np.reshape(face.box_ltrb, (2, 2)), _upright_in_image)
        if not any(seen_scores):
            return Detection(face.box_ltrb, face.keypoints, 0.0)
        mean = np.average(seen_points, axis=0, weights=seen_scores).astype(np.float32)
        return Detection(mean[:2].ravel(), mean[2:], float(np.mean(seen_scores)))

    def _seen_in(
        self, scales: Scales, crops: list[Crop], box: Floats, place: Callable[[Crop, Float32s], Float32s]
    ) -> tuple[list[Float32s], list[float]]:
        """The face in a box [2, 2] as each crop shows it: points [8, 2] put into the image by ``place``, and score.

        The score is 0 where a crop does not show it.
        """
        answers = self._network(np.stack([scales.seen_in(crop) for crop in crops]))
        seen_points, seen_scores = [], []
        for crop, points, scores in zip(crops, *answers, strict=True):
            in_image = place(crop, points)
            same = overlaps(box, in_image[:, :2])[0] > SAME_FACE_IOU
            best = np.argmax(scores * same)
            seen_points.append(in_image[best])
            seen_scores.append(float(scores[best] * same[best]))
        return seen_points, seen_scores


def _seen_twice(answers: _Answers, find: Float32s) -> tuple[Float32s, Float32s] | None:
    """A find [8, 2] of which two scales are certain, as [1, 8, 2], and their mean score [1]; None for any other."""
    best = sorted(_best_score(find, *_above(CERTAIN, *answer)) for answer in answers)[-2:]
    return (find[None], np.array([np.mean(best)], np.float32)) if len(best) == 2 and all(best) else None


def _best_score(find: Float32s, points: Float32s, scores: Float32s) -> float:
    """Of answers, points [N, 8, 2] and scores [N], the best score where a find [8, 2] is; 0 where there is none."""
    there = overlaps(find[:2], points[:, :2])[0] > SAME_FACE_IOU
    return float(scores[there].max(initial=0))


def _detection(points: Float32s, score: float) -> Detection:
    return Detection(points[:2].ravel(), points[2:], score)


def _in_image(crop: Crop, points: Float32s) -> Float32s:
    """Points [N, 8, 2] of a crop in the image."""
    return np.asarray(crop.to_image(points), np.float32)


def _upright_in_image(crop: Crop, points: Float32s) -> Float32s:
    """The same for a turned crop, whose boxes become squares along the image's sides."""
    in_image = _in_image(crop, points)
    half = mean_side(points)[:, None] / 2 / np.float32(crop.scale)
    middle = in_image[:, :2].mean(axis=1)
    in_image[:, 0], in_image[:, 1] = middle - half, middle + half
    return in_image


def smallest_found(shape: tuple[int, ...]) -> float:
    """Side in pixels from which faces are found in a photograph [H, W, ...], by a detector with its defaults.

    Measured on brick walls: 45 pixels up to 24 megapixels, and no more network pixels in larger photographs.
    """
    return SMALLEST_FACE * max(1.0, float(np.sqrt(shape[0] * shape[1] / (4 * MOST_PIXELS))))


def _worth_a_look(answers: _Answers) -> _Finds:
    """The finds of answers, points [N, 8, 2] and scores [N], of which enough is asked."""
    return list(merge([_above(WORTH_A_LOOK, *answer) for answer in answers]))


def _above(least: float, points: Float32s, scores: Float32s) -> tuple[Float32s, Float32s]:
    """Of answers, points [N, 8, 2] and scores [N], those with a score above the least."""
    return points[scores > least], scores[scores > least]


def _certain(faces: list[Detection]) -> bool:
    return any(face.score > CERTAIN for face in faces)


def required_score(size: float, score_threshold: float = SCORE_THRESHOLD) -> float:
    """The score asked of a face whose side is ``size`` long sides of the photograph."""
    rise = RISE_PER_HALVING * max(0.0, float(np.log2(LARGE_FACE / size)))
    return max(score_threshold, min(score_threshold + rise, MOST_REQUIRED))
