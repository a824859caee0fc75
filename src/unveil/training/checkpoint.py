"""The state of a run on disk, from which a stopped run continues as if it had never stopped."""

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.models.learner import Learner
from unveil.models.points import FRONT
from unveil.models.weights import load_plain, require_finite
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable, valid_text, write_bytes, write_text
from unveil.storage.made_with import require_same
from unveil.storage.text import read_text
from unveil.training.checksum import add_checksum, require_checksum
from unveil.training.config import CONFIGURATION, TrainConfig

CONFIG_FILE, DATA_FILE, CHECKPOINT_FILE = "config.json", "data.txt", "checkpoint.pt"
CHECKPOINT = FileKind("usable checkpoint", "delete it to start again", 2**34)
# Settings without influence on what is learned, but for rounding; a run may go on with others.
MAY_CHANGE = ("max_minutes", "accelerator", "threads", "workers", "checkpoint_minutes", "validation_samples")


@dataclass
class Position:
    """How far a run has come."""

    epoch: int = 0
    batch: int = 0  # batches of this epoch that are done
    step: int = 0  # batches that are done in all
    seconds: float = 0.0  # spent training


@dataclass
class TrainingState:
    """Everything that changes while a learner trains."""

    learner: Learner
    average: Learner  # exponential moving average of the learner's weights
    optimizer: torch.optim.Optimizer
    position: Position

    def save(self, folder: Path) -> None:
        """Write the state whole or not at all; UnveilError where the disk is full or weights are not finite."""
        for network in (self.learner, self.average):
            require_finite(network, f"the run {printable(folder)}")
        parts: dict[str, Any] = {"learner": self.learner, "average": self.average, "optimizer": self.optimizer}
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"position": asdict(self.position), "layout": self.learner.layout.to_json()}
        buffer = io.BytesIO()  # written by torch itself, a full disk would be an error without a reason
        torch.save(state, buffer)
        add_checksum(buffer)
        write_bytes(folder / CHECKPOINT_FILE, buffer.getbuffer())

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `load_checkpoint` read."""
        self.learner.load_state_dict(state["learner"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.position = state["position"]


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state that `TrainingState.save` wrote, or None where there is none yet; UnveilError where it is damaged."""
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    state: dict[str, Any] = load_plain(path, CHECKPOINT)
    with CHECKPOINT.checking(path):
        require_checksum(path)
        state["position"] = Position(**state["position"])
        state["layout"] = CoefficientLayout.from_json(state["layout"])
    return state


def require_same_run(folder: Path, config: TrainConfig, data: str) -> None:
    """Check that settings and fingerprint of the data are those of the run in a folder, if it has one.

    Raises:
        UnveilError: the folder belongs to a run with other settings, other data or another teacher's labels.
    """
    path, data_path = folder / CONFIG_FILE, folder / DATA_FILE
    if path.exists():
        earlier, now = (_lasting(each) for each in (TrainConfig.load(path), TrainConfig.from_json(config.to_json())))
        advice = f"choose another folder, or use its {printable(path)}"
        require_same(folder, earlier, now, what="belongs to a run with other settings", advice=advice)
    if data_path.exists():
        earlier = {"data": read_text(data_path, CONFIGURATION).strip()}
        advice = "choose another folder, or give its data"
        require_same(folder, earlier, {"data": valid_text(data)}, what="was trained on other data", advice=advice)


def settle(folder: Path, config: TrainConfig, data: str) -> None:
    """Write settings and the fingerprint of the data into a run folder; errors as `require_same_run`."""
    require_same_run(folder, config, data)
    path, data_path = folder / CONFIG_FILE, folder / DATA_FILE
    for file, text in ((path, config.to_json()), (data_path, data + "\n")):
        if not file.exists():  # it may be the very file that --config names
            write_text(file, text)


def _lasting(config: TrainConfig) -> dict[str, Any]:
    """The settings that a run keeps from its first step to its last."""
    return {name: value for name, value in asdict(config).items() if name not in MAY_CHANGE}


def new_learner(config: TrainConfig, layout: CoefficientLayout, front: torch.Tensor | None = None) -> Learner:
    """The network that settings ask for; an output head whose loss has no weight is left out.

    ``front`` [P, 2] are the face points of the head model's template (`heads.face_points`); with them it finds points.
    """
    weights = {
        "occlusion": 0.0 if config.class_weight else config.occlusion_weight,  # it is one of the classes
        "deviation": config.likelihood_weight,
        "face": config.face_score_weight,
        "class": config.class_weight,
    }
    return Learner(
        config.depth,
        layout,
        config.input_size,
        heads={head for head, weight in weights.items() if weight},
        front=front,
    )


def load_learner(folder: Path) -> Learner:
    """The averaged learner of a run, ready to predict; UnveilError when the run has not saved one."""
    if not (folder / CONFIG_FILE).exists():
        raise UnveilError(f"{printable(folder)} is no run of `unveil train`: give the folder that it wrote")
    config, state = TrainConfig.load(folder / CONFIG_FILE), load_checkpoint(folder)
    if state is None:
        raise UnveilError(f"no {CHECKPOINT_FILE} in {printable(folder)}: train a learner first")
    learner = new_learner(config, state["layout"], state["average"].get(FRONT))
    with CHECKPOINT.checking(folder / CHECKPOINT_FILE):
        learner.load_state_dict(state["average"])
    require_finite(learner, f"the run {printable(folder)}")
    return learner.eval()
