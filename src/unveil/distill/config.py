"""What a training run is told: one frozen, checked dataclass, kept as JSON in the run's folder."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from unveil.errors import UnveilError


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run; every default has a reason. Angles in degrees, shares of the crop's side where it says so."""

    # The network.
    depth: int = 50  # ResNet layers: the paper's
    input_size: int = 224  # pixels; the field's crop size

    # How long and how fast.
    epochs: int = 30
    max_minutes: float = 0.0  # when positive, the run ends by then, and the schedule follows whichever ends first
    batch_size: int = 64  # over all processes
    learning_rate: float = 1e-3  # AdamW's peak; batch normalisation bears it
    weight_decay: float = 0.05
    warmup: float = 0.03  # share of the run over which the learning rate rises
    gradient_norm: float = 5.0  # longer gradients are cut: landmark terms explode on a rare bad pose
    ema: float = 0.999  # decay per step of the averaged weights, which are the ones evaluated and exported

    # What is learned. Weights of 0 leave a term out.
    shape_weight: float = 1.0  # mean square of standardised coefficients, per group
    expression_weight: float = 1.0
    pose_weight: float = 1.0
    camera_weight: float = 1.0
    landmark_weight: float = 10.0  # mean distance of the 68 projected landmarks, in half crop sides
    vertex_weight: float = 0.1  # mean distance of sparse vertices without pose, in millimetres

    # What the learner sees.
    occluded: float = 0.5  # share of the training images with an occluder
    scale: float = 0.18  # natural logarithm of the largest zoom; a detector's crop is off by up to 15 %
    shift: float = 0.10  # share of the crop's side
    rotation: float = 25.0  # degrees, in the image plane
    flip: float = 0.5  # probability of a mirrored crop
    colour: float = 0.8  # probability of other colours; blur, noise, JPEG and low resolution are rarer

    # The machine.
    seed: int = 0
    precision: str = "bf16-mixed"  # or 32-true
    processes: int = 1  # on one CPU two processes of one thread outrun one of two when other programs run
    threads: int = 0  # per process; 0 leaves the choice to torch
    workers: int = 0  # loader processes for each; 0 prepares the batches in the training process
    checkpoint_minutes: float = 5.0
    validation_samples: int = 512

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            # An int is a fine float; a bool is neither, though Python's isinstance says so.
            kinds = (int, float) if field.type is float else (field.type,)
            if isinstance(value, bool) or not isinstance(value, kinds):  # type: ignore[arg-type]
                raise UnveilError(f"setting {field.name} must be a {_kind(field.type)}, not {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise UnveilError(f"setting {field.name} must be a finite number, not {value!r}")
        self._check_ranges()

    def _check_ranges(self) -> None:
        one_or_more = {"epochs", "batch_size", "processes", "validation_samples"}
        shares = {"warmup", "ema", "occluded", "flip", "colour"}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in one_or_more and value < 1:
                raise UnveilError(f"setting {field.name} must be 1 or more, not {value}")
            if field.name in shares and not 0 <= value <= 1:
                raise UnveilError(f"setting {field.name} must be from 0 to 1, not {value}")
            if not isinstance(value, str) and value < 0:
                raise UnveilError(f"setting {field.name} must not be negative, but is {value}")
        if self.input_size < 32:
            raise UnveilError(
                f"setting input_size must be 32 or more, not {self.input_size}: the network halves it 5 times"
            )
        if self.precision not in {"bf16-mixed", "32-true"}:
            raise UnveilError(f"setting precision must be bf16-mixed or 32-true, not {self.precision!r}")
        if self.batch_size % self.processes:
            raise UnveilError(f"batch_size {self.batch_size} cannot be shared evenly by {self.processes} processes")

    def to_json(self) -> str:
        """JSON that `from_json` reads back."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the configuration") -> Self:
        """Read settings; those not named keep their defaults.

        Raises:
            UnveilError: the text is no JSON object, or a setting is unknown or has a wrong value.
        """
        try:
            data: Any = json.loads(text)
        except ValueError as error:
            raise UnveilError(f"{where} is no JSON ({error})") from error
        if not isinstance(data, dict):
            raise UnveilError(f"{where} must be a JSON object of settings")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise UnveilError(
                f"{where} has unknown settings {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        return cls(**data)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON file; UnveilError as in `from_json`, or when it cannot be read."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UnveilError(f"cannot read the configuration {path}: {error}") from error
        return cls.from_json(text, str(path))


def _kind(kind: object) -> str:
    return {int: "whole number", float: "number", str: "text"}[kind]  # type: ignore[index]
