"""Heads of known shape: five photographs of each person, rendered with one head of ICT-FaceKit.

The head is carried over to openhead. The photographs are kept clear and with 40 % of the face occluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.known_heads.renders import FRAMES, SIZE, canonical, frames_of_people, renderer_of
from unveil.heads.layout import Coefficients
from unveil.occluders.base import Face, Pool
from unveil.occluders.head_surface import HeadSurface
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.npz import write_npz
from unveil.training.data import TrainingData
from unveil.training.rerender.priors import CarriedPrior
from unveil.training.rerender.samples import Sample
from unveil.typing import Float64s, Image, Images

HIDDEN = 0.4  # of the face
CONDITIONS = {"clear": "clear", "occluded": "covered"}  # the array of each in the file
KIND = FileKind("file of known heads", "make it with the command make", 2**32)


@dataclass(frozen=True, eq=False)
class KnownHeads:
    """The heads and their photographs."""

    heads: Float64s  # [P, V, 3] metres
    crops: dict[str, Images]  # by condition, [P * FRAMES, S, S, 3], those of one head one after the other

    @classmethod
    def load(cls, path: Path) -> KnownHeads:
        """Read what `make` wrote; UnveilError where it is none such."""
        arrays = read_arrays(path, KIND, ("heads", *CONDITIONS.values()))
        with KIND.checking(path):
            heads, crops = arrays["heads"].astype(np.float64), {name: arrays[key] for name, key in CONDITIONS.items()}
            if any(len(images) != FRAMES * len(heads) for images in crops.values()):
                raise ValueError(f"it has not {FRAMES} photographs of each head")
            return cls(heads, crops)


@dataclass(frozen=True)
class Making:
    """Which heads are made."""

    split: int
    heads: int | None  # None: one for each person
    seed: int


def make(data: TrainingData, ict: Path, pool: Pool, out: Path, making: Making) -> None:
    """Re-render the people of a split and write crops and heads."""
    prior = CarriedPrior.load(ict, data.model)
    renderer = renderer_of(data, prior, making.seed)
    surface, heads = HeadSurface.of(data.model), []
    crops: dict[str, list[Image]] = {name: [] for name in CONDITIONS}
    for number, frames in enumerate(frames_of_people(renderer, making.split, making.heads, making.seed)):
        rng = np.random.default_rng((making.seed, number))
        head = prior.draw(rng)
        samples = [renderer.with_head(index, head, rng, far_turns=0.0) for index in frames]
        for sample in samples:
            crops["clear"].append(canonical(sample))
            crops["occluded"].append(occluded(data, surface, pool, sample, rng))
        heads.append(samples[0].vertices)
    write_npz(out, {key: np.stack(crops[name]) for name, key in CONDITIONS.items()} | {"heads": np.stack(heads)})
    print(f"{out}: {len(heads)} heads, {FRAMES * len(heads)} photographs")


def occluded(data: TrainingData, surface: HeadSurface, pool: Pool, sample: Sample, rng: np.random.Generator) -> Image:
    """The canonical crop [S, S, 3] of a sample with part of the face occluded."""
    coefficients = Coefficients(data.layout, sample.coefficients[None].astype(np.float64))
    marks = (data.project_landmarks(sample.coefficients[None])[0] / 2 + 0.5) * SIZE
    face = Face.of(marks, surface.place(coefficients, SIZE)[0])
    return pool.apply(canonical(sample), face, rng, HIDDEN).image
