"""How far the learner is from the teacher. All terms are pure functions and keep the batch axis."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from unveil.heads.face_area import face_area
from unveil.heads.head import Head
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.classes import BROWS, CLASSES, EYES, LIPS, MOUTH, UNKNOWN
from unveil.models.learner import LearnerOutput
from unveil.models.points import Points, cell_centres, cross_entropies
from unveil.training.batches import Tensors
from unveil.training.config import TrainConfig

SPARSE_VERTICES = 400  # about one in ten of openhead's
FACE_VERTICES = 600  # about one in three of those of openhead's face
INSIDE = 0.95  # of the crop's [-1, 1] frame
SPOT = 1.3  # standard deviation of a map's spot, in cells
FACE_SCORE = "face_score"  # the one term that is known of every crop
SMALL_CLASSES, SMALL_WEIGHT = (BROWS, EYES, LIPS, MOUTH), 3.0  # they have few cells, each of which matters
AT_REST = 2.0  # weight of the face at rest against the face with its expression


def raw_mean_square(predicted: Tensor, target: Tensor) -> Tensor:
    """The paper's loss: mean of squares over the M coefficients [N, M], in their own units, as [N]."""
    return (predicted - target).square().mean(dim=-1)


def group_mean_squares(predicted: Tensor, target: Tensor, layout: CoefficientLayout) -> dict[str, Tensor]:
    """Mean square difference of standardised coefficients [N, M] per group, each [N]."""
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


def feature_distance(features: Tensor, partner: Tensor) -> Tensor:
    """Relative squared distance [N] of features [N, F] from those of the same crop without the occluder.

    ``partner`` [N] is the row of that crop, or -1 for none, whose distance is 0. The clear crop's features are the
    target and get no gradient.
    """
    aim = features.detach()[partner.clamp(min=0)]
    distance = (features - aim).square().sum(dim=-1) / aim.square().sum(dim=-1).clamp(min=1e-6)
    return torch.where(partner >= 0, distance, torch.zeros_like(distance))


def map_cross_entropy(logits: Tensor, occlusion: Tensor) -> Tensor:
    """Mean binary cross entropy [N] of occlusion maps [N, H, W] with the occluded share of each cell [N, H, W]."""
    entropy = functional.binary_cross_entropy_with_logits(logits, occlusion, reduction="none")
    return entropy.flatten(1).mean(dim=-1)


def class_cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean cross entropy [N] of class maps, logits [N, K, H, W], with classes [N, H, W], over cells that are known."""
    weight = torch.ones(len(CLASSES), device=logits.device, dtype=logits.dtype)
    weight[list(SMALL_CLASSES)] = SMALL_WEIGHT
    entropy = functional.cross_entropy(logits, classes.long(), weight, ignore_index=UNKNOWN, reduction="none")
    return entropy.flatten(1).sum(dim=1) / (classes != UNKNOWN).flatten(1).sum(dim=1).clamp(min=1)


def point_terms(points: Points, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean distance [N] of points from their targets [N, P, 2], and mean cross entropy [N] of their maps.

    The maps are to be a small round spot, so that a position comes from what is there, not from all over the crop.
    Targets beyond the crop do not count.
    """
    inside = (target.abs() < INSIDE).all(dim=-1).float()
    share = inside / inside.sum(dim=-1, keepdim=True).clamp(min=1)
    apart = torch.sqrt((points.positions - target).square().sum(dim=-1) + 1e-8)
    cells = points.maps.cells
    in_cells = (target[..., None] - cell_centres(cells, target)) * (cells / 2)  # [N, P, 2, C]
    x, y = torch.softmax(-0.5 * (in_cells / SPOT).square(), dim=-1).unbind(dim=2)
    entropy = cross_entropies(points.maps, rows=y, columns=x)
    return (apart * share).sum(dim=-1), (entropy * share).sum(dim=-1)


