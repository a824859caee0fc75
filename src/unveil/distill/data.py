"""Training data: wide crops with the teacher's coefficients, and how a training image is drawn from one.

A folder holds ``crops.npy``, uint8 [N, W, W, 3]: DECA crops whose side is 1.25 times as long, so that there is room to
move the crop in; and ``labels.npz``:

    names [N], source [N]    text
    coefficients [N, M]      float32, of the clear crop, in the frame of the wide crop
    layout                   JSON of their layout
    model                    name of the head model
    landmarks68 [N, 68, 2]   float32, pixels of the wide crop: where occluders go
    weight [N]               trust in the label, about 1
    split [N]                int8: 0 training, 1 validation, 2 test; never one person in two of them

Every random choice about sample i in epoch e comes from a generator seeded with (seed, e, i), so that the data do not
depend on the number of processes or workers, nor on whether the run was interrupted.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.distill.config import TrainConfig
from unveil.distill.photometry import disturb, surround
from unveil.errors import UnveilError
from unveil.geometry.camera import move_with_crop
from unveil.imaging.occlude import Face, Pool
from unveil.morphable.landmarks import IBUG68_MIRROR
from unveil.morphable.layout import CoefficientLayout

WIDENING = 1.25  # side of a wide crop in sides of the learner's crop
TRAIN, VALIDATION, TEST = 0, 1, 2
SMALLEST_STD = 1e-3  # of a coefficient, in its own unit: one that never moves must not divide by zero

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The content of a data folder; the crops stay on disk and are mapped into memory."""

    crops: NDArray[np.uint8]  # [N, W, W, 3]
    coefficients: Floats  # [N, M] in the frame of the wide crop
    landmarks68: Floats  # [N, 68, 2] pixels of the wide crop
    weight: Floats  # [N]
    split: NDArray[np.int8]  # [N]
    layout: CoefficientLayout
    model: str

    @classmethod
    def load(cls, folder: Path) -> "TrainingData":
        """Open a data folder; UnveilError where files are missing, damaged or do not belong together."""
        try:
            crops = np.load(folder / "crops.npy", mmap_mode="r", allow_pickle=False)
            with np.load(folder / "labels.npz", allow_pickle=False) as labels:
                data = cls(
                    crops,
                    labels["coefficients"].astype(np.float32),
                    labels["landmarks68"].astype(np.float32),
                    labels["weight"].astype(np.float32),
                    labels["split"].astype(np.int8),
                    CoefficientLayout.from_json(str(labels["layout"])),
                    str(labels["model"]),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UnveilError(f"{folder} holds no usable training data: {error}") from error
        data._check(folder)
        return data

    def indices(self, split: int) -> NDArray[np.int64]:
        """Positions of the samples of a split."""
        return np.flatnonzero(self.split == split)

    def _check(self, folder: Path) -> None:
        count, side = len(self.coefficients), self.crops.shape[1]
        expected = {
            "crops": (self.crops.shape, (count, side, side, 3)),
            "coefficients": (self.coefficients.shape, (count, self.layout.size)),
            "landmarks68": (self.landmarks68.shape, (count, 68, 2)),
            "weight": (self.weight.shape, (count,)),
            "split": (self.split.shape, (count,)),
        }
        for name, (shape, wanted) in expected.items():
            if shape != wanted:
                raise UnveilError(f"{folder}: {name} has shape {shape}, but the labels ask for {wanted}")
        if self.crops.dtype != np.uint8:
            raise UnveilError(f"{folder}: crops must be uint8, not {self.crops.dtype}")
        if not (np.isfinite(self.coefficients).all() and np.isfinite(self.landmarks68).all()):
            raise UnveilError(f"{folder}: there are labels that are no finite numbers")


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step sees."""

    images: NDArray[np.uint8]  # [B, S, S, 3]
    coefficients: Floats  # [B, M] in the frame of the learner's crop
    weight: Floats  # [B]


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training and validation batches from the data."""

    data: TrainingData
    config: TrainConfig
    pool: Pool
    mirror: Floats | None = None  # [M, M]; without it nothing is flipped

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The training samples in the order of an epoch."""
        return np.random.default_rng((self.config.seed, epoch)).permutation(self.data.indices(TRAIN))

    def training_batch(self, epoch: int, indices: NDArray[np.int64]) -> Batch:
        """Augmented samples, some of them occluded."""
        generators = [self._generator(epoch, index) for index in indices]
        flips, matrices = self._draw_moves(generators)
        landmarks = self.move_landmarks(indices, flips, matrices)
        images = []
        for k, (index, rng) in enumerate(zip(indices, generators, strict=True)):
            image = self._warp(index, matrices[k], flip=flips[k], rng=rng)
            if rng.random() < self.config.occluded:
                image = self.pool.apply(image, Face.of(landmarks[k]), rng).image
            images.append(disturb(image, rng, self.config.colour))
        return Batch(np.stack(images), self.move_labels(indices, flips, matrices), self.data.weight[indices])

    def validation_batch(self, indices: NDArray[np.int64], *, occluded: bool) -> Batch:
        """Samples in the learner's own framing, all of them clear or all occluded, the same at every call."""
        matrices = np.repeat(self.framing()[None], len(indices), axis=0)
        flips = np.zeros(len(indices), bool)
        landmarks = self.move_landmarks(indices, flips, matrices)
        images = []
        for k, index in enumerate(indices):
            image = self._warp(index, matrices[k], flip=False)
            if occluded:
                image = self.pool.apply(image, Face.of(landmarks[k]), self._generator(0, index)).image
            images.append(image)
        return Batch(np.stack(images), self.move_labels(indices, flips, matrices), self.data.weight[indices])

    def layout_with_statistics(self) -> CoefficientLayout:
        """The layout with mean and standard deviation of the labels as the first epoch moves them."""
        indices = self.data.indices(TRAIN)
        flips, matrices = self._draw_moves([self._generator(0, index) for index in indices])
        labels = self.move_labels(indices, flips, matrices).astype(np.float64)
        return self.data.layout.with_statistics(labels.mean(axis=0), np.maximum(labels.std(axis=0), SMALLEST_STD))

    def framing(self) -> NDArray[np.float64]:
        """The similarity [2, 3] from pixels of the wide crop to the learner's crop, which is its middle."""
        wide, size = self.data.crops.shape[1], self.config.input_size
        scale = WIDENING * size / wide
        return np.array([[scale, 0, (size - scale * wide) / 2], [0, scale, (size - scale * wide) / 2]])

    def move_labels(
        self, indices: NDArray[np.int64], flips: NDArray[np.bool_], matrices: NDArray[np.float64]
    ) -> Floats:
        """Coefficients [B, M] of the samples after mirroring and the similarities [B, 2, 3]."""
        values = self.data.coefficients[indices]
        if self.mirror is not None:
            values = np.where(flips[:, None], values @ self.mirror, values)
        groups = self.data.layout.split(values)
        wide, size = self.data.crops.shape[1], self.config.input_size
        head, camera = move_with_crop(groups["pose"][:, :3], groups["camera"], matrices, wide, size)
        pose = np.concatenate([head, groups["pose"][:, 3:]], axis=1)
        moved = self.data.layout.join(groups | {"pose": pose, "camera": camera})
        return np.asarray(moved, np.float32)

    def move_landmarks(
        self, indices: NDArray[np.int64], flips: NDArray[np.bool_], matrices: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Landmarks [B, 68, 2] of the samples in pixels of the learner's crop."""
        points = self.data.landmarks68[indices].astype(np.float64)
        mirrored = points[:, list(IBUG68_MIRROR)] * (-1, 1) + (self.data.crops.shape[1], 0)
        points = np.where(flips[:, None, None], mirrored, points)
        return np.asarray(points @ np.swapaxes(matrices[:, :, :2], 1, 2) + matrices[:, None, :, 2])

    def _generator(self, epoch: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self.config.seed, epoch, int(index)))

    def _draw_moves(self, generators: list[np.random.Generator]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Whether each sample is mirrored [B], and the similarity [B, 2, 3] its wide crop goes through after that.

        Triangular distributions: the second pass of a reconstruction frames the face well, the first less so.
        """
        c, size = self.config, self.config.input_size
        draws = np.array([(*rng.triangular(-1, 0, 1, 4), rng.random()) for rng in generators])  # [B, 5]
        scale, angle = np.exp(c.scale * draws[:, 0]), np.radians(c.rotation) * draws[:, 1]
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)  # [B, 2, 2]
        framing = self.framing()
        linear = turn @ framing[:, :2]
        middle = np.full(2, size / 2)
        shift = (turn @ (framing[:, 2] - middle)) + middle + c.shift * size * draws[:, 2:4]
        flips = (draws[:, 4] < c.flip) & (self.mirror is not None)
        return flips, np.concatenate([linear, shift[..., None]], axis=-1)

    def _warp(
        self, index: int, matrix: NDArray[np.float64], *, flip: bool, rng: np.random.Generator | None = None
    ) -> NDArray[np.uint8]:
        """The learner's crop [S, S, 3] of a wide crop; with ``rng`` what surrounds the photograph varies."""
        wide, size = self.data.crops.shape[1], self.config.input_size
        crop = np.ascontiguousarray(self.data.crops[index])
        border = cv2.BORDER_CONSTANT
        if rng is not None:
            crop, border = surround(crop, rng), cv2.BORDER_REFLECT_101
        if flip:
            matrix = matrix @ np.array([[-1.0, 0, wide], [0, 1, 0], [0, 0, 1]])
        warped = cv2.warpAffine(crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
        return np.asarray(warped, np.uint8)
