"""A second look at crops, in the mirror.

The predictions for a crop and for its mirror image are two guesses at one head, with errors that are partly
independent. Where something is hidden or the head is turned, their mean is nearer to the head than either (Krizhevsky
et al. 2012, "ImageNet classification", section 4.1). A clear frontal face needs one look only (docs/rerender.md).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from unveil.heads.layout import Coefficients
from unveil.heads.mirror import mirror_matrix
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder, Prediction
from unveil.typing import Bools, Float32s, Floats, Images

# A second look is worth it where any of these holds.
HIDDEN = 0.03  # share of the crop that is hidden, at least
TURNED = 0.3  # radians by which the head is turned, at least
SURE = 0.9  # face score, at most


class SecondLook:
    """Averages an encoder's predictions for crops with those for their mirror images.

    Args:
        encoder: the network. Where it has not learned from mirror images (``looks_twice``), there is no second look.
        model: its head model. Where it cannot be mirrored, there is none either.
    """

    def __init__(self, encoder: Encoder, model: MorphableModel) -> None:
        self._encoder, self._model = encoder, model

    @cached_property
    def _mirror(self) -> Float32s | None:
        return mirror_matrix(self._model) if self._encoder.looks_twice else None

    def predict(self, crops: Images) -> Prediction:
        """The prediction for crops [N, S, S, 3], averaged with that for their mirror images where it is worth it."""
        return self.joined(self._encoder.predict(crops), crops)

    def joined(self, said: Prediction, crops: Images) -> Prediction:
        """The same, given the prediction for the crops themselves."""
        mirror = self._mirror
        if mirror is None:
            return said
        worth = _worth_it(said)
        again = np.flatnonzero(worth)
        if not len(again):
            return said
        other = self._encoder.predict(np.ascontiguousarray(crops[again, :, ::-1]))
        both = self._mean(said.take(again), other, mirror)
        if worth.all():
            return both
        once = np.flatnonzero(~worth)
        return Prediction.joined([said.take(once), both]).take(np.argsort(np.concatenate([once, again])))

    def _mean(self, said: Prediction, other: Prediction, mirror: Float32s) -> Prediction:
        """The mean of the predictions for crops and for their mirror images."""
        deviations = None
        if said.deviations is not None and other.deviations is not None:
            variances = np.square(np.asarray(other.deviations.values)) @ np.square(mirror)
            deviations = _mean(said.deviations, np.sqrt(variances))
        return Prediction(
            _mean(
                said.coefficients,
                self._moved_back(np.asarray(other.coefficients.values) @ mirror, self._encoder.input_size),
            ),
            deviations,
            _mean_map(said.occlusion, other.occlusion),
            None if said.face is None or other.face is None else np.asarray((said.face + other.face) / 2, np.float32),
            _mean_map(said.classes, other.classes),
        )

    def _moved_back(self, values: Floats, size: int) -> Floats:
        """Coefficients [N, M] that were mirrored back, moved into the frame of the crop.

        The centre of the projected frame is half a pixel to the right of the crop's (docs/conventions.md). The picture
        is mirrored about the one and the coefficients about the other, which leaves them a pixel too far to the right.
        """
        left = np.broadcast_to(np.array([[1.0, 0, -1], [0, 1, 0]]), (len(values), 2, 3))
        moved = self._model.moved(Coefficients(self._encoder.layout, values), left, size, size)
        return np.asarray(moved.values)


def _worth_it(said: Prediction) -> Bools:
    """Which crops [N] to look at again; all of them if the encoder does not say what is hidden."""
    worth = np.full(len(said.coefficients.values), said.occlusion is None)
    if said.occlusion is not None:
        worth |= said.occlusion.mean(axis=(1, 2)) >= HIDDEN
    if said.face is not None:
        worth |= said.face <= SURE
    turn = np.asarray(said.coefficients["pose"])[:, :3]
    return np.asarray(worth | (np.linalg.norm(turn, axis=1) >= TURNED))


def _mean(one: Coefficients, other: Floats) -> Coefficients:
    return Coefficients(one.layout, ((np.asarray(one.values) + other) / 2).astype(np.float32))


def _mean_map(one: Float32s | None, other: Float32s | None) -> Float32s | None:
    """The mean of a crop's maps [..., columns] and those of its mirror image; None where there are none."""
    return None if one is None or other is None else np.asarray((one + other[..., ::-1]) / 2, np.float32)
