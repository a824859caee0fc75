"""The relief of skin in expressions, learned from frames of people with different expressions.

In every frame a relief is found from its shading (`appearance.wrinkles`). Its changes within a person are regressed on
the expression units, and on the turn and the size of the head, so that these do not pass for folds. What two halves of
the people do not agree on is removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.skin_space.photographs import MOST_HIDDEN, photographs
from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.appearance.wrinkles.found import near_skin, seen_relief
from unveil.errors import UnveilError
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.detail import DetailSurface
from unveil.heads.skin.space import CELLS
from unveil.training.crops.prepared import TEST, TRAIN, PreparedFolder
from unveil.typing import Bools, Float32s, Float64s, Int64s

MOST_TURN = 35.0  # degrees of yaw
SOFT = 1.0  # cells over which a relief is averaged, since frames are not aligned better
SKIN = 0.1  # share of clear skin from which a cell is used
RIDGE, TURN_RIDGE = 6.0, 0.05  # ridge of a unit, or of a turn, in frames: as many frames without an effect
AGREE = 6.0  # cells over which the halves of the people are compared
STILL = ("eyeLook", "eyeBlink", "tongue")  # units that fold no skin; the regression separates them from those that do
SCALES = np.array([20.0, 15.0, 0.2])  # degrees of yaw and pitch, and logarithm of the size, that count as one
SIDE, BELOW = 0.016, 0.022  # metres: the nose reaches so far from the middle of the face; the chin begins so far down
# Share of a furrow's depth that is found in frames of this size, measured on heads that `tools.wrinkles` renders.
FOUND = 0.39
NEAR = np.array([15.0, 10.0])  # degrees of yaw and pitch between frames that are compared


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of people."""

    person: NDArray[Any]  # [P]
    expression: Float32s  # [P, E]
    turn: Float32s  # [P, 3] yaw and pitch in degrees, and the logarithm of the size
    relief: Float32s  # [P, K] millimetres of the cells
    trust: Float32s  # [P, K]
    held_out: Bools  # [P]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a face's skin in a map of `CELLS` a side."""

    places: Int64s  # [K] row * CELLS + column
    points: Float64s  # [K, 3] on the template
    mirror: Int64s  # [K] the cell on the other side
    may_fold: Bools  # [K]

    @classmethod
    def of(cls, surface: DetailSurface) -> Cells:
        """Those of a surface."""
        model, mesh = surface.model, surface.mesh
        template = np.asarray(model.head.template, np.float64)
        skin = _shrunk(surface.detail_mask).ravel()
        inside = mesh.as_map(np.ones((len(mesh.texels), 1), np.float32), 0)[..., 0]
        where = np.stack([_shrunk(c) for c in mesh.as_map(mesh.interpolate(template), 0).transpose(2, 0, 1)], axis=-1)
        where = where / np.maximum(_shrunk(inside), 1e-6)[..., None]
        places = np.flatnonzero(skin > SKIN)
        points = where.reshape(-1, 3)[places]
        twins = points * [-1, 1, 1]
        mirror = np.concatenate([((points - twin) ** 2).sum(axis=1).argmin(keepdims=True) for twin in twins])
        return cls(places, points, mirror, _may_fold(points, model))

    def as_map(self, values: Float32s) -> Float32s:
        """Values [K, C] as a map [CELLS, CELLS, C]."""
        picture = np.zeros((CELLS**2, values.shape[1]), np.float32)
        picture[self.places] = values
        return picture.reshape(CELLS, CELLS, -1)

    def at(self, picture: Float32s) -> Float32s:
        """The values of a map [CELLS, CELLS, ...] in the cells: [K, ...]."""
        return np.asarray(picture.reshape(CELLS**2, *picture.shape[2:])[self.places])

    def smooth(self, values: Float32s, sigma: float) -> Float32s:
        """Sums [K, C] of values [K, C] around each cell."""
        return self.at(cv2.GaussianBlur(self.as_map(values), (0, 0), sigma).reshape(CELLS, CELLS, -1))


