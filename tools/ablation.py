"""The worth of each part of the training: the same short run without it.

    python tools/ablation.py PREPARED CODES -o ablation/ [--occluders DIR] [--steps 400] [--input-size 64]

Every run sees as many images in as many steps, from the same seed, and is measured the same way on all validation
samples, against the teacher: NME of the landmarks and mean distance of sparse vertices without pose. Runs that were
stopped continue; finished ones are not repeated.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from unveil import markdown
from unveil.errors import one_line_errors
from unveil.occluders.base import Pool
from unveil.occluders.pool import load_pool
from unveil.training.batches import to_bytes, to_tensors
from unveil.training.checkpoint import load_learner
from unveil.training.config import TrainConfig, preset
from unveil.training.crops.prepared import TRAIN, VALIDATION
from unveil.training.data import TrainingData
from unveil.training.losses import Objective, box_size, mean_distance
from unveil.training.sampler import Sampler
from unveil.training.train import train

VARIANTS: dict[str, dict[str, Any]] = {
    "all of it": {},
    "without feature matching": {"feature_weight": 0.0},
    "pairs, without matching": {"feature_weight": 1e-9},
    "without landmarks": {"landmark_weight": 0.0},
    "without vertices": {"vertex_weight": 0.0},
    "without the occlusion map": {"occlusion_weight": 0.0},
    "hard from the start": {"severity_epochs": 0.0},
    "occluders at their own size": {"severity": 0.0},
    "no clear images": {"feature_weight": 0.0, "occluded": 1.0},
    "raw coefficients": {"coefficient_loss": "raw"},
    "the paper's": preset("paper") | {"learning_rate": 1e-3, "gradient_norm": 5.0},
}
MEASURED = TrainConfig()  # how hard the validation samples are occluded, whatever the training was
BATCH = 64


@torch.no_grad()
def measure(run: Path, data: TrainingData, pool: Pool) -> dict[str, float]:
    """NME in percent and millimetres, clear and occluded, on all validation samples."""
    learner = load_learner(run)
    config = replace(MEASURED, input_size=learner.input_size)
    sampler, objective = Sampler(data, config, pool), Objective.of(config, learner.layout, data.model)
    indices = data.indices(VALIDATION)
    result = {}
    for name, occluded in (("clear", False), ("occluded", True)):
        nme, distance = [], []
        for start in range(0, len(indices), BATCH):
            part = to_tensors(to_bytes(sampler.validation_batch(indices[start : start + BATCH], occluded=occluded)))
            predicted, truth = learner(part.images).coefficients, part.coefficients
            points = objective.landmarks(truth)
            nme.append(100 * mean_distance(objective.landmarks(predicted), points) / box_size(points))
            distance.append(mean_distance(objective.vertices(predicted), objective.vertices(truth)))
        result[f"NME {name}"] = float(torch.cat(nme).mean())
        result[f"mm {name}"] = float(torch.cat(distance).mean())
    return result


def main() -> None:
    """Train and measure the variants, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path)
    parser.add_argument("codes", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--occluders", type=Path, help="folder with pictures of occluders")
    parser.add_argument("--steps", type=int, default=400, help="of 64 images each, of every run")
    parser.add_argument("--input-size", type=int, default=64)
    parser.add_argument("--depth", type=int, default=18)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", action="append", choices=VARIANTS, help="train these alone, and print no table")
    options = parser.parse_args()
    data, pool = TrainingData.load(options.prepared, options.codes), load_pool(options.occluders)
    common = {"depth": options.depth, "input_size": options.input_size, "threads": options.threads}
    common |= {"epochs": 1000, "max_steps": options.steps, "seed": 1, "ema": 0.99, "validation_samples": BATCH}
    common |= {"occluders": str(options.occluders or ""), "feature_weight": 0.1}
    halfway = options.steps * BATCH / 2 / len(data.indices(TRAIN))  # epochs, where a batch is no pairs
    for variant in options.only or VARIANTS:
        config = TrainConfig(**(common | {"severity_epochs": halfway} | VARIANTS[variant]))
        if config.paired and config.severity_epochs:
            config = replace(config, severity_epochs=halfway / 2)
        train(config, data, options.out / variant)
    if options.only:
        return  # the table is for all of them
    rows = {variant: measure(options.out / variant, data, pool) for variant in VARIANTS}
    print("\n".join(markdown.header(["training", *next(iter(rows.values()))])))
    for variant, numbers in rows.items():
        print(markdown.row([variant, *(f"{number:.3f}" for number in numbers.values())]))


if __name__ == "__main__":
    with one_line_errors():
        main()
