"""Several photographs of a person joined: by precision against a plain mean.

`unveil.reconstruct.joining` says how. Its ``r`` is one number for a learner, the one for which points of heads of
validation people are nearest. The row ``mean, scaled`` shows what one factor for all coefficients would give, chosen in
the same way: what remains is the deviations' merit. Of ``mixed`` photographs every second one is occluded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.known_heads.asking import ask, deviations_of
from tools.known_heads.form import COLUMNS, Truth
from tools.known_heads.making import CONDITIONS, KnownHeads
from tools.known_heads.renders import FRAMES
from tools.known_heads.tables import print_header, print_row
from unveil import load_openhead
from unveil.reconstruct.joining import join_shapes
from unveil.typing import Floats, Images

CORRELATIONS = np.linspace(0, 1, 21)
FACTORS = np.linspace(0.5, 4, 36)


class Said(NamedTuple):
    """The predictions of a learner for the photographs of P people."""

    shape: Floats  # [P, F, S]
    deviation: Floats  # [P, F, S]


def frames(heads: Path, validation: Path, learners: Sequence[str]) -> None:
    """Print how near joined photographs come to the heads of known form."""
    tested, chosen_on = KnownHeads.load(heads), KnownHeads.load(validation)
    truth, other = (Truth(load_openhead(), known.heads) for known in (tested, chosen_on))
    print(f"{len(truth.heads)} heads; constants chosen on {len(other.heads)} others")
    print_header("learner", "crops", "joined by", *COLUMNS)
    for name in learners:
        before = list(say_all(name, chosen_on.crops).values())
        factor = best(FACTORS, scaled_mean, before, other)
        alike = best(CORRELATIONS, joined, before, other)
        for condition, said in say_all(name, tested.crops).items():
            ways = {
                "(one)": said.shape[:, 0],
                "mean": scaled_mean(said, 1),
                f"mean, scaled by {factor:.1f}": scaled_mean(said, factor),
                f"precision, r = {alike:.2f}": joined(said, alike),
            }
            for way, shapes in ways.items():
                print_row(name, condition, way, *truth.cells(shapes))


def say_all(learner: str, crops: Mapping[str, Images]) -> dict[str, Said]:
    """The predictions of a learner in every condition, and in both mixed."""
    said = {condition: say(learner, images) for condition, images in crops.items()}
    every_second = (np.arange(FRAMES) % 2 == 1)[:, None]
    clear, occluded = (said[condition] for condition in CONDITIONS)
    return said | {"mixed": Said(*(np.where(every_second, c, f) for f, c in zip(clear, occluded, strict=True)))}


def say(learner: str, crops: Images) -> Said:
    """The predictions of a learner for crops [P * FRAMES, S, S, 3]."""
    said = ask(learner, crops)
    parts = (np.asarray(c["shape"]) for c in (said.coefficients, deviations_of(learner, said)))
    return Said(*(part.reshape(-1, FRAMES, part.shape[-1]).astype(np.float64) for part in parts))


def joined(said: Said, correlation: float) -> Floats:
    """Shapes [P, S] of people of whom several photographs are seen."""
    return join_shapes(said.shape, said.deviation, correlation)[0]


def scaled_mean(said: Said, factor: float) -> Floats:
    """The mean shapes [P, S] of people of whom several photographs are seen, times a factor."""
    return np.asarray(factor * said.shape.mean(axis=1))


def best(constants: Floats, join: Callable[[Said, float], Floats], before: Sequence[Said], truth: Truth) -> float:
    """The constant with which photographs, joined in every condition, bring the points nearest."""
    distances = [np.mean([truth.points(join(said, float(value)))[0] for said in before]) for value in constants]
    return float(constants[np.argmin(distances)])
