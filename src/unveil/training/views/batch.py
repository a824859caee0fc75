"""The input of one training step: crops and their labels."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.models.classes import CLASS_SIZE, OCCLUDER
from unveil.models.encoder import OCCLUSION_SIZE
from unveil.occluders.base import Occlusion
from unveil.training.views.beside import NO_FACE, WEIGHTS
from unveil.typing import Bools, Float32s, Image, Images, Int64s, UInt8s


class Batch(NamedTuple):
    """The input of one training step."""

    images: Images  # [B, S, S, 3]
    coefficients: Float32s  # [B, M] in the frame of the learner's crop
    weight: Float32s  # [B] trust in the labels of the face
    shape_weight: Float32s  # [B] trust in the coefficients' shape of the head
    occlusion: Float32s  # [B, 28, 28] share of each cell that an occluder covers
    points: Float32s  # [B, P, 2] of the face in the crop's [-1, 1] frame; P is 0 where they are not learned
    classes: UInt8s  # [B, 56, 56] of the crop's cells, `UNKNOWN` among them; [B, 0, 0] where they are not learned
    partner: Int64s  # [B] row of the same crop without the occluder, or -1
    face: Float32s  # [B] 1 for a face, 0 where there is none and every other label is without meaning


class SampleLabels(NamedTuple):
    """The labels of samples, in the frame of the learner's crop; as in `Batch`."""

    coefficients: Float32s  # [N, M]
    weight: Float32s  # [N]
    shape_weight: Float32s  # [N]
    points: Float32s  # [N, P, 2]


def batch_of(labels: SampleLabels, fronts: list[Occlusion], maps: list[UInt8s], clears: list[Image]) -> Batch:
    """The batch of N samples' crops with what is before them, then of the same without it where ``clears`` are given.

    ``maps`` are the classes without occluders.
    """
    times = 2 if clears else 1
    occlusion = [_share(front.mask, OCCLUSION_SIZE) for front in fronts]
    occlusion += [np.zeros_like(occlusion[0]) for _ in clears]
    classes = [
        np.where(_share(front.mask, CLASS_SIZE) > 0.5, np.uint8(OCCLUDER), cells) if cells.size else cells
        for front, cells in zip(fronts, maps, strict=True)
    ]
    partner = np.full(len(fronts) * times, -1)
    partner[: len(clears)] = len(fronts) + np.arange(len(clears))
    return Batch(
        images=np.stack([front.image for front in fronts] + clears),
        coefficients=np.tile(labels.coefficients, (times, 1)),
        weight=np.tile(labels.weight, times),
        shape_weight=np.tile(labels.shape_weight, times),
        occlusion=np.stack(occlusion),
        points=np.tile(labels.points, (times, 1, 1)),
        classes=np.stack(classes + maps[: len(clears)]),
        partner=partner,
        face=np.ones(len(fronts) * times, np.float32),
    )


def framed(batch: Batch, framings: Int64s) -> Batch:
    """A batch that says which of its crops, framed in one of these ways, show a face, and what their labels count."""
    framings = np.tile(framings, len(batch.face) // len(framings))  # of pairs there are twice as many
    face = (framings != NO_FACE).astype(np.float32)
    return batch._replace(weight=batch.weight * WEIGHTS[framings], face=face)


def _share(mask: Bools, size: int) -> Float32s:
    """Share of each cell [size, size] that a mask [S, S] marks."""
    return np.asarray(cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA), np.float32)
