"""How many images a second a learner is trained on, and what share of the time training waits for them.

    python benchmarks/train.py [--data PREPARED CODES] [--steps 24] [--depth 18] [--input-size 112] [--workers 0 1]

Without data the face of the bundled photograph is the whole training set: what a step costs does not depend on whose
face it is. Steps are those of `unveil train` with its defaults; the first third, which fills caches, is not counted.
Before that, drawing batches is measured alone: it is what loader processes (workers) can take over.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from unveil.assets.store import packaged
from unveil.codes.file import Codes, write_codes
from unveil.heads.layout import Coefficients
from unveil.occluders.pool import load_pool
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN, Samples, finish, wide_crop, write_shard
from unveil.training.data import TrainingData
from unveil.training.report import LOG_FILE
from unveil.training.sampler import Sampler
from unveil.training.train import train

WIDE = 192  # pixels
CODES = "codes.npz"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs=2, metavar=("PREPARED", "CODES"))
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--depth", type=int, default=18)
    parser.add_argument("--input-size", type=int, default=112)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        config = TrainConfig(
            depth=options.depth, input_size=options.input_size, threads=options.threads, max_steps=options.steps
        )
        samples = config.samples_per_step * (options.steps // 3)  # of an epoch: three lines in the log
        prepared, codes = options.data or demo_data(Path(scratch) / "demo", samples)
        data = TrainingData.load(prepared, codes)
        print(f"drawing batches alone: {draw(Sampler(data, config, load_pool())):.0f} images/s on one core")
        print(f"{'workers':>7} {'images/s':>9} {'waiting':>8}   ResNet-{config.depth}, {config.input_size} px")
        for workers in options.workers:
            rate, waiting = measure(config, workers, shortened(data, samples), Path(scratch) / str(workers))
            print(f"{workers:>7} {rate:>9.1f} {waiting:>8.1%}")


def demo_data(folder: Path, count: int) -> tuple[Path, Path]:
    """A prepared folder with ``count`` copies of the bundled photograph's face, and its codes."""
    photo = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(photo, max_faces=1)
    wide = wide_crop(face.crop, WIDE)
    names = np.array([f"{k}.jpg" for k in range(count)])
    samples = Samples(
        names=names,
        person=names,
        split=np.full(count, TRAIN, np.int8),
        shard=np.zeros(count, np.int32),
        row=np.arange(count, dtype=np.int32),
        matrix=np.tile(wide.matrix, (count, 1, 1)),
    )
    folder.mkdir()
    write_shard(folder, 0, np.tile(wide.warp(photo), (count, 1, 1, 1)))
    finish(folder, samples, [count], WIDE)
    values = np.tile(face.coefficients.values, (count, 1))
    codes = Codes(tuple(map(str, names)), Coefficients(face.coefficients.layout, values), "openhead")
    write_codes(folder / CODES, codes)
    return folder, folder / CODES


def draw(sampler: Sampler) -> float:
    """Images per second that one process draws."""
    order, size = sampler.order(0), sampler.config.samples_per_step
    parts = [order[start : start + size] for start in range(0, len(order) - size + 1, size)][:8]
    sampler.training_batch(0, parts[0], sampler.config.severity)  # compiles and fills caches
    start = time.perf_counter()
    images = sum(len(sampler.training_batch(0, part, sampler.config.severity).images) for part in parts)
    return images / (time.perf_counter() - start)


def measure(config: TrainConfig, workers: int, data: TrainingData, run: Path) -> tuple[float, float]:
    """Images per second and the share of the time spent waiting, of the last two thirds of a run."""
    with contextlib.redirect_stdout(io.StringIO()):
        train(replace(config, workers=workers), data, run)
    lines = [json.loads(line) for line in (run / LOG_FILE).read_text(encoding="utf-8").splitlines()][1:]
    return tuple(float(np.mean([line[name] for line in lines])) for name in ("images_per_second", "waiting"))


def shortened(data: TrainingData, count: int) -> TrainingData:
    """The first training samples alone, so that an epoch, which is a line in the log, is short."""
    few = data.indices(TRAIN)[:count]
    values = Coefficients(data.layout, data.coefficients.values[few])
    return replace(data, rows=data.rows[few], coefficients=values, weight=data.weight[few])


if __name__ == "__main__":
    main()
