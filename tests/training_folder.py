"""A made-up prepared folder and its codes: blots where the landmarks of made-up heads are.

Every crop has a background colour of its own. Crops that are nearly the same would be told apart by what batch
normalisation makes of tiny differences, and a short training run would end wherever its rounding leads.
"""

from pathlib import Path

import cv2
import made_up
import numpy as np

from unveil.codes.file import Codes, read_codes, write_codes
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import PreparedFolder, Samples, finish, write_shard
from unveil.training.data import TrainingData
from unveil.typing import Float32s

WIDE, CANONICAL = 80, 64  # pixels
CODES = "codes.npz"


def coefficients(count: int, seed: int = 0) -> Coefficients:
    """Random heads that lie within a canonical crop."""
    rng = np.random.default_rng(seed)
    model = made_up.model()
    c = model.zero(count)
    pose = np.concatenate([rng.normal(0, 0.2, (count, 3)), np.zeros((count, 3))], axis=1)
    camera = np.stack([rng.uniform(5, 6, count), *rng.normal(0, 0.01, (2, count))], axis=1)
    groups = {
        "shape": rng.normal(0, 1, (count, 100)),
        "expression": rng.uniform(0, 0.5, (count, 51)),
        "pose": pose,
        "camera": camera,
    }
    return c.replace(**{name: values.astype(np.float32) for name, values in groups.items()})


def landmarks(values: Coefficients, size: int, model: MorphableModel | None = None) -> Float32s:
    """Their landmarks [N, 68, 2] in pixels of the crop."""
    model = model or made_up.model()
    points = model.landmarks68(model.vertices(values))
    return np.asarray(to_pixels(model.project(points, values), size)[..., :2], np.float32)


def write(folder: Path, count: int = 16) -> Path:
    """Write a prepared folder and ``codes.npz`` into ``folder``; the last quarter is for validation."""
    return write_heads(folder, coefficients(count), made_up.model())


def write_heads(folder: Path, values: Coefficients, model: MorphableModel) -> Path:
    """The same of given heads [N, M] of a model."""
    count = len(values.values)
    crops = np.zeros((count, WIDE, WIDE, 3), np.uint8)
    crops[:] = np.random.default_rng(0).integers(20, 180, (count, 1, 1, 3))
    for crop, face in zip(crops, landmarks(values, CANONICAL, model) + (WIDE - CANONICAL) / 2, strict=True):
        for k, (x, y) in enumerate(face):
            cv2.circle(crop, (round(float(x)), round(float(y))), 2, (3 * k, 255 - 3 * k, 128), -1)
    names = np.array([f"{k}.jpg" for k in range(count)])
    samples = Samples(
        names=names,
        person=names,
        split=(np.arange(count) >= count * 3 // 4).astype(np.int8),
        shard=np.zeros(count, np.int32),
        row=np.arange(count, dtype=np.int32),
        matrix=np.tile(np.eye(2, 3), (count, 1, 1)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_shard(folder, 0, crops)
    finish(folder, samples, [count], WIDE)
    write_codes(folder / CODES, Codes(tuple(map(str, names)), values, "made-up", teacher="made up"))
    return folder


def load(folder: Path) -> TrainingData:
    """The training data in a folder that `write` has written, with the made-up head."""
    return TrainingData.join(PreparedFolder.open(folder), read_codes(folder / CODES), made_up.model())


def config(input_size: int) -> TrainConfig:
    """Settings for samplers."""
    return TrainConfig(input_size=input_size)
