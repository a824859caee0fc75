"""Published weights into networks: every parameter is there, none too many, each of the right shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unveil.assets.model_file import ModelFile
from unveil.assets.torch_file import CHECKPOINT, checkpoint_structure
from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable

MOST_NAMED = 6  # parameters named in an error message


def read_checkpoint(path: Path, file: ModelFile) -> Any:
    """The content of a torch file; nothing in it is run.

    Raises:
        UnveilError: it is missing, cut short, or no torch file of plain data.
    """
    return load_plain(path, FileKind(f"whole checkpoint of {file.what}", file.how_to_get, CHECKPOINT.largest))


def load_plain(path: Path, kind: FileKind) -> Any:
    """The content of a torch file of plain data; nothing in it is run, and no more memory taken than the file is long.

    Raises:
        UnveilError: it is missing, damaged or no such file.
    """
    checkpoint_structure(path, kind)  # torch would take all the memory that a compressed file unfolds to
    with kind.checking(path):
        return torch.load(path, map_location="cpu", weights_only=True)


def require_finite(network: nn.Module, whose: str) -> None:
    """Raise UnveilError where a network holds infinity or no number at all: its training has failed."""
    for name, value in network.state_dict().items():
        if not torch.isfinite(value).all():
            raise UnveilError(
                f"{whose} has weights that are not finite ({name}): the training has failed; take other weights, or "
                "train again with a smaller learning_rate"
            )


def fill(network: nn.Module, parameters: Mapping[str, Tensor], path: Path, file: ModelFile) -> None:
    """Give a network, which may be on torch's device ``meta``, the parameters of a file; evaluation mode afterwards.

    Counts of training steps may be in the file or not; some versions of torch leave them out.

    Raises:
        UnveilError: names or shapes of the parameters are not exactly the network's.
    """
    found = {name: value for name, value in parameters.items() if not _is_count(name)}
    expected = network.state_dict()
    counts = {name: torch.tensor(0) for name in expected if _is_count(name)}
    shapes = {
        f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected.keys() & found.keys()
        if found[name].shape != expected[name].shape
    }
    wrong = {
        "missing": expected.keys() - counts.keys() - found.keys(),
        "unexpected": found.keys() - expected.keys(),
        "of another shape": shapes,
    }
    if any(wrong.values()):
        listed = "; ".join(f"{what}: {_list(which)}" for what, which in wrong.items() if which)
        raise unusable(path, file, f"does not hold {file.what} ({listed})")
    network.load_state_dict({name: value.float() for name, value in found.items()} | counts, assign=True)
    network.eval().requires_grad_(requires_grad=False)


def unusable(path: Path, file: ModelFile, why: str) -> UnveilError:
    """The error that says what is wrong with a file and where to get a right one."""
    return UnveilError(f"{printable(path)} ({file.what}) {why}: {file.how_to_get}")


def _is_count(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _list(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - MOST_NAMED
    return ", ".join(ordered[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
