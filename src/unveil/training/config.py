"""The settings of a training run: one frozen, checked dataclass, kept as JSON in the run's folder.

The command line is generated from it: every field is an option, and its help is the option's.
"""

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from unveil.errors import UnveilError, reason_of
from unveil.storage.file_kind import FileKind
from unveil.storage.files import json_text, printable
from unveil.storage.text import parse_json, read_text

CONFIGURATION = FileKind("JSON object of settings", "check its path, or write it again", 2**20)

CHOICES: dict[str, tuple[str | int, ...]] = {
    "depth": (18, 34, 50),
    "accelerator": ("auto", "cpu", "cuda"),
    "precision": ("bf16-mixed", "32-true"),
    "coefficient_loss": ("standardised", "raw"),
}
PARTS = (  # of a learner
    "backbone",
    "head",
    "occlusion_head",
    "deviation_head",
    "face_head",
    "class_head",
    "point_head",
    "refinement",
)
MOST = {"input_size": 1024, "processes": 1024, "nodes": 1024, "threads": 1024, "workers": 1024}
HALVED = 32  # pixels of a crop's side that the network's five halvings make one
LARGEST = 2**32 - 1  # of every other number; random generators take no larger seed


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run. The defaults are the preset ``unveil``."""

    # The network.
    depth: int = _setting(50, "Layers of the ResNet: 18, 34 or 50; the paper's has 50.")
    input_size: int = _setting(224, "Side of the learner's crops in pixels; 224 is usual.")
    start_from: str = _setting(
        "",
        "Initial weights: openhead, a learner (.onnx, .safetensors), a run's folder, or torchvision's ResNet (.pth).",
    )
    solve_shape: int = _setting(
        0,
        "Training crops to solve the linear layer's rows for the shape from, before the first step; 0: none.",
    )
    train_only: str = _setting(
        "", "Parts to train, separated by commas, such as class_head; the others stay as they are. All if empty."
    )

    # How long and how fast.
    epochs: int = _setting(30, "Passes over the training samples.")
    max_minutes: float = _setting(
        0.0, "End the run within this many minutes, to which the schedule then adapts; 0: no limit."
    )
    max_steps: int = _setting(0, "End the run after this many steps; 0: no limit.")
    batch_size: int = _setting(64, "Images per step, over all processes.")
    learning_rate: float = _setting(1e-3, "Peak learning rate of AdamW.")  # high; batch normalisation bears it
    weight_decay: float = _setting(0.05, "Weight decay of AdamW, for weights with more than one axis.")
    warmup: float = _setting(0.03, "Share of the run over which the learning rate rises.")
    # Landmarks explode on a rare bad pose.
    gradient_norm: float = _setting(5.0, "Clip gradients to this norm; 0 switches clipping off.")
    ema: float = _setting(0.999, "Decay per step of the averaged weights, which are evaluated and exported.")

    # What is learned. A weight of 0 leaves a term out.
    coefficient_loss: str = _setting(
        "standardised", "Mean squares of the coefficients: standardised and summed over groups, or raw and averaged."
    )
    coefficient_weight: float = _setting(1.0, "Weight of the mean squares of the coefficients.")
    landmark_weight: float = _setting(
        20.0, "Weight of the mean distance of the projected landmarks, in half crop sides."
    )
    shape_share: float = _setting(1.0, "Weight of the shape within the mean squares of the coefficients.")
    vertex_weight: float = _setting(0.1, "Weight of the mean distance of sparse vertices without pose, in millimetres.")
    face_weight: float = _setting(
        0.0, "Weight of the face's vertex distances after removing size and position; the neutral face counts twice."
    )
    point_weight: float = _setting(
        0.0,
        "Weight of the mean distance of points all over the face, in half crop sides; 0: no points.",
    )
    map_weight: float = _setting(0.3, "Weight of the cross entropy of the points' maps, where the learner has them.")
    class_weight: float = _setting(
        0.0, "Weight of the cross entropy of the class map, of which the occlusion map is then a part; 0: no class map."
    )
    feature_weight: float = _setting(
        0.0,
        "Weight of the distance between the features of a crop with and without occluder; above 0, crops are paired.",
    )
    occlusion_weight: float = _setting(0.5, "Weight of the cross entropy of the occlusion map.")
    likelihood_weight: float = _setting(0.1, "Weight of the negative log likelihood of the deviations.")
    face_score_weight: float = _setting(
        0.0, "Weight of the cross entropy of the face score; 0: no face score. Needs --beside."
    )

    # What the learner sees.
    classes: str = _setting("", "Folder with the class maps of the crops, which `unveil segment` wrote.")
    occluders: str = _setting("", "Folder with pictures of occluders, used in addition to those that are drawn.")
    kinds: str = _setting("", "Kinds of occluders, separated by commas; all if empty.")
    occluded: float = _setting(0.5, "Share of the training images with an occluder, unless crops are paired.")
    severity: float = _setting(0.7, "Largest share of the face that is hidden; 0 leaves it to the occluders.")
    severity_start: float = _setting(0.3, "Largest share of the face that is hidden at the start.")
    severity_epochs: float = _setting(
        5.0, "Epochs over which --severity-start grows to --severity; 0: --severity from the start."
    )
    scale: float = _setting(0.18, "Natural logarithm of the largest zoom; a detector's crop is off by up to 15 %.")
    shift: float = _setting(0.10, "Largest shift of the crop, as a share of its side.")
    rotation: float = _setting(25.0, "Largest rotation in the image plane, in degrees.")
    flip: float = _setting(0.5, "Probability of mirroring a crop, where the head model can be mirrored.")
    beside: float = _setting(
        0.0, "Share of the training images that are badly framed (one half) or show no face (the other half)."
    )
    colour: float = _setting(
        0.8, "Probability of changed colours; blur, noise, JPEG and low resolution are rarer; 0: never."
    )

    # The machine.
    seed: int = _setting(0, "Random seed, from which everything random follows.")
    accelerator: str = _setting("auto", "Where to train: auto, cpu or cuda.")
    precision: str = _setting("bf16-mixed", "Floating-point precision: bf16-mixed or 32-true.")
    processes: int = _setting(
        1,
        "Processes per machine: GPUs, or CPU processes "
        "(two single-threaded ones are faster than one with two threads).",
    )
    nodes: int = _setting(1, "Number of machines; start the same command on each with torchrun.")
    threads: int = _setting(0, "Threads per process; 0 leaves the choice to torch.")
    workers: int = _setting(
        0, "Loader processes per training process; 0 prepares the batches in the training process itself."
    )
    checkpoint_minutes: float = _setting(5.0, "Minutes between checkpoints within an epoch.")
    validation_samples: int = _setting(512, "Samples to validate on after every epoch.")

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            # An int is a fine float; a bool is neither, though Python's isinstance says so.
            kinds = (int, float) if entry.type is float else (entry.type,)
            if isinstance(value, bool) or not isinstance(value, kinds):  # type: ignore[arg-type]
                raise UnveilError(f"setting {entry.name} must be a {_kind(entry.type)}, not {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise UnveilError(f"setting {entry.name} must be a finite number, not {value!r}")
        self._check_ranges()
        self._check_together()

    def _check_ranges(self) -> None:
        one_or_more = {"epochs", "batch_size", "processes", "nodes", "validation_samples"}
        shares = {"warmup", "ema", "occluded", "severity", "severity_start", "flip", "colour", "beside"}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in one_or_more and value < 1:
                raise UnveilError(f"setting {entry.name} must be 1 or more, not {value}")
            if entry.name in shares and not 0 <= value <= 1:
                raise UnveilError(f"setting {entry.name} must be from 0 to 1, not {value}")
            if not isinstance(value, str) and value < 0:
                raise UnveilError(f"setting {entry.name} must not be negative, but is {value}")
            choices = CHOICES.get(entry.name)
            if choices and value not in choices:
                raise UnveilError(f"setting {entry.name} must be {' or '.join(map(str, choices))}, not {value!r}")
            if not isinstance(value, str) and value > (most := MOST.get(entry.name, LARGEST)):
                raise UnveilError(f"setting {entry.name} must be at most {most}, not {value}")
        if unknown := self.parts_to_train - set(PARTS):
            raise UnveilError(f"setting train_only names {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")

    def _check_together(self) -> None:
        """Settings that need each other, and sizes that the network can take."""
        if self.input_size < HALVED:
            raise UnveilError(
                f"setting input_size must be {HALVED} or more, not {self.input_size}: the network halves it 5 times"
            )
        if self.batch_size == 1 and self.input_size == HALVED:
            raise UnveilError(
                f"batch_size 1 and input_size {HALVED} leave one number per channel, which batch normalisation cannot "
                "normalise: choose a batch_size of 2 or more, or a larger input_size"
            )
        if self.class_weight and not self.classes:
            raise UnveilError("class_weight needs class maps: set classes to the folder that `unveil segment` wrote")
        if self.face_score_weight and not self.beside:
            raise UnveilError("face_score_weight needs images without a face: set beside to 0.2, for example")
        share = 2 * self.world_size if self.paired else self.world_size
        if self.batch_size % share:
            what = "pairs" if self.paired else "images"
            raise UnveilError(
                f"batch_size {self.batch_size} does not give {self.world_size} processes equally many {what}: "
                f"choose a multiple of {share}"
            )

    @property
    def world_size(self) -> int:
        """Processes on all machines."""
        return self.processes * self.nodes

    @property
    def parts_to_train(self) -> set[str]:
        """The parts of the learner that are trained; empty for all."""
        return {part for part in self.train_only.replace(" ", "").split(",") if part}

    @property
    def paired(self) -> bool:
        """Whether every occluded crop comes with the same crop without the occluder."""
        return self.feature_weight > 0

    @property
    def samples_per_step(self) -> int:
        """Samples whose images fill a batch."""
        return self.batch_size // 2 if self.paired else self.batch_size

    def to_json(self) -> str:
        """JSON that `from_json` reads back, except for names that are not valid UTF-8."""
        return json_text(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the configuration") -> Self:
        """Read settings; those not named keep their defaults.

        Raises:
            UnveilError: the text is no JSON object, or a setting is unknown or has a wrong value.
        """
        try:
            data: Any = parse_json(text)
        except ValueError as error:
            raise UnveilError(f"{where} is no JSON ({reason_of(error)}); write it again") from error
        if not isinstance(data, dict):
            raise UnveilError(f"{where} must be a JSON object of settings")
        known = {entry.name for entry in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise UnveilError(
                f"{where} has unknown settings {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        return cls(**data)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON file; UnveilError as in `from_json`, or when it cannot be read."""
        return cls.from_json(read_text(path, CONFIGURATION, "JSON"), printable(path))


