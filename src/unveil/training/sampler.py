"""How a training image is drawn from a sample: moved, mirrored, partly occluded, and seen by another camera.

Labels are in the frame of the canonical crop, the middle of the wide crop; crop and label move together.

Every random choice about a sample in an epoch comes from a generator seeded with the run's seed, the epoch and the
sample's name, so that the data do not depend on the number of processes or workers, nor on whether the run was
interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from unveil.heads.face_points import face_points
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.mirror import mirror_matrix
from unveil.occluders.base import Face, Occlusion, Pool, sample_generator
from unveil.occluders.head_surface import HeadSurface
from unveil.occluders.pool import load_pool
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN
from unveil.training.data import TrainingData
from unveil.training.views.batch import Batch, SampleLabels, batch_of, framed
from unveil.training.views.beside import BADLY, NO_FACE, draw_framings, perturb_framing, similarity
from unveil.training.views.cropping import Cropper, Shown
from unveil.training.views.photometry import disturb
from unveil.typing import Bools, Float32s, Float64s, Floats, Int64s

# Of a coefficient, in the standard deviations that its layout states, else in its own unit: one that never moves must
# not divide by zero.
SMALLEST_STD = 1e-3


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training and validation batches from the data."""

    data: TrainingData
    config: TrainConfig
    pool: Pool

    @cached_property
    def mirror(self) -> Float32s | None:
        """The matrix [M, M] that coefficients are multiplied with in a mirrored crop; without it nothing is flipped."""
        return mirror_matrix(self.data.model)

    @cached_property
    def surface(self) -> HeadSurface:
        """The head's surface, on which worn occluders are placed."""
        return HeadSurface.of(self.data.model)

    @cached_property
    def crops(self) -> Cropper:
        """The crops of samples before an occluder is put in front."""
        return Cropper(self.data, self.config, self.pool)

    def order(self, epoch: int) -> Int64s:
        """The training samples in the order of an epoch."""
        return np.random.default_rng((self.config.seed, epoch)).permutation(self.data.indices(TRAIN))

    def severity(self, epochs: float) -> float:
        """Largest share of the face that is hidden after so many epochs; 0 leaves it to the occluders."""
        c = self.config
        progress = min(1.0, epochs / c.severity_epochs) if c.severity_epochs else 1.0
        return c.severity_start + progress * (c.severity - c.severity_start) if c.severity else 0.0

    def training_batch(self, epoch: int, indices: Int64s, severity: float = 0.0) -> Batch:
        """Augmented samples [B], some of them occluded; where crops are paired, first all occluded, then all clear.

        ``severity`` is the largest share of the face that is hidden; 0 leaves it to the occluders.
        """
        generators = [self._generator(epoch, index) for index in indices]
        flips, moves = self._draw_moves(generators)
        framings = draw_framings(generators, self.config.beside)
        moves = self._framed(moves, framings, generators)
        labels, faces = self._move(indices, flips, moves)
        views = [Shown(*view) for view in zip(indices, flips, moves, framings, strict=True)]
        fronts, clears, maps = [], [], []
        for view, face, rng in zip(views, faces, generators, strict=True):
            clear, classes = self.crops.see(view, face, rng)
            maps.append(classes)
            front = Occlusion.of_nothing(clear)
            if view.framing != NO_FACE and (self.config.paired or rng.random() < self.config.occluded):
                most = severity / 2 if view.framing == BADLY else severity  # of so little, half is much
                front = self.pool.apply(clear, face, rng, rng.uniform(0.05, most) if severity else None)
            seed = int(rng.integers(2**63))  # the pair sees the same light and the same camera
            if self.config.paired:
                clears.append(disturb(clear, np.random.default_rng(seed), self.config.colour))
            image = disturb(front.image, np.random.default_rng(seed), self.config.colour)
            fronts.append(Occlusion(image, front.mask, front.kind))
        return framed(batch_of(labels, fronts, maps, clears), framings)

    def validation_batch(self, indices: Int64s, *, occluded: bool, severity: float | None = None) -> Batch:
        """Samples [B] in the learner's own framing, all of them clear or all occluded, the same at every call.

        ``severity`` is the share of each face that is hidden; without it the share is drawn at random.
        """
        flips, moves = _unmoved(len(indices))
        labels, faces = self._move(indices, flips, moves)
        fronts, maps = [], []
        for k, index in enumerate(indices):
            image, classes = self.crops.warp(index, moves[k], flip=False)
            maps.append(classes)
            front = Occlusion.of_nothing(image)
            if occluded:
                rng = self._generator(0, index)
                share = rng.uniform(0.05, self.config.severity or 1.0)
                front = self.pool.apply(image, faces[k], rng, severity or share)
            fronts.append(front)
        return batch_of(labels, fronts, maps, [])

    def beside_batch(self, indices: Int64s) -> Batch:
        """Samples that alternate between a badly framed face and no face, the same at every call."""
        generators = [self._generator(0, index) for index in indices]
        framings = np.where(np.arange(len(indices)) % 2, NO_FACE, BADLY)
        flips, moves = _unmoved(len(indices))
        moves = self._framed(moves, framings, generators)
        labels, faces = self._move(indices, flips, moves)
        views = [Shown(*view) for view in zip(indices, flips, moves, framings, strict=True)]
        crops = [self.crops.see(*seen) for seen in zip(views, faces, generators, strict=True)]
        fronts = [Occlusion.of_nothing(crop.image) for crop in crops]
        maps = [crop.classes for crop in crops]
        return framed(batch_of(labels, fronts, maps, []), framings)

    def _move(self, indices: Int64s, flips: Bools, moves: Float64s) -> tuple[SampleLabels, list[Face]]:
        """The labels of the samples [B] after mirroring and moving, and their faces for occluders."""
        coefficients, points = self.move_labels(indices, flips, moves), self.move_points(indices, flips, moves)
        labels = SampleLabels(coefficients, self.data.weight[indices], self.data.shape_weight[indices], points)
        return labels, self.faces(coefficients, self.move_landmarks(indices, flips, moves))

    def faces(self, labels: Float32s, landmarks68: Float64s) -> list[Face]:
        """Where occluders go: landmarks [B, 68, 2] in pixels of the learner's crop, and the heads of labels [B, M]."""
        meshes = self.surface.place(Coefficients(self.data.layout, labels), self.config.input_size)
        return [Face.of(points, mesh) for points, mesh in zip(landmarks68, meshes, strict=True)]

    def layout_with_statistics(self) -> CoefficientLayout:
        """The layout with mean and standard deviation of the labels as the first epoch moves them."""
        indices = self.data.indices(TRAIN)
        flips, moves = self._draw_moves([self._generator(0, index) for index in indices])
        labels = self.move_labels(indices, flips, moves).astype(np.float64)
        smallest = SMALLEST_STD * self.data.layout.statistics(labels)[1]
        return self.data.layout.with_statistics(labels.mean(axis=0), np.maximum(labels.std(axis=0), smallest))

    def move_labels(self, indices: Int64s, flips: Bools, moves: Float64s) -> Float32s:
        """Coefficients [B, M] of the samples after mirroring and the similarities [B, 2, 3] of the learner's crop."""
        values = self.data.coefficients.values[indices]
        if self.mirror is not None:
            values = np.where(flips[:, None], values @ self.mirror, values)
        size = self.config.input_size
        moved = self.data.model.moved(Coefficients(self.data.layout, values), moves, size, size)
        return np.asarray(moved.values, np.float32)

    def move_landmarks(self, indices: Int64s, flips: Bools, moves: Float64s) -> Float64s:
        """Landmarks [B, 68, 2] of the samples in pixels of the learner's crop."""
        return self._moved(self.data.landmarks68[indices], np.array(IBUG68_MIRROR), flips, moves)

    def move_points(self, indices: Int64s, flips: Bools, moves: Float64s) -> Float32s:
        """Face points [B, P, 2] of the samples in the [-1, 1] frame of the learner's crop."""
        if not self.config.point_weight:
            return np.zeros((len(indices), 0, 2), np.float32)
        moved = self._moved(self.data.points[indices], face_points(self.data.model).mirror, flips, moves)
        return (moved * (2 / self.config.input_size) - 1).astype(np.float32)

    def _moved(self, points: Floats, mirror: Int64s, flips: Bools, moves: Float64s) -> Float64s:
        """Points [B, P, 2] in sides of the canonical crop, mirrored and moved, in pixels of the learner's crop."""
        size = self.config.input_size
        points = points.astype(np.float64) * size
        points = np.where(flips[:, None, None], points[:, mirror] * (-1, 1) + (size, 0), points)
        return np.asarray(points @ np.swapaxes(moves[:, :, :2], 1, 2) + moves[:, None, :, 2])

    def _generator(self, epoch: int, index: int) -> np.random.Generator:
        return sample_generator(self.config.seed, self.data.name(index), epoch)

    def _draw_moves(self, generators: list[np.random.Generator]) -> tuple[Bools, Float64s]:
        """Whether each sample is mirrored [B], and the similarity [B, 2, 3] applied to its crop after that.

        Triangular distributions: the second pass of a reconstruction frames the face well, the first less so.
        """
        c, size = self.config, self.config.input_size
        draws = np.array([(*rng.triangular(-1, 0, 1, 4), rng.random()) for rng in generators])  # [B, 5]
        scale, angle = np.exp(c.scale * draws[:, 0]), np.radians(c.rotation) * draws[:, 1]
        flips = (draws[:, 4] < c.flip) & (self.mirror is not None)
        return flips, similarity(size, scale, angle, c.shift * size * draws[:, 2:4])

    def _framed(self, moves: Float64s, framings: Int64s, generators: list[np.random.Generator]) -> Float64s:
        """The similarities [B, 2, 3], replaced for the samples that are to be framed badly."""
        moves = moves.copy()
        for k in np.flatnonzero(framings == BADLY):
            moves[k] = perturb_framing(self.config.input_size, generators[k])
        return moves


def _unmoved(count: int) -> tuple[Bools, Float64s]:
    """Flips [count] and moves [count, 2, 3] that leave samples as they are."""
    return np.zeros(count, bool), np.repeat(np.eye(2, 3)[None], count, axis=0)


def occluders_of(config: TrainConfig) -> Pool:
    """The occluders that settings name; UnveilError where one does not exist."""
    folder = Path(config.occluders) if config.occluders else None
    return load_pool(folder, config.kinds.split(",") if config.kinds else None)
