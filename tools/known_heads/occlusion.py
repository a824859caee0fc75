"""Whether the map says where something is in front of the face, by kind of occluder, at 40 % of the face.

Cells of the map count as occluded from one half on, predicted and true. ``recall`` is the share of occluded cells that
are marked, ``precision`` the share of marked cells that are occluded, ``IoU`` their intersection over their union, over
all photographs of a kind together. Nothing is in front of clear faces: there the share of marked cells is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import spread
from tools.known_heads.tables import print_header, print_row
from unveil.errors import UnveilError
from unveil.models.registry import open_encoder
from unveil.occluders.base import Pool
from unveil.occluders.pool import measuring_pool
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.typing import Bools, Int64s

HIDDEN = 0.4  # of the face
THRESHOLD = 0.5


def occlusion(data: TrainingData, learners: Sequence[str], occluders: Path | None, *, count: int, seed: int) -> None:
    """Print how well learners mark what is in front of ``count`` real photographs."""
    indices, pool = spread(data.indices(TEST), count), measuring_pool(occluders, kept_hands=True)
    print(f"{count} photographs, {HIDDEN:.0%} of the face occluded")
    print_header("learner", "occluder", "recall", "precision", "IoU", "marked though clear")
    for learner in learners:
        config = TrainConfig(input_size=open_encoder(learner).input_size, seed=seed)
        scores = []
        for occluder in pool.occluders:
            single = Pool((occluder,), (1.0,), second=0.0)
            scores.append(overlap(*maps(Sampler(data, config, single), learner, indices, HIDDEN)))
            print_row(learner, occluder.kind, *(f"{100 * value:.0f} %" for value in scores[-1]), "")
        marked, _ = maps(Sampler(data, config, pool), learner, indices, None)
        means = np.mean(scores, axis=0)
        print_row(learner, "mean", *(f"{100 * value:.0f} %" for value in means), f"{100 * marked.mean():.1f} %")


def maps(sampler: Sampler, learner: str, indices: Int64s, severity: float | None) -> tuple[Bools, Bools]:
    """The marked and the truly occluded cells [N, 28, 28] of samples; without a severity they are clear."""
    batch = sampler.validation_batch(indices, occluded=severity is not None, severity=severity)
    predicted = ask(learner, batch.images).occlusion
    if predicted is None:
        raise UnveilError(f"{learner} gives no occlusion map: give a learner that was trained to")
    return predicted >= THRESHOLD, batch.occlusion >= THRESHOLD


def overlap(marked: Bools, truth: Bools) -> tuple[float, float, float]:
    """Recall, precision and intersection over union of marked cells; nothing marked has precision 0."""
    both = float((marked & truth).sum())
    return both / max(truth.sum(), 1), both / max(marked.sum(), 1), both / max((marked | truth).sum(), 1)
