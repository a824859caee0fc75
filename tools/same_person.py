"""Learn how shapes vary between people and between frames of one, and measure how well that tells people apart.

    python -m tools.same_person trainset/ -o openhead_people.npz

The folder is one of `unveil prepare`, or of `tools.make_training_set`, with frames of people. The covariances are
learned from people for training. The limit keeps 95 % of one person's groups of five frames together, chosen on people
for training that the covariances of the moment have not seen. The table is of people for testing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.roc import area_under_curve
from tools.known_heads.tables import print_header, print_row
from unveil import load_openhead
from unveil.errors import UnveilError, one_line_errors
from unveil.heads.face_area import face_area
from unveil.heads.model import MorphableModel
from unveil.models.openhead.variation import save
from unveil.models.variation import ShapeVariation
from unveil.training.crops.prepared import TEST, PreparedFolder
from unveil.typing import Float64s, Floats, Ints

SIZE = 192  # pixels of crops before they are made as small as the learner wants them
FRAMES = 5  # of a group
SHRINKAGE = 0.2  # of the covariances towards their diagonals, chosen on people for training
KEPT = 0.95  # of one person's pairs
FOLDS, DRAWS = 4, 6
Likeness: TypeAlias = Callable[[Floats, Floats], Floats]  # of shapes [N, S] to others [M, S], larger for one person's


def learned(shapes: Floats, person: Ints) -> ShapeVariation:
    """The variation of shapes [N, S] of people [N], without a limit."""
    people = [shapes[person == name] for name in np.unique(person)]
    people = [rows for rows in people if len(rows) > 1]
    means = np.stack([rows.mean(axis=0) for rows in people])
    apart = np.concatenate([rows - rows.mean(axis=0) for rows in people])
    within = _shrunk(apart.T @ apart / (len(apart) - len(people)))
    between = _shrunk(np.cov(means.T) - within * np.mean([1 / len(rows) for rows in people]))
    whiten = np.linalg.inv(np.linalg.cholesky(within))
    variance, turn = np.linalg.eigh(whiten @ between @ whiten.T)
    order = np.argsort(-variance)
    return ShapeVariation(means.mean(axis=0), whiten.T @ turn[:, order], np.maximum(variance[order], 0), 0.0)


def _shrunk(covariance: Float64s) -> Float64s:
    return (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))


def pairs(shapes: Floats, person: Ints, likeness: Likeness, groups: tuple[int, int]) -> tuple[Float64s, Float64s]:
    """The likeness of the means of so many frames and so many others: of one person [P], and of two [Q]."""
    one: list[Floats] = []
    two: list[Floats] = []
    for first, second in _drawn(shapes, person, groups):
        alike = likeness(first, second)
        one.append(np.diag(alike))
        two.append(alike[~np.eye(len(alike), dtype=bool)])
    return np.concatenate(one), np.concatenate(two)


def _drawn(shapes: Floats, person: Ints, groups: tuple[int, int]) -> Iterator[tuple[Floats, Floats]]:
    """Means [P, S] of two groups of frames of everybody who has so many, drawn several times."""
    random = np.random.default_rng(0)
    rows = [np.flatnonzero(person == name) for name in np.unique(person)]
    rows = [each for each in rows if len(each) >= sum(groups)]
    if len(rows) < 2:
        raise UnveilError(f"fewer than two people have {sum(groups)} frames: give a folder with more")
    for _ in range(DRAWS):
        orders = [random.permutation(each) for each in rows]
        yield (
            np.stack([shapes[order[: groups[0]]].mean(axis=0) for order in orders]),
            np.stack([shapes[order[groups[0] : sum(groups)]].mean(axis=0) for order in orders]),
        )


def with_limit(variation: ShapeVariation, shapes: Floats, person: Ints) -> ShapeVariation:
    """The same with the limit that keeps `KEPT` of unseen people's groups together."""
    fold = {name: k % FOLDS for k, name in enumerate(np.random.default_rng(0).permutation(np.unique(person)))}
    of = np.array([fold[name] for name in person])
    kept = [
        pairs(shapes[of == k], person[of == k], learned(shapes[of != k], person[of != k]).alike, (FRAMES, FRAMES))[0]
        for k in range(FOLDS)
    ]
    return replace(variation, limit=float(np.quantile(np.concatenate(kept), 1 - KEPT)))


def by_form(model: MorphableModel) -> Likeness:
    """What it is compared with: minus the mean distance, in metres, of the faces of neutral heads."""
    area = face_area(model)
    basis = np.asarray(model.head.shape_basis, np.float64)[:, area > 0]

    def likeness(shapes: Floats, others: Floats) -> Floats:
        rows = [np.linalg.norm(np.tensordot(shape - others, basis, 1), axis=2) for shape in shapes]
        return -np.stack([np.average(row, axis=1, weights=area[area > 0]) for row in rows])

    return likeness


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, write and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path, help="crops with the people that they show")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--learner", default="openhead")
    options = parser.parse_args(arguments)
    folder = PreparedFolder.open(options.prepared)
    rows = np.flatnonzero(folder.person != "")
    crops = np.stack([folder.canonical(int(row), SIZE) for row in rows])
    model = load_openhead()
    shapes = np.asarray(model.shape(ask(options.learner, crops).coefficients), np.float64)
    person, tested = folder.person[rows], folder.split[rows] == TEST
    variation = with_limit(learned(shapes[~tested], person[~tested]), shapes[~tested], person[~tested])
    save(options.out, variation)
    print(f"{len(np.unique(person[~tested]))} people for training, {len(np.unique(person[tested]))} for testing")
    print_header("frames", "by", "area under the ROC curve", f"others taken where {KEPT:.0%} are kept", "kept, taken")
    for groups in ((1, 1), (FRAMES, 1), (4, 4), (FRAMES, FRAMES)):
        for name, likeness in (("form", by_form(model)), ("variation", variation.alike)):
            one, two = pairs(shapes[tested], person[tested], likeness, groups)
            taken = (two >= np.quantile(one, 1 - KEPT)).mean()
            at_limit = "" if name == "form" else f"{(one >= 0).mean():.1%}, {(two >= 0).mean():.1%}"
            row = (f"{groups[0]} against {groups[1]}", name, f"{area_under_curve(one, two):.3f}", f"{taken:.1%}")
            print_row(*row, at_limit)


if __name__ == "__main__":
    with one_line_errors():
        main()