# What differs from the defaults. ``paper`` is the paper's experiment where it states it: ResNet-50, 224 pixels, the
# mean square over the M coefficients, every image occluded. What it leaves open is as in docs/reproduce.md.
PRESETS: dict[str, dict[str, Any]] = {
    "unveil": {},
    "paper": {
        "coefficient_loss": "raw",
        "landmark_weight": 0.0,
        "vertex_weight": 0.0,
        "feature_weight": 0.0,
        "occlusion_weight": 0.0,
        "likelihood_weight": 0.0,
        "kinds": "pixels",
        "occluded": 1.0,
        "severity": 0.0,
        "severity_start": 0.0,
        "severity_epochs": 0.0,
        "scale": 0.0,
        "shift": 0.0,
        "rotation": 0.0,
        "flip": 0.0,
        "colour": 0.0,
        "gradient_norm": 0.0,
        "weight_decay": 0.0,
        "learning_rate": 1e-4,
    },
}


def preset(name: str) -> dict[str, Any]:
    """Settings of a preset that differ from the defaults; UnveilError for an unknown name."""
    if name not in PRESETS:
        raise UnveilError(f"unknown preset {name!r}: choose {' or '.join(PRESETS)}")
    return PRESETS[name]


def _kind(kind: object) -> str:
    return {int: "whole number", float: "number", str: "text"}[kind]  # type: ignore[index]
