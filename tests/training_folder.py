"""A made-up data folder: blots where the landmarks of made-up heads are."""

from pathlib import Path

import cv2
import made_up
import numpy as np
from numpy.typing import NDArray

from unveil.geometry.camera import to_pixels
from unveil.morphable.layout import Coefficients

WIDE = 80


def coefficients(count: int, seed: int = 0) -> Coefficients:
    """Random heads that lie within a wide crop."""
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


def landmarks(values: Coefficients, size: int) -> NDArray[np.float32]:
    """Their landmarks [N, 68, 2] in pixels of the crop."""
    model = made_up.model()
    points = model.landmarks68(model.vertices(values))
    return np.asarray(to_pixels(model.project(points, values), size)[..., :2], np.float32)


def write(folder: Path, count: int = 16) -> Path:
    """Write crops.npy and labels.npz; the last quarter is for validation."""
    values = coefficients(count)
    points = landmarks(values, WIDE)
    crops = np.full((count, WIDE, WIDE, 3), 60, np.uint8)
    for crop, face in zip(crops, points, strict=True):
        for k, (x, y) in enumerate(face):
            cv2.circle(crop, (round(float(x)), round(float(y))), 2, (3 * k, 255 - 3 * k, 128), -1)
    np.save(folder / "crops.npy", crops)
    labels = {
        "names": np.array([f"{k}.jpg" for k in range(count)]),
        "source": np.full(count, "made up"),
        "coefficients": values.values,
        "layout": values.layout.to_json(),
        "model": "made-up",
        "landmarks68": points,
        "weight": np.ones(count, np.float32),
        "split": (np.arange(count) >= count * 3 // 4).astype(np.int8),
    }
    np.savez(folder / "labels.npz", **labels)
    return folder
