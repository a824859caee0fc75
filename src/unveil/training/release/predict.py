"""The predictions of a learner in torch for crops, clear and occluded."""

from __future__ import annotations

import numpy as np
import torch

from unveil.heads.layout import Coefficients
from unveil.models.encoder import Prediction
from unveil.models.learner import Learner
from unveil.training.sampler import Sampler
from unveil.training.views.batch import Batch
from unveil.typing import Images, Int64s

BATCH = 32


def clear_and_occluded(sampler: Sampler, indices: Int64s) -> Batch:
    """The crops of samples as reconstruction sees them, and the same ones occluded; always the same ones."""
    parts = [
        sampler.validation_batch(indices[start : start + BATCH], occluded=occluded)
        for occluded in (False, True)
        for start in range(0, len(indices), BATCH)
    ]
    return Batch(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


@torch.no_grad()
def predict(learner: Learner, crops: Images) -> Prediction:
    """All outputs of a learner for crops [N, S, S, 3], in single precision."""
    learner = learner.float().eval()
    starts = range(0, len(crops), BATCH)
    inputs = [torch.from_numpy(crops[start : start + BATCH]).permute(0, 3, 1, 2).float() / 255 for start in starts]
    parts = [learner(images) for images in inputs]
    deviations = [part.deviations for part in parts if part.deviations is not None]
    occlusion = [part.occlusion for part in parts if part.occlusion is not None]
    classes = [part.classes for part in parts if part.classes is not None]
    face = [part.face for part in parts if part.face is not None]
    return Prediction(
        Coefficients(learner.layout, torch.cat([part.coefficients for part in parts]).numpy()),
        Coefficients(learner.layout, torch.cat(deviations).numpy()) if deviations else None,
        torch.sigmoid(torch.cat(occlusion)).numpy() if occlusion else None,
        torch.sigmoid(torch.cat(face)).numpy() if face else None,
        torch.softmax(torch.cat(classes), dim=1).numpy() if classes else None,
    )
