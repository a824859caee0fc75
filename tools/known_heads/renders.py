"""Photographs of the test people with other heads, whose coefficients are known exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import numpy as np

from unveil.errors import UnveilError
from unveil.training.crops.prepared import canonical_crop
from unveil.training.data import TrainingData
from unveil.training.rerender.photographs import Photographs, seen_well
from unveil.training.rerender.priors import OwnPrior, Prior
from unveil.training.rerender.samples import Renderer, Sample
from unveil.training.rerender.surface import Surface
from unveil.typing import Image, Int64s

FRAMES = 5  # photographs of each person, where several are joined
SIZE = 160  # pixels of a wide crop


def renderer_of(data: TrainingData, prior: Prior | None = None, seed: int = 0) -> Renderer:
    """What re-renders photographs of all people, by default with heads of the model's own prior."""
    surface = Surface.of(data.model)
    tones = np.where(seen_well(data), 0, -1).astype(np.int8)  # everybody is rendered: tones do not matter
    priors = [prior or OwnPrior(len(data.model.head.shape_basis))]
    return Renderer(surface, Photographs.of(data, surface, tones), priors, SIZE, seed)


def photographs_of(renderer: Renderer, split: int) -> Int64s:
    """The photographs of a split that can be rendered; UnveilError where there are none."""
    data = renderer.photographs.data
    found = np.flatnonzero((renderer.photographs.tones >= 0) & (data.folder.split[data.rows] == split))
    if not len(found):
        raise UnveilError(f"{data.folder.path} has no face to be measured that is seen from the front; prepare more")
    return found


def spread(photographs: Int64s, count: int) -> Int64s:
    """``count`` photographs spread evenly over all; some come again where there are fewer."""
    places = np.linspace(0, len(photographs), count, endpoint=False).astype(int)
    return np.asarray(photographs[places])


def frames_of_people(renderer: Renderer, split: int, count: int | None, seed: int) -> Iterator[Sequence[int]]:
    """Five photographs of a person of a split, for each who has enough of them; or so ``count`` times in turn."""
    usable, data = photographs_of(renderer, split), renderer.photographs.data
    person = data.folder.person[data.rows[usable]]
    rng = np.random.default_rng(seed)
    names = [name for name in np.unique(person) if name and (person == name).sum() >= FRAMES]
    if not names:
        raise UnveilError(f"{data.folder.path} has nobody to be measured with {FRAMES} photographs; prepare more")
    for name in islice(cycle(names), len(names) if count is None else count):
        yield rng.choice(usable[person == name], FRAMES, replace=False).tolist()


def canonical(sample: Sample) -> Image:
    """The crop of a sample that a learner sees, [S, S, 3]."""
    return canonical_crop(SIZE, SIZE).warp(sample.image)
