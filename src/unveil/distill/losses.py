"""How far the learner's coefficients are from the teacher's. All functions are pure and keep the batch axis."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unveil.distill.config import TrainConfig
from unveil.morphable.head import Head
from unveil.morphable.layout import CoefficientLayout, Coefficients
from unveil.morphable.model import MorphableModel

SPARSE_VERTICES = 400  # about one in ten of openhead's


def group_mean_squares(predicted: Tensor, target: Tensor, layout: CoefficientLayout) -> dict[str, Tensor]:
    """Mean square difference of standardised coefficients [N, M] per group, each [N].

    Weighted by the groups' sizes, their mean is the paper's loss, the mean of squares over all M.
    """
    difference = (predicted - target) / layout.statistics(target)[1]
    return {name: values.square().mean(dim=-1) for name, values in layout.split(difference).items()}


def mean_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean Euclidean distance of points [N, P, D], as [N]; its gradient exists where points coincide."""
    squared = (predicted - target).square().sum(dim=-1)
    return torch.sqrt(squared + 1e-10).mean(dim=-1)


def box_size(points: Tensor) -> Tensor:
    """Square root of the area of the bounding box [N] of points [N, P, 2]: what NME is normalised by."""
    extent = points.amax(dim=-2) - points.amin(dim=-2)
    return extent.prod(dim=-1).sqrt()


@dataclass(frozen=True, eq=False)
class Objective:
    """The weighted sum of the terms that a configuration asks for."""

    config: TrainConfig
    layout: CoefficientLayout  # with the statistics of the training set
    landmark_model: MorphableModel  # only the vertices that landmarks need
    sparse_head: Head  # every n-th vertex

    @classmethod
    def of(cls, config: TrainConfig, layout: CoefficientLayout, model: MorphableModel) -> "Objective":
        """The objective for a head model in NumPy arrays."""
        count = len(model.head.template)
        sparse = model.head.take(np.arange(0, count, max(1, count // SPARSE_VERTICES)))
        return cls(config, layout, model.landmark_model().map_arrays(_to_tensor), sparse.map_arrays(_to_tensor))

    def landmarks(self, values: Tensor) -> Tensor:
        """The 68 landmarks [N, 68, 2] of coefficients [N, M] in the crop's [-1, 1] frame."""
        coefficients = Coefficients(self.layout, values)
        model = self.landmark_model
        points = model.landmarks68(model.vertices(coefficients))
        projected: Tensor = model.project(points, coefficients)
        return projected[..., :2]

    def vertices(self, values: Tensor) -> Tensor:
        """Sparse vertices [N, V', 3] without pose, in millimetres."""
        groups = self.layout.split(values)
        points: Tensor = self.sparse_head.unposed(groups["shape"], groups["expression"])
        return points * 1000.0

    def terms(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Every term [N], unweighted, of coefficients [N, M]."""
        terms = group_mean_squares(predicted, target, self.layout)
        terms["landmark"] = mean_distance(self.landmarks(predicted), self.landmarks(target))
        terms["vertex"] = mean_distance(self.vertices(predicted), self.vertices(target))
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of terms, [N]."""
        return torch.stack([getattr(self.config, f"{name}_weight") * term for name, term in terms.items()]).sum(dim=0)


def _to_tensor(array: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.float() if tensor.is_floating_point() else tensor
