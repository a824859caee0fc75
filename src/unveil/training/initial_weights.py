"""The weights a learner starts from: another run's, an exported learner's, or a published ResNet's."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from unveil.assets.torch_file import CHECKPOINT
from unveil.errors import UnveilError
from unveil.models.learner import Learner
from unveil.models.openhead.family import Openhead, learner_path
from unveil.models.weights import load_plain, require_finite
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.training.checkpoint import load_learner
from unveil.training.release.from_onnx import read_learner, unfold_normalisation
from unveil.training.release.safetensors_file import SUFFIX, read_state

SOURCES = "the folder of a run, an .onnx, .safetensors or .pth file"


def start_from(learner: Learner, source: str, first_images: Callable[[], Tensor]) -> None:
    """Take over the weights of a learner, or of torchvision's ResNet (a ``.pth`` state dict).

    From a learner of the same layout the linear layer comes too, rewritten for the statistics of the new data, and so
    does every head that both have; what only one has stays as it is.

    Args:
        learner: receives the weights.
        source: the folder of a run, whose averaged learner it is; an exported learner, by its ``.onnx`` or
            ``.safetensors`` file or the name of a packaged one; or a ``.pth`` file.
        first_images: gives images [N, 3, S, S] as training will show them, from which an exported learner gets back
            the statistics of its normalisations.

    Raises:
        UnveilError: there is no such run or file, or its network has another form.
    """
    packaged = source in Openhead.networks
    if packaged or source.lower().endswith(".onnx"):
        _continue(learner, read_learner(learner_path() if packaged else Path(source)), source)
        unfold_normalisation(learner, first_images())
    elif source.lower().endswith(SUFFIX):
        _continue(learner, read_state(Path(source)), source)
    elif Path(source).is_dir():
        _continue(learner, load_learner(Path(source)), source)
    else:
        _load_backbone(learner, Path(source))
    require_finite(learner, printable(source))


def _continue(learner: Learner, old: Learner, source: str) -> None:
    if old.depth != learner.depth:
        raise UnveilError(
            f"{printable(source)} has a ResNet-{old.depth}, not a ResNet-{learner.depth}: "
            f"set --depth {old.depth}, or start from another"
        )
    learner.backbone.load_state_dict(old.backbone.state_dict())
    if old.layout != learner.layout:
        return
    _copy_linear(learner, old)
    _copy_refinement(learner, old)
    for name in ("occlusion_head", "deviation_head", "face_head", "class_head", "point_head"):
        ours, theirs = getattr(learner, name), getattr(old, name)
        if ours is not None and theirs is not None:
            ours.load_state_dict(theirs.state_dict())


@torch.no_grad()
def _copy_linear(learner: Learner, old: Learner) -> None:
    """Set weights so that the coefficients, in their own units, are the old learner's."""
    scale = old.std / learner.std
    learner.head.weight.copy_(old.head.weight * scale[:, None])
    learner.head.bias.copy_(old.head.bias * scale + (old.mean - learner.mean) / learner.std)


@torch.no_grad()
def _copy_refinement(learner: Learner, old: Learner) -> None:
    """Set weights so that the refinement is the same in the coefficients' own units."""
    if learner.refinement is None or old.refinement is None:
        return
    learner.refinement.load_state_dict(old.refinement.state_dict())
    scale = old.std / learner.std
    learner.refinement.linear.weight.mul_(scale[:, None])
    learner.refinement.linear.bias.mul_(scale)


def _load_backbone(learner: Learner, path: Path) -> None:
    kind = FileKind(f"state dict of a ResNet-{learner.depth}", f"give {SOURCES}", CHECKPOINT.largest)
    state: dict[str, Tensor] = load_plain(path, kind)
    with kind.checking(path):
        backbone = {name: value for name, value in state.items() if not name.startswith("fc.")}
        learner.backbone.load_state_dict(backbone)
