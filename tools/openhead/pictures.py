"""Draws the pictures of ``docs/openhead.md``: the mean head, components, samples, units, landmarks.

    python -m tools.openhead.pictures [-o docs/images]

The random heads are the same in every run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from unveil.assets.store import packaged
from unveil.drawing.render import render_head
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead
from unveil.photos.io import write_image

SEED = 3
FRONT, OBLIQUE, SIDE, BACK = 0, 40, 85, 180


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description="Draw openhead.")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[2] / "docs/images")
    folder = parser.parse_args().output
    model = openhead.load(packaged("openhead.npz"))
    write_image(folder / "openhead-mean.jpg", mean(model))
    write_image(folder / "openhead-components.jpg", components(model))
    write_image(folder / "openhead-samples.jpg", samples(model))
    write_image(folder / "openhead-units.jpg", units(model))


def mean(model: MorphableModel) -> np.ndarray:
    """The mean head from four sides, and with its landmarks."""
    views = [head(model, yaw=yaw, size=360) for yaw in (FRONT, OBLIQUE, SIDE, BACK)]
    return sheet(views, columns=4)


def components(model: MorphableModel, count: int = 6, reach: float = 2.5) -> np.ndarray:
    """The first components at minus and plus ``reach`` standard deviations, front and side; a row for two."""
    cells = []
    for k in range(count):
        for sign in (-1, 1):
            shape = np.eye(100)[k] * sign * reach
            cells += [
                label(head(model, shape=shape, size=220), f"{k + 1}: {sign * reach:+.1f}"),
                head(model, shape=shape, yaw=SIDE, size=220),
            ]
    return sheet(cells, columns=8)


def samples(model: MorphableModel, count: int = 8) -> np.ndarray:
    """Heads drawn at random, front and oblique."""
    rng = np.random.default_rng(SEED)
    shapes = rng.normal(size=(count, 100))
    return sheet([head(model, shape=s, yaw=yaw, size=240) for s in shapes for yaw in (FRONT, OBLIQUE)], columns=8)


def units(model: MorphableModel) -> np.ndarray:
    """Every ARKit unit at 1; and jawOpen with its corrective mouthClose."""
    names = whole(model).expression_names
    cells = [
        label(head(model, expression=unit, yaw=OBLIQUE if name == "jawForward" else FRONT), name)
        for name, unit in zip(names, np.eye(len(names)), strict=True)
    ]
    both = np.isin(names, ["jawOpen", "mouthClose"]).astype(float)
    return sheet([*cells, label(head(model, expression=both), "jawOpen+mouthClose")], columns=9)


def head(
    model: MorphableModel,
    *,
    shape: np.ndarray | None = None,
    expression: np.ndarray | None = None,
    yaw: float = FRONT,
    size: int = 200,
) -> np.ndarray:
    """A clay picture [size, size, 3] of one head with all its parts."""
    model = whole(model)
    rest = np.zeros(len(model.expression_names))
    vertices = model.head.unposed(np.zeros(100) if shape is None else shape, rest if expression is None else expression)
    turn = axis_angle_to_matrix(np.array([0.0, np.radians(yaw), 0.0]))
    return render_head(vertices, model.faces, size, turn)


def whole(model: MorphableModel) -> MorphableModel:
    """The head with teeth, tongue and lashes, where the file has them."""
    return model.whole or model


def label(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture with its name at the foot."""
    anchor = (4, picture.shape[0] - 5)
    return cv2.putText(picture.copy(), text, anchor, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)


def sheet(cells: list[np.ndarray], columns: int) -> np.ndarray:
    """Cells in rows, the last one filled up with white."""
    blank = np.full_like(cells[0], 255)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return np.vstack([np.hstack(row + [blank] * (columns - len(row))) for row in rows])


if __name__ == "__main__":
    main()