def distance_of_forms(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean distance of points [N, P, 3], as [N], after the predicted are shifted and scaled onto the target.

    Shift and scale are fitted by least squares, because a photograph tells neither how large a head is nor where in it
    the origin is.
    """
    ours, theirs = (points - points.mean(dim=-2, keepdim=True) for points in (predicted, target))
    size = (ours * theirs).sum(dim=(-2, -1)) / ours.square().sum(dim=(-2, -1)).clamp(min=1e-12)
    return mean_distance(size[..., None, None] * ours, theirs)


def negative_log_likelihood(difference: Tensor, deviation: Tensor, trust: Tensor | None = None) -> Tensor:
    """Mean over M of a normal distribution's negative log likelihood, without its constant, as [N].

    Of differences [N, M] under standard deviations [N, M] (Nix and Weigend 1994), each as far as it is to be trusted
    [N, M]. Only the deviations learn from it: otherwise the coefficients that are hard would be given up (Seitzer et
    al. 2022).
    """
    likelihood = 0.5 * (difference.detach() / deviation).square() + deviation.log()
    return (likelihood if trust is None else likelihood * trust).mean(dim=-1)


@dataclass(frozen=True, eq=False)
class Objective:
    """The weighted sum of the terms that a configuration asks for."""

    config: TrainConfig
    layout: CoefficientLayout  # with the statistics of the training set
    landmark_model: MorphableModel  # only the vertices that landmarks need
    sparse_head: Head  # every n-th vertex
    face: Head | None  # every n-th vertex of the face; None where its term has no weight

    @classmethod
    def of(
        cls, config: TrainConfig, layout: CoefficientLayout, model: MorphableModel, device: torch.device | str = "cpu"
    ) -> "Objective":
        """The objective for a head model in NumPy arrays."""

        def to_tensor(array: np.ndarray) -> Tensor:
            tensor = torch.from_numpy(np.ascontiguousarray(array)).to(device)
            return tensor.float() if tensor.is_floating_point() else tensor

        count = len(model.head.template)
        sparse = model.head.take(np.arange(0, count, max(1, count // SPARSE_VERTICES)))
        face = None
        if config.face_weight:
            vertices = np.flatnonzero(face_area(model) > 0)
            face = model.head.take(vertices[:: max(1, len(vertices) // FACE_VERTICES)]).map_arrays(to_tensor)
        return cls(config, layout, model.landmark_model().map_arrays(to_tensor), sparse.map_arrays(to_tensor), face)

    def landmarks(self, values: Tensor) -> Tensor:
        """The 68 landmarks [N, 68, 2] of coefficients [N, M] in the crop's [-1, 1] frame."""
        coefficients = Coefficients(self.layout, values)
        model = self.landmark_model
        points = model.landmarks68(model.vertices(coefficients))
        projected: Tensor = model.project(points, coefficients)
        return projected[..., :2]

    def vertices(self, values: Tensor) -> Tensor:
        """Sparse vertices [N, V', 3] without pose, in millimetres."""
        coefficients = Coefficients(self.layout, values)
        shape = self.landmark_model.shape(coefficients)
        points: Tensor = self.sparse_head.unposed(shape, coefficients["expression"])
        return points * 1000.0

    def form(self, face: Head, predicted: Tensor, target: Tensor) -> Tensor:
        """The term [N] of the form of a face of coefficients [N, M], whatever its size and place, in millimetres."""
        ours, theirs = self.layout.split(predicted), self.layout.split(target)
        shape = self.landmark_model.shape_group
        at_rest = distance_of_forms(*(1000 * face.neutral(g[shape]) for g in (ours, theirs)))
        moving = distance_of_forms(*(1000 * face.unposed(g[shape], g["expression"]) for g in (ours, theirs)))
        return (AT_REST * at_rest + moving) / (AT_REST + 1)

    def trust(self, batch: Tensors) -> Tensor:
        """How far each coefficient of the labels can be trusted, [N, M]."""
        trust = torch.ones_like(batch.coefficients)
        trust[:, self.layout.slice_of(self.landmark_model.shape_group)] = batch.shape_weight[:, None]
        return trust

    def coefficients(self, predicted: Tensor, target: Tensor, trust: Tensor | None = None) -> Tensor:
        """The term [N] of the coefficients [N, M] themselves, each as far as it is to be trusted [N, M]."""
        if trust is not None:
            share = torch.ones_like(trust[0])
            share[self.layout.slice_of(self.landmark_model.shape_group)] = self.config.shape_share
            predicted = target + (predicted - target) * (trust * share).sqrt()
        if self.config.coefficient_loss == "raw":
            return raw_mean_square(predicted, target)
        return torch.stack(list(group_mean_squares(predicted, target, self.layout).values())).sum(dim=0)

    def terms(self, prediction: LearnerOutput, batch: Tensors) -> dict[str, Tensor]:
        """Every term [N] that has a weight, unweighted; a crop whose labels do not count adds nothing to them."""
        predicted, target, config = prediction.coefficients, batch.coefficients, self.config
        trust = self.trust(batch)
        terms = {"coefficient": self.coefficients(predicted, target, trust)}
        if config.landmark_weight:
            terms["landmark"] = mean_distance(self.landmarks(predicted), self.landmarks(target))
        if config.vertex_weight:
            terms["vertex"] = batch.shape_weight * mean_distance(self.vertices(predicted), self.vertices(target))
        if self.face is not None:
            terms["face"] = batch.shape_weight * self.form(self.face, predicted, target)
        if config.feature_weight:
            terms["feature"] = feature_distance(prediction.features, batch.partner)
        if prediction.points is not None:
            terms["point"], terms["map"] = point_terms(prediction.points, batch.points)
        if prediction.classes is not None:
            terms["class"] = class_cross_entropy(prediction.classes, batch.classes)
        elif prediction.occlusion is not None:
            terms["occlusion"] = map_cross_entropy(prediction.occlusion, batch.occlusion)
        if prediction.deviations is not None:
            std = self.layout.statistics(target)[1]
            difference = (predicted - target) / std
            terms["likelihood"] = negative_log_likelihood(difference, prediction.deviations / std, trust)
        terms = {name: torch.where(batch.weight > 0, term, 0.0) for name, term in terms.items()}
        if prediction.face is not None:
            entropy = functional.binary_cross_entropy_with_logits(prediction.face, batch.face, reduction="none")
            terms[FACE_SCORE] = entropy
        return terms

    def total(self, terms: dict[str, Tensor], weight: Tensor) -> Tensor:
        """The weighted sum of terms, [N], which count as much as the label is trusted [N], but for the face score."""
        weighted = {name: getattr(self.config, f"{name}_weight") * term for name, term in terms.items()}
        face_score = weighted.pop(FACE_SCORE, torch.zeros_like(weight))
        total: Tensor = torch.stack(list(weighted.values())).sum(dim=0) * weight + face_score
        return total