def _shrunk(picture: NDArray[Any]) -> Float32s:
    return np.asarray(cv2.resize(np.asarray(picture, np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA))


def _may_fold(points: Float64s, model: MorphableModel) -> Bools:
    """Not the nose and the chin: what looks like folds of these in some people is none in others."""
    marks = np.asarray(model.landmarks68(np.asarray(model.head.template)))
    eyes, mouth = marks[36:48, 1].mean(), marks[[48, 54], 1].mean()
    nose = (np.abs(points[:, 0]) < SIDE) & (points[:, 1] < eyes)
    return np.asarray(~nose & (points[:, 1] > mouth - BELOW))


def frames_of(folder: PreparedFolder, cells: Cells, surface: DetailSurface) -> Frames:
    """What the frames show of people that a prepared folder has several of."""
    rows = np.flatnonzero((folder.person != "") & np.isin(folder.split, (TRAIN, TEST)))
    model, kept = surface.model, list[int]()
    expression, turn, relief, trust = list[Float32s](), list[list[float]](), list[Float32s](), list[Float32s]()
    for row, photo in zip(rows, photographs(folder, rows), strict=True):
        if abs(photo.yaw) > MOST_TURN or photo.hidden.mean() > MOST_HIDDEN:
            continue
        vertices = np.asarray(model.vertices(photo.coefficients), np.float64)
        found = seen_relief(photo.image, photo.projected, vertices, surface, photo.hidden, faint=0)
        sums = np.column_stack([found[0] * found[1], found[1]]).astype(np.float32)
        here = cells.at(np.stack([_shrunk(c) for c in surface.mesh.as_map(sums, 0).transpose(2, 0, 1)], axis=-1))
        around = cells.smooth(here, SOFT)
        relief.append(1e3 * around[:, 0] / np.maximum(around[:, 1], 1e-3))
        trust.append(here[:, 1])
        rotation = np.asarray(model.rotation(photo.coefficients))
        pitch = float(np.degrees(np.arcsin(-rotation[1, 2])))
        turn.append([photo.yaw, pitch, float(np.log(np.ptp(photo.projected[:, 1])))])
        expression.append(np.asarray(photo.coefficients["expression"], np.float32))
        kept.append(int(row))
    at = np.array(kept)
    stacked = (np.float32(expression), np.float32(turn), np.float32(relief), np.float32(trust))
    return Frames(folder.person[at], *stacked, folder.split[at] == TEST)


def learn(frames: Frames, cells: Cells, names: tuple[str, ...]) -> Float32s:
    """Millimetres [E, K] by which each unit at full strength raises the skin."""
    people = np.unique(frames.person[~frames.held_out])
    if len(people) < 2:
        raise UnveilError("there are fewer than two people to learn from: give a folder with frames of people")
    first = np.isin(frames.person, np.random.default_rng(0).permutation(people)[::2])
    halves = [_within_people(frames, cells, names, ~frames.held_out & part) for part in (first, ~first)]
    one, other, both = (_solved(*half) for half in (*halves, [a + b for a, b in zip(*halves, strict=True)]))
    still = [name.startswith(STILL) for name in names]
    for unit in range(len(both)):
        agreement = np.column_stack([one[unit] * other[unit], (one[unit] ** 2 + other[unit] ** 2) / 2])
        same, whole = cells.smooth(agreement.astype(np.float32), AGREE).T
        share = np.clip(same / (whole + 1e-9), 0, 1)
        both[unit] *= 2 * share / (1 + share)  # of twice as many people: Spearman and Brown's formula
    both[still] = 0
    return np.asarray(both * cells.may_fold, np.float32)


def _within_people(frames: Frames, cells: Cells, names: tuple[str, ...], rows: Bools) -> tuple[Float32s, Float32s]:
    """Normal equations [K, E + 3, E + 3] and [K, E + 3] of changes within people, whose mirror images are like them."""
    swapped = [names.index(_other_side(name)) for name in names]
    count, size = len(cells.places), len(names) + 3
    system, right = np.zeros((count, size, size), np.float32), np.zeros((count, size), np.float32)
    known = frames.person[rows]
    member = (known[:, None] == np.unique(known)).astype(np.float32)
    for mirrored in (False, True):
        expression, relief, trust = (v[rows] for v in (frames.expression, frames.relief, frames.trust))
        turn = (frames.turn[rows] - frames.turn.mean(axis=0)) / SCALES
        if mirrored:
            expression, turn = expression[:, swapped], turn * [-1, 1, 1]
            relief, trust = relief[:, cells.mirror], trust[:, cells.mirror]
        told = np.column_stack([expression, turn]).astype(np.float32)
        system += (trust.T @ (told[:, :, None] * told[:, None]).reshape(len(told), -1)).reshape(system.shape)
        right += (trust * relief).T @ told
        weight, mean = member.T @ trust + 1e-3, member.T @ (trust * relief)
        means = np.stack([member.T @ (trust * column[:, None]) for column in told.T], axis=2)
        scaled = means / np.sqrt(weight)[..., None]
        system -= scaled.transpose(1, 2, 0) @ scaled.transpose(1, 0, 2)
        right -= np.einsum("pkq,pk->kq", means, mean / weight)
    return system, right


def _solved(system: Float32s, right: Float32s) -> Float32s:
    ridge = np.full(system.shape[1], RIDGE, np.float32)
    ridge[-3:] = TURN_RIDGE
    return np.asarray(np.linalg.solve(system + np.diag(ridge), right[..., None])[..., 0].T[:-3])


def _other_side(name: str) -> str:
    if "Left" in name:
        return name.replace("Left", "Right")
    return name.replace("Right", "Left")


def score(
    folds: Float32s, frames: Frames, cells: Cells, model: MorphableModel, note: Callable[[str], None] = print
) -> None:
    """Say how well folds [E, K] predict the changes between two frames of a person held out."""
    one, other = _pairs(frames)
    step = frames.expression[other] - frames.expression[one]
    size = np.linalg.norm(step, axis=1)
    for title, rows in (("all pairs", size >= 0), ("the quarter that changes most", size > np.quantile(size, 0.75))):
        note(f"{title}, {np.count_nonzero(rows)}:")
        change = frames.relief[other[rows]] - frames.relief[one[rows]]
        trust, told = frames.trust[one[rows]] * frames.trust[other[rows]], step[rows] @ folds
        for part, where in _parts(cells, model).items():
            weight = trust * where
            tt, cc, tc = ((weight * a * b).sum() for a, b in ((told, told), (change, change), (told, change)))
            correlation, less = tc / np.sqrt(max(tt * cc, 1e-12)), (2 * tc - tt) / max(cc, 1e-12)
            note(f"  {part}: correlation {correlation:.2f}, squares less by {less:.1%}")


def again(folds: Float32s, frames: Frames, cells: Cells, names: tuple[str, ...]) -> dict[str, float]:
    """By unit, how folds [E, K] correlate with those that people held out give by themselves."""
    theirs = _solved(*_within_people(frames, cells, names, frames.held_out))
    trust = frames.trust[frames.held_out].mean(axis=0) * cells.may_fold
    found = {}
    for name in dict.fromkeys(name.replace("Right", "Left") for name in names):
        units = [names.index(side) for side in dict.fromkeys((name, _other_side(name)))]
        mine, own = folds[units].sum(axis=0), theirs[units].sum(axis=0)
        if mine.any():
            found[name] = float((trust * mine * own).sum() / np.sqrt((trust * mine**2).sum() * (trust * own**2).sum()))
    return found


def _pairs(frames: Frames) -> tuple[Int64s, Int64s]:
    """Pairs of frames of one person held out that look nearly the same way."""
    pairs = []
    for person in np.unique(frames.person[frames.held_out]):
        own = np.flatnonzero(frames.person == person)
        one, other = np.triu_indices(len(own), 1)
        pairs.append(np.stack([own[one], own[other]]))
    if not pairs or not (both := np.concatenate(pairs, axis=1)).size:
        raise UnveilError("there are no two frames of a person held out: give a folder with frames of people")
    near = (np.abs(frames.turn[both[0], :2] - frames.turn[both[1], :2]) < NEAR).all(axis=1)
    return both[0, near], both[1, near]


def _parts(cells: Cells, model: MorphableModel) -> dict[str, Bools]:
    """Parts of the face's skin by their usual names."""
    marks = np.asarray(model.landmarks68(np.asarray(model.head.template)))
    side, height = np.abs(cells.points[:, 0]), cells.points[:, 1]
    brows, eyes = marks[17:27, 1].mean(), marks[36:48, 1].mean()
    nose, mouth = marks[33, 1], marks[[48, 54], 1].mean()
    return {
        "all": np.ones(len(side), np.bool_),
        "forehead": height > brows + 0.004,
        "between the brows": (height < brows + 0.012) & (side < 0.014) & (height > eyes + 0.002),
        "beside and below the eyes": (height < eyes + 0.008) & (height > nose + 0.006) & (side > SIDE),
        "beside nose and mouth": (height < nose + 0.01) & (height > mouth - BELOW) & (side > SIDE),
    }


def fold_arrays(folds: Float32s, cells: Cells) -> dict[str, NDArray[Any]]:
    """The arrays of a `SkinFolds`, as the file has them: as deep as folds are, of as deep as they are found."""
    folds = folds / FOUND
    used = folds.any(axis=0)
    step = max(float(np.abs(folds).max()) / 127, 1e-9)
    return {
        "folds_cells": cells.places[used].astype(np.int16),
        "folds_raised": np.rint(folds[:, used] / step).astype(np.int8),
        "folds_step": np.float32(step * 1e-3),
    }


def folds(folder: PreparedFolder, model: MorphableModel) -> dict[str, NDArray[Any]]:
    """Learn them, say how good they are, and give the arrays of the file."""
    surface = near_skin(wrinkle_surface(model))
    assert surface.mesh.size == SIZE
    cells = Cells.of(surface)
    frames = frames_of(folder, cells, surface)
    found = learn(frames, cells, model.expression_names)
    print(f"{len(frames.person)} frames, {np.count_nonzero(frames.held_out)} of them of people held out")
    score(found, frames, cells, model)
    for name, value in again(found, frames, cells, model.expression_names).items():
        strongest = float(np.abs(found[model.expression_names.index(name)]).max())
        print(f"{name}: up to {strongest:.2f} mm, correlation with people held out {value:.2f}")
    return fold_arrays(found, cells)
