"""The weights a learner starts from: another run's, or a published ResNet."""

import pickle
from pathlib import Path

import torch
from torch import Tensor

from unveil.errors import UnveilError
from unveil.models.learner import Learner
from unveil.storage.files import printable
from unveil.training.checkpoint import load_learner


def start_from(learner: Learner, source: Path) -> None:
    """Take over the weights of a run's averaged learner, or those of torchvision's ResNet (a ``.pth`` state dict).

    From a run of the same layout the linear layer comes too, rewritten for the statistics of the new data, and so does
    every head that both have; what only one has stays as it is.

    Raises:
        UnveilError: there is no such run or file, or its network has another form.
    """
    if source.is_dir():
        _continue(learner, load_learner(source), source)
    else:
        _load_backbone(learner, source)


def _continue(learner: Learner, old: Learner, source: Path) -> None:
    if old.depth != learner.depth:
        raise UnveilError(
            f"{printable(source)} trained a ResNet-{old.depth}, not a ResNet-{learner.depth}: "
            f"set --depth {old.depth}, or start from another run"
        )
    learner.backbone.load_state_dict(old.backbone.state_dict())
    if old.layout != learner.layout:
        return
    _copy_linear(learner, old)
    for ours, theirs in ((learner.occlusion_head, old.occlusion_head), (learner.deviation_head, old.deviation_head)):
        if ours is not None and theirs is not None:
            ours.load_state_dict(theirs.state_dict())


@torch.no_grad()
def _copy_linear(learner: Learner, old: Learner) -> None:
    """Such weights that the coefficients, in their own units, are the old learner's."""
    scale = old.std / learner.std
    learner.head.weight.copy_(old.head.weight * scale[:, None])
    learner.head.bias.copy_(old.head.bias * scale + (old.mean - learner.mean) / learner.std)


def _load_backbone(learner: Learner, path: Path) -> None:
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
        learner.backbone.load_state_dict(backbone)
    except FileNotFoundError as error:
        raise UnveilError(f"{printable(path)} does not exist; give the folder of a run or a .pth file") from error
    except (OSError, RuntimeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UnveilError(f"{printable(path)} is no state dict of a ResNet-{learner.depth} ({reason})") from error
