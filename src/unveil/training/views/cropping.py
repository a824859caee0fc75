"""The learner's crop of a sample before an occluder is put in front: the face, badly framed, or no face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from unveil.models.classes import BACKGROUND, CLASS_SIZE, UNKNOWN
from unveil.occluders.base import Face, Pool
from unveil.training.classes.maps import ClassMaps
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import PreparedFolder, canonical_crop
from unveil.training.data import TrainingData
from unveil.training.views.beside import (
    NO_FACE,
    WELL,
    draw_pattern,
    look_at_ear,
    look_beside,
    randomize_phases,
    shuffle_parts,
)
from unveil.training.views.photometry import surround
from unveil.typing import Float64s, Image, UInt8s


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
class Cropper:
    """Cuts the learner's crops out of the wide ones of the data."""

    data: TrainingData
    config: TrainConfig
    pool: Pool  # some of what is no face is an occluder

    @cached_property
    def class_maps(self) -> ClassMaps | None:
        """The classes of the crops' cells, where they are learned."""
        return ClassMaps.open(Path(self.config.classes), self.data.folder) if self.config.class_weight else None

    def see(self, view: Shown, face: Face, rng: np.random.Generator) -> Cropped:
        """The learner's crop; if it is to show no face, one of the face's surroundings or of something else."""
        if view.framing == WELL:
            return self.warp(view.sample, view.move, flip=view.flip, rng=rng)
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
        return self.warp(view.sample, move, flip=view.flip, rng=rng, onto=onto)

    def _nothing(self, view: Shown, face: Face, rng: np.random.Generator, pattern: Image) -> Image:
        """A picture [S, S, 3] of something that is not in the photograph."""
        lot = rng.random()
        if lot < 0.25:
            return pattern
        if lot < 0.6:
            return self.pool.apply(pattern, face, rng).image
        image = self.warp(view.sample, view.move, flip=view.flip, rng=rng).image
        return shuffle_parts(image, rng) if lot < 0.8 else randomize_phases(image, rng)

    def warp(
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


def _to_cells(size: int) -> Float64s:
    """The matrix [3, 3] from pixels of a crop of ``size`` to the cells of its class map, centres at integers."""
    scale = CLASS_SIZE / size
    return np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])


def _framing(folder: PreparedFolder, size: int) -> Float64s:
    """The similarity [2, 3] from pixels of the wide crop to the canonical crop of ``size`` pixels."""
    return canonical_crop(folder.crop_size, size, folder.widening).matrix
