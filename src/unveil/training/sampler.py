"""How a training image is drawn from a sample: moved, mirrored, hidden in part, and seen by another camera.

Labels are in the frame of the canonical crop, the middle of the wide crop; crop and label move together.

Every random choice about a sample in an epoch comes from a generator seeded with the run's seed, the epoch and the
sample's name, so that the data do not depend on the number of processes or workers, nor on whether the run was
interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from unveil.heads.face_points import face_points
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.mirror import mirror_matrix
from unveil.models.classes import BACKGROUND, CLASS_SIZE, OCCLUDER, UNKNOWN
from unveil.models.encoder import OCCLUSION_SIZE
from unveil.occluders.base import Face, Occlusion, Pool, sample_generator
from unveil.occluders.head_surface import HeadSurface
from unveil.occluders.pool import load_pool
from unveil.training.classes.maps import ClassMaps
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN, PreparedFolder, canonical_crop
from unveil.training.data import TrainingData
from unveil.training.views.beside import (
    BADLY,
    NO_FACE,
    WEIGHTS,
    WELL,
    draw_framings,
    draw_pattern,
    frame_badly,
    look_at_ear,
    look_beside,
    scramble_waves,
    shuffle_parts,
    similarity,
)
from unveil.training.views.photometry import disturb, surround
from unveil.typing import Bools, Float32s, Float64s, Floats, Image, Images, Int64s, UInt8s

# Of a coefficient, in the standard deviations that its layout states, else in its own unit: one that never moves must
# not divide by zero.
SMALLEST_STD = 1e-3


class Batch(NamedTuple):
    """What one training step sees."""

    images: Images  # [B, S, S, 3]
    coefficients: Float32s  # [B, M] in the frame of the learner's crop
    weight: Float32s  # [B] trust in the labels of the face
    shape_weight: Float32s  # [B] trust in what the coefficients say of the head's form
    covered: Float32s  # [B, 28, 28] share of each cell that an occluder covers
    points: Float32s  # [B, P, 2] of the face in the crop's [-1, 1] frame; P is 0 where they are not learned
    classes: UInt8s  # [B, 56, 56] of the crop's cells, `UNKNOWN` among them; [B, 0, 0] where they are not learned
    partner: Int64s  # [B] row of the same crop without the occluder, or -1
    face: Float32s  # [B] 1 for a face, 0 where there is none and every other label is without meaning


class Shown(NamedTuple):
    """How a training image shows a sample."""

    sample: int
    flip: bool
    move: Float64s  # [2, 3] from the canonical crop to the learner's
    framing: int  # of `unveil.training.views.beside`


class Cropped(NamedTuple):
    """A learner's crop before anything is in front of it."""

    image: Image  # [S, S, 3]
    classes: UInt8s  # [56, 56] of its cells; [0, 0] where they are not learned


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training and validation batches from the data."""

    data: TrainingData
    config: TrainConfig
    pool: Pool

    @cached_property
    def mirror(self) -> Float32s | None:
        """What coefficients become in a mirrored crop, [M, M]; without it nothing is flipped."""
        return mirror_matrix(self.data.model)

    @cached_property
    def surface(self) -> HeadSurface:
        """Where on the head things are worn."""
        return HeadSurface.of(self.data.model)

    @cached_property
    def class_maps(self) -> ClassMaps | None:
        """What the pixels of the crops show, where that is learned."""
        return ClassMaps.open(Path(self.config.classes), self.data.folder) if self.config.class_weight else None

    def order(self, epoch: int) -> Int64s:
        """The training samples in the order of an epoch."""
        return np.random.default_rng((self.config.seed, epoch)).permutation(self.data.indices(TRAIN))

    def severity(self, epochs: float) -> float:
        """Largest share of the face that is hidden after so many epochs; 0 leaves it to the occluders."""
        c = self.config
        progress = min(1.0, epochs / c.severity_epochs) if c.severity_epochs else 1.0
        return c.severity_start + progress * (c.severity - c.severity_start) if c.severity else 0.0

    def training_batch(self, epoch: int, indices: Int64s, severity: float = 0.0) -> Batch:
        """Augmented samples, some of them occluded; where crops are paired, first all occluded, then all clear.

        ``severity`` is the largest share of the face that is hidden; 0 leaves it to the occluders.
        """
        generators = [self._generator(epoch, index) for index in indices]
        flips, moves = self._draw_moves(generators)
        framings = draw_framings(generators, self.config.beside)
        moves = self._framed(moves, framings, generators)
        labels = self.move_labels(indices, flips, moves)
        faces = self.faces(labels, self.move_landmarks(indices, flips, moves))
        views = [Shown(*view) for view in zip(indices, flips, moves, framings, strict=True)]
        fronts, clears, maps = [], [], []
        for view, face, rng in zip(views, faces, generators, strict=True):
            clear, classes = self._see(view, face, rng)
            maps.append(classes)
            front = Occlusion(clear, np.zeros(clear.shape[:2], bool), "nothing")
            if view.framing != NO_FACE and (self.config.paired or rng.random() < self.config.occluded):
                most = severity / 2 if view.framing == BADLY else severity  # of so little, half is much
                front = self.pool.apply(clear, face, rng, rng.uniform(0.05, most) if severity else None)
            seed = int(rng.integers(2**63))  # the pair sees the same light and the same camera
            if self.config.paired:
                clears.append(disturb(clear, np.random.default_rng(seed), self.config.colour))
            image = disturb(front.image, np.random.default_rng(seed), self.config.colour)
            fronts.append(Occlusion(image, front.mask, front.kind))
        batch = self._batch(fronts, clears, labels, self.move_points(indices, flips, moves), indices, maps)
        return _labelled(batch, framings)

    def validation_batch(self, indices: Int64s, *, occluded: bool, severity: float | None = None) -> Batch:
        """Samples in the learner's own framing, all of them clear or all occluded, the same at every call.

        ``severity`` is the share of each face that is hidden; without it the share is drawn at random.
        """
        flips, moves = np.zeros(len(indices), bool), np.repeat(np.eye(2, 3)[None], len(indices), axis=0)
        labels = self.move_labels(indices, flips, moves)
        faces = self.faces(labels, self.move_landmarks(indices, flips, moves))
        fronts, maps = [], []
        for k, index in enumerate(indices):
            image, classes = self._warp(index, moves[k], flip=False)
            maps.append(classes)
            front = Occlusion(image, np.zeros(image.shape[:2], bool), "nothing")
            if occluded:
                rng = self._generator(0, index)
                share = rng.uniform(0.05, self.config.severity or 1.0)
                front = self.pool.apply(image, faces[k], rng, severity or share)
            fronts.append(front)
        return self._batch(fronts, [], labels, self.move_points(indices, flips, moves), indices, maps)

    def beside_batch(self, indices: Int64s) -> Batch:
        """Of samples in turns a badly framed face and what is no face, the same at every call."""
        generators = [self._generator(0, index) for index in indices]
        framings = np.where(np.arange(len(indices)) % 2, NO_FACE, BADLY)
        flips, moves = np.zeros(len(indices), bool), np.repeat(np.eye(2, 3)[None], len(indices), axis=0)
        moves = self._framed(moves, framings, generators)
        labels = self.move_labels(indices, flips, moves)
        faces = self.faces(labels, self.move_landmarks(indices, flips, moves))
        views = [Shown(*view) for view in zip(indices, flips, moves, framings, strict=True)]
        crops = [self._see(*seen) for seen in zip(views, faces, generators, strict=True)]
        fronts = [Occlusion(crop.image, np.zeros(crop.image.shape[:2], bool), "nothing") for crop in crops]
        maps = [crop.classes for crop in crops]
        batch = self._batch(fronts, [], labels, self.move_points(indices, flips, moves), indices, maps)
        return _labelled(batch, framings)

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
        """Whether each sample is mirrored [B], and the similarity [B, 2, 3] its crop goes through after that.

        Triangular distributions: the second pass of a reconstruction frames the face well, the first less so.
        """
        c, size = self.config, self.config.input_size
        draws = np.array([(*rng.triangular(-1, 0, 1, 4), rng.random()) for rng in generators])  # [B, 5]
        scale, angle = np.exp(c.scale * draws[:, 0]), np.radians(c.rotation) * draws[:, 1]
        flips = (draws[:, 4] < c.flip) & (self.mirror is not None)
        return flips, similarity(size, scale, angle, c.shift * size * draws[:, 2:4])

    def _framed(self, moves: Float64s, framings: Int64s, generators: list[np.random.Generator]) -> Float64s:
        """The similarities [B, 2, 3], but bad ones for the samples that are to be framed badly."""
        moves = moves.copy()
        for k in np.flatnonzero(framings == BADLY):
            moves[k] = frame_badly(self.config.input_size, generators[k])
        return moves

    def _see(self, view: Shown, face: Face, rng: np.random.Generator) -> Cropped:
        """The learner's crop; where it is to show no face, of what is beside the face or of anything else."""
        if view.framing == WELL:
            return self._warp(view.sample, view.move, flip=view.flip, rng=rng)
        size, move = self.config.input_size, view.move
        pattern = draw_pattern(size, rng)
        if view.framing == NO_FACE:
            lot = rng.random()
            if lot < 0.6:
                cells = 0 if self.class_maps is None else CLASS_SIZE
                return Cropped(self._nothing(view, face, rng, pattern), np.full((cells, cells), UNKNOWN, np.uint8))
            look = look_at_ear if lot < 0.75 else look_beside
            move = (np.vstack([look(face, size, rng), [0, 0, 1]]) @ np.vstack([move, [0, 0, 1]]))[:2]
        # A photograph ends in black; where that is, must not say where the face is.
        onto = pattern if rng.random() < 0.5 else np.zeros_like(pattern)
        return self._warp(view.sample, move, flip=view.flip, rng=rng, onto=onto)

    def _nothing(self, view: Shown, face: Face, rng: np.random.Generator, pattern: Image) -> Image:
        """A picture [S, S, 3] of no place in the photograph."""
        lot = rng.random()
        if lot < 0.25:
            return pattern
        if lot < 0.6:
            return self.pool.apply(pattern, face, rng).image
        image = self._warp(view.sample, view.move, flip=view.flip, rng=rng).image
        return shuffle_parts(image, rng) if lot < 0.8 else scramble_waves(image, rng)

    def _warp(
        self,
        index: int,
        move: Float64s,
        *,
        flip: bool,
        rng: np.random.Generator | None = None,
        onto: Image | None = None,
    ) -> Cropped:
        """The learner's crop of a sample.

        With ``rng`` what surrounds the photograph varies; ``onto`` [S, S, 3] is what is beyond the wide crop.
        """
        folder, size = self.data.folder, self.config.input_size
        wide, classes = folder.crop(int(self.data.rows[index])), self._wide_classes(index)
        matrix = np.vstack([move, [0, 0, 1]]) @ np.vstack([_framing(folder, size), [0, 0, 1]])  # from the wide crop
        border, beyond = cv2.BORDER_CONSTANT, BACKGROUND
        if rng is not None:
            wide, inside, plain = surround(wide, rng)
            around = np.full_like(classes, BACKGROUND if plain else UNKNOWN)
            around[inside] = classes[inside]
            classes, border, beyond = around, cv2.BORDER_REFLECT_101, UNKNOWN
        if flip:
            matrix = matrix @ np.array([[-1.0, 0, folder.crop_size], [0, 1, 0], [0, 0, 1]])
        if onto is not None:
            onto, border, beyond = onto.copy(), cv2.BORDER_TRANSPARENT, BACKGROUND
        warped = cv2.warpAffine(wide, matrix[:2], (size, size), onto, flags=cv2.INTER_LINEAR, borderMode=border)
        if classes.size:
            to_cells, cells = _to_cells(size) @ matrix, (CLASS_SIZE, CLASS_SIZE)
            nearest = cv2.warpAffine(classes, to_cells[:2], cells, flags=cv2.INTER_NEAREST, borderValue=beyond)
            classes = np.asarray(nearest, np.uint8)
        return Cropped(np.asarray(warped, np.uint8), classes)

    def _wide_classes(self, index: int) -> UInt8s:
        """The classes [W, W] of a sample's wide crop, [0, 0] where they are not learned."""
        if self.class_maps is None:
            return np.zeros((0, 0), np.uint8)
        return self.class_maps.of(int(self.data.rows[index]))

    def _batch(
        self,
        fronts: list[Occlusion],
        clears: list[Image],
        labels: Float32s,
        points: Float32s,
        indices: Int64s,
        maps: list[UInt8s],
    ) -> Batch:
        """Occlusions, then the same crops without them where they are given; ``maps`` are without occluders."""
        times = 2 if clears else 1
        covered = [_covered(front.mask, OCCLUSION_SIZE) for front in fronts]
        covered += [np.zeros_like(covered[0]) for _ in clears]
        classes = [
            np.where(_covered(front.mask, CLASS_SIZE) > 0.5, np.uint8(OCCLUDER), cells) if cells.size else cells
            for front, cells in zip(fronts, maps, strict=True)
        ]
        partner = np.full(len(fronts) * times, -1)
        partner[: len(clears)] = len(fronts) + np.arange(len(clears))
        return Batch(
            np.stack([front.image for front in fronts] + clears),
            np.tile(labels, (times, 1)),
            np.tile(self.data.weight[indices], times),
            np.tile(self.data.shape_weight[indices], times),
            np.stack(covered),
            np.tile(points, (times, 1, 1)),
            np.stack(classes + maps[: len(clears)]),
            partner,
            np.ones(len(fronts) * times, np.float32),
        )


def _covered(mask: Bools, size: int) -> Float32s:
    """Share of each cell [size, size] that a mask [S, S] covers."""
    return np.asarray(cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA), np.float32)


def _to_cells(size: int) -> Float64s:
    """The matrix [3, 3] from pixels of a crop of ``size`` to the cells of its class map, centres at integers."""
    scale = CLASS_SIZE / size
    return np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])


def _labelled(batch: Batch, framings: Int64s) -> Batch:
    """A batch that says which of its crops, framed in one of these ways, show a face, and what their labels count."""
    framings = np.tile(framings, len(batch.face) // len(framings))  # of pairs there are twice as many
    face = (framings != NO_FACE).astype(np.float32)
    return batch._replace(weight=batch.weight * WEIGHTS[framings], face=face)


def occluders_of(config: TrainConfig) -> Pool:
    """The occluders that settings name; UnveilError where there are no such."""
    folder = Path(config.occluders) if config.occluders else None
    return load_pool(folder, config.kinds.split(",") if config.kinds else None)


def _framing(folder: PreparedFolder, size: int) -> Float64s:
    """The similarity [2, 3] from pixels of the wide crop to the canonical crop of ``size`` pixels."""
    return canonical_crop(folder.crop_size, size, folder.widening).matrix
