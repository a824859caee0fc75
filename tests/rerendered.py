"""A prepared folder of made-up photographs of openhead, for tests of re-rendering."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.assets.store import packaged
from unveil.codes.file import Codes, read_codes, write_codes
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead
from unveil.training.crops.prepared import PreparedFolder, Samples, finish, write_shard
from unveil.training.data import TrainingData
from unveil.training.rerender.placing import Placed, place
from unveil.training.rerender.surface import Surface
from unveil.typing import Float64s, Image

SIZE = 96  # pixels of a wide crop
CODES = "codes.npz"


def model() -> MorphableModel:
    return openhead.load(packaged("openhead.npz"))


@lru_cache(maxsize=1)
def surface() -> Surface:
    return Surface.of(model())


def coefficients(shape: Float64s | None = None, yaw: float = 0.0) -> Coefficients:
    """A head of a shape [100], turned about the vertical axis by ``yaw`` radians."""
    values = model().zero()
    pose = np.array([0, yaw, 0, 0, 0, 0], np.float64)
    wide = Coefficients(values.layout, values.values.astype(np.float64))
    return wide.replace(pose=pose, shape=np.zeros(100) if shape is None else shape)


def placed(shape: Float64s | None = None, yaw: float = 0.0, size: int = SIZE) -> Placed:
    """The same in a wide crop."""
    return place(model(), coefficients(shape, yaw), size)


def places(size: int = SIZE) -> Image:
    """A picture that tells of each pixel where it is: red grows to the right, green downwards."""
    ramp = np.round(np.linspace(20, 230, size)).astype(np.uint8)
    picture = np.full((size, size, 3), 128, np.uint8)
    picture[..., 0], picture[..., 1] = ramp[None], ramp[:, None]
    return picture


def photograph(brightness: float, seed: int) -> Image:
    """A picture [SIZE, SIZE, 3] of one skin colour, with noise."""
    noise = np.random.default_rng(seed).normal(0, 3, (SIZE, SIZE, 3))
    return np.clip(brightness * np.array([230, 180, 150]) + noise, 0, 255).astype(np.uint8)


def write(folder: Path) -> TrainingData:
    """Write a prepared folder of six photographs, of which one is for validation and one for testing."""
    heads = [placed(np.random.default_rng(k).normal(0, 0.5, 100), 0.1 * (k - 2)) for k in range(6)]
    crops = np.stack([photograph(0.25 + 0.12 * k, k) for k in range(6)])
    names = np.array([f"{k}.jpg" for k in range(6)])
    split = np.array([0, 0, 0, 0, 1, 2], np.int8)
    matrices = np.tile(np.eye(2, 3), (6, 1, 1))
    folder.mkdir(parents=True)
    write_shard(folder, 0, crops)
    rows = np.arange(6, dtype=np.int32)
    finish(folder, Samples(names, names, split, np.zeros(6, np.int32), rows, matrices), [6], SIZE)
    values = Coefficients(model().layout, np.stack([head.coefficients.values for head in heads]).astype(np.float32))
    write_codes(folder / CODES, Codes(tuple(map(str, names)), values, "openhead", teacher="made up"))
    return TrainingData.join(PreparedFolder.open(folder), read_codes(folder / CODES), model())
