"""Random heads: from the model's own prior, or carried over from another model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.model import MorphableModel
from unveil.storage.arrays import read_arrays, whole_numbers
from unveil.storage.file_kind import FileKind
from unveil.typing import Floats, Int64s

JAW_ENDS = (0, 16)  # iBUG-68: openhead's origin lies between them
CENTIMETRES = 0.01
NEIGHBOURS, NEAR = 4, 0.006  # vertices of the other model that move one of ours, and how near they must be, in metres
BESIDE_FACE = 0.15  # weight of the rest of the head relative to the face, when coefficients are fitted
RIDGE = 2.5e-10  # square metres that a coefficient of one standard deviation must explain to be worth it
COLUMNS = ("neutral", "identity", "landmarks68")
ICT_PACK = FileKind("pack of ICT-FaceKit", "make it with tools.openhead.pack_ict", 2**30)


class NewHead(NamedTuple):
    """A head's form without expression and pose."""

    shape: Floats  # [S] coefficients
    added: Floats | None  # [V, 3] metres by which the head differs from that shape; None: by nothing


class Prior(Protocol):
    """A distribution of heads."""

    def draw(self, rng: np.random.Generator) -> NewHead:
        """A random head."""


@dataclass(frozen=True)
class OwnPrior:
    """Heads as the model's own statistics have them."""

    count: int  # S

    def draw(self, rng: np.random.Generator) -> NewHead:
        """A head of the full prior."""
        return NewHead(rng.normal(size=self.count), None)


@dataclass(frozen=True, eq=False)
class CarriedPrior:
    """Heads as another model's modes have them: our mean head moved as that model's surface moves.

    What the coefficients cannot say stays in the head, so that truth is not only what they can say.
    """

    modes: Floats  # [K, V, 3] metres of one standard deviation
    basis: Floats  # [S, V, 3] of the shape
    weight: Floats  # [V] when coefficients are fitted
    system: Floats  # [S, S] the matrix of that fit

    @classmethod
    def load(cls, path: Path, model: MorphableModel) -> CarriedPrior:
        """Carry the modes of ICT-FaceKit over to a head model.

        Args:
            path: npz with ``neutral`` [N, 3] and ``identity`` [K, N, 3] in centimetres, and ``landmarks68`` [68].
            model: has the same 68 landmarks, and its origin between the ends of the jaw line.

        Raises:
            UnveilError: the file is missing or is none such.
        """
        neutral, identity, landmarks = _read(path)
        origin = neutral[landmarks[list(JAW_ENDS)]].mean(axis=0) * [0, 1, 1]
        template = np.asarray(model.head.template, np.float64)
        index, share = _nearest(template, neutral - origin)
        modes = np.stack([(mode[index] * share[..., None]).sum(axis=1) for mode in identity])
        weight = np.where(np.asarray(face_area(model)) > 0, 1.0, BESIDE_FACE) * share.any(axis=1)
        basis = np.asarray(model.head.shape_basis, np.float64)
        flat = basis.reshape(len(basis), -1)
        system = flat @ (flat * np.repeat(weight, 3)).T / weight.sum() + RIDGE * np.eye(len(basis))
        return cls(modes, basis, weight, system)

    def draw(self, rng: np.random.Generator) -> NewHead:
        """A head of the other model, with the coefficients that come nearest to it."""
        moved = np.tensordot(rng.normal(size=len(self.modes)), self.modes, axes=1)
        right = self.basis.reshape(len(self.basis), -1) @ (self.weight[:, None] * moved).ravel() / self.weight.sum()
        shape = np.linalg.solve(self.system, right)
        said = np.tensordot(shape, self.basis, axes=1)
        return NewHead(shape, np.where(self.weight[:, None] > 0, moved - said, 0.0))


def _read(path: Path) -> tuple[Floats, Floats, Int64s]:
    """Mean head [N, 3] and modes [K, N, 3] in metres, and landmarks [68]."""
    arrays = read_arrays(path, ICT_PACK, COLUMNS)
    with ICT_PACK.checking(path):
        neutral, identity, landmarks = (arrays[name] for name in COLUMNS)
        if neutral.shape[1:] != (3,) or identity.shape[1:] != neutral.shape or landmarks.shape != (68,):
            raise ValueError(f"its arrays are {neutral.shape}, {identity.shape} and {landmarks.shape}")
        if not (np.isfinite(neutral).all() and np.isfinite(identity).all()):
            raise ValueError("it has numbers that are not finite")
        if landmarks.min() < 0 or landmarks.max() >= len(neutral):
            raise ValueError(f"it names vertex {landmarks.max()} of {len(neutral)}")
        return neutral * CENTIMETRES, identity * CENTIMETRES, whole_numbers(landmarks)


def _nearest(points: Floats, others: Floats) -> tuple[Int64s, Floats]:
    """The nearest of ``others`` [N, 3] to each of points [V, 3], [V, 4], and their shares, zero where none is near."""
    index = np.empty((len(points), NEIGHBOURS), np.int64)
    share = np.empty((len(points), NEIGHBOURS))
    for k, point in enumerate(points):
        away = np.linalg.norm(others - point, axis=1)
        index[k] = np.argpartition(away, NEIGHBOURS)[:NEIGHBOURS]
        nearness = 1 / (away[index[k]] + 1e-5) ** 2
        share[k] = nearness / nearness.sum() * (away[index[k]].min() < NEAR)
    return index, share
