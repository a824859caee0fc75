"""How far a learner is from the teacher on validation samples, clear and occluded."""

import math

import numpy as np
import torch
from torch import Tensor

from unveil.models.classes import CLASSES, UNKNOWN
from unveil.models.learner import Learner
from unveil.training.batches import Tensors, to_bytes, to_tensors
from unveil.training.crops.prepared import VALIDATION
from unveil.training.losses import Objective, box_size, mean_distance
from unveil.training.sampler import Sampler

BATCH = 64


@torch.no_grad()
def validate(learner: Learner, sampler: Sampler, objective: Objective, device: torch.device) -> dict[str, float]:
    """The numbers of a learner; their names end in ``_clear``, ``_occluded`` and ``_beside``.

    NME of the landmarks in percent; where the learner has the heads, the share of the map's cells that are right, the
    intersection over union of each class's cells, over all samples together, the root mean square of differences over
    deviations, which is 1 where the deviations are what they say; and the share of the crops of which it says rightly
    whether there is a face. The last is measured on crops that are badly framed or beside faces too.
    """
    indices = sampler.data.indices(VALIDATION)
    if not len(indices):
        return {}
    count = min(len(indices), sampler.config.validation_samples)
    chosen = np.random.default_rng(sampler.config.seed).choice(indices, count, replace=False)
    learner.eval()
    found: dict[str, list[Tensor]] = {}
    for start in range(0, count, BATCH):
        part = chosen[start : start + BATCH]
        shown = {name: sampler.validation_batch(part, occluded=name == "occluded") for name in ("clear", "occluded")}
        if learner.face_head is not None:
            shown["beside"] = sampler.beside_batch(part)
        for name, batch in shown.items():
            for key, values in _errors(learner, to_tensors(to_bytes(batch), device), objective).items():
                found.setdefault(f"{key}_{name}", []).append(values)
    result = _with_ratios({key: float(torch.cat(parts).mean()) for key, parts in found.items()})
    return {key: math.sqrt(value) if key.startswith("z_") else value for key, value in result.items()}


def _errors(learner: Learner, batch: Tensors, objective: Objective) -> dict[str, Tensor]:
    """The measurements of each crop; without a face, only whether the learner says so."""
    prediction = learner(batch.images)
    points = objective.landmarks(batch.coefficients)
    errors = {"nme": 100 * mean_distance(objective.landmarks(prediction.coefficients), points) / box_size(points)}
    if prediction.occlusion is not None:
        right = (prediction.occlusion > 0) == (batch.occlusion > 0.5)
        errors["map"] = right.flatten(1).float().mean(dim=1)
    if prediction.classes is not None:
        errors |= _overlaps(prediction.classes.argmax(dim=1), batch.classes)
    if prediction.points is not None:
        errors["points"] = 100 * mean_distance(prediction.points.positions, batch.points) / box_size(batch.points)
    if prediction.deviations is not None:
        z = (prediction.coefficients - batch.coefficients) / prediction.deviations
        errors["z"] = z.square().mean(dim=1)
    errors = {name: values[batch.face > 0] for name, values in errors.items()}
    if prediction.face is not None:
        errors["face"] = ((prediction.face > 0) == (batch.face > 0)).float()
    return errors


def _overlaps(predicted: Tensor, classes: Tensor) -> dict[str, Tensor]:
    """Cells of each class in both of the maps [N, H, W], and in one of them, [N] each; unknown ones do not count."""
    known = classes != UNKNOWN
    sums = {}
    for k, name in enumerate(CLASSES):
        ours, theirs = (predicted == k) & known, classes == k
        sums[f"both_{name}"] = (ours & theirs).flatten(1).float().sum(dim=1)
        sums[f"any_{name}"] = (ours | theirs).flatten(1).float().sum(dim=1)
    return sums


def _with_ratios(numbers: dict[str, float]) -> dict[str, float]:
    """The numbers with intersections over unions, of the classes that occur, in place of both."""
    result = {key: value for key, value in numbers.items() if not key.startswith(("both_", "any_"))}
    for key, cells in numbers.items():
        if key.startswith("any_") and cells:
            name = key.removeprefix("any_")
            result[f"iou_{name}"] = numbers[f"both_{name}"] / cells
    return result
