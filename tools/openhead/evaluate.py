"""Measures openhead against ICT-FaceKit's heads: how well it can show them, and how well it guesses a hidden half.

    python -m tools.openhead.evaluate --ict ict_facekit_light.npz

Prints mean distances in millimetres from the vertices of ICT's face to the fitted openhead surface, beside the mean
head, for heads drawn at random. Half of each head is hidden in the second test: what lies below the nose is fitted
to nothing, and the error is that of the hidden part.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tools.openhead import ict as ict_facekit
from tools.openhead.register import similarity
from tools.openhead.surface import closest_points
from unveil.morphable import openhead

HEADS, SEED = 40, 20261122
NOISE = 0.5  # millimetres of misfit the prior is weighed against


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure openhead on ICT-FaceKit's heads.")
    parser.add_argument("--ict", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path(openhead.__file__).parents[1] / "assets/data/openhead.npz")
    options = parser.parse_args()
    ict, model = ict_facekit.read(options.ict), openhead.load(options.model)
    origin = ict.mean[ict.landmarks68[[0, 16]]].mean(axis=0) * [0, 1, 1]
    template = np.asarray(model.head.template, np.float64)
    basis = np.asarray(model.head.shape_basis, np.float64)
    faces = model.faces
    skin = np.abs(template[:, 2]) < 1  # all; eyeballs are excluded by the distance below
    on_ict = closest_points(template, ict.mean - origin, ict.faces)
    usable = skin & (on_ict.distance < 0.001)
    face = np.arange(ict_facekit.FACE_END)
    face = face[closest_points(ict.mean[face] - origin, template, faces).distance < 0.0015]
    below = ict.mean[ict.landmarks68[33], 1] - origin[1]
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[float]] = {}
    for _ in range(HEADS):
        head = ict.mean - origin + np.tensordot(rng.normal(size=len(ict.modes)), ict.modes, axes=1)
        target = (head[ict.faces[on_ict.face]] * on_ict.barycentric[..., None]).sum(axis=1)
        low = face[(ict.mean[face, 1] - origin[1]) < below]
        for name, seen, measured in (
            ("whole face", usable, face),
            ("lower face hidden", usable & (template[:, 1] > below), low),
        ):
            for guess, strength in (("openhead", 1.0), ("mean head", 1e9)):
                fitted = _fit(template, basis, target, seen, strength)
                distance = closest_points(head[measured], fitted, faces).distance
                rows.setdefault(f"{name:18s} {guess}", []).append(1000 * distance.mean())
        fitted = _fit(template, basis, target, usable, 1.0)
        marks = np.asarray(model.landmarks68(fitted)) - head[ict.landmarks68]
        rows.setdefault("landmarks          openhead", []).append(1000 * np.linalg.norm(marks, axis=1).mean())
    for name, values in rows.items():
        print(f"{name:32s} {np.mean(values):.2f} mm (std over heads {np.std(values):.2f})")


def _fit(template: np.ndarray, basis: np.ndarray, target: np.ndarray, seen: np.ndarray, prior: float) -> np.ndarray:
    """Vertices in the target's frame: rigid motion and regularised shape, alternating, from the seen vertices."""
    rows = 1000 * basis[:, seen].reshape(len(basis), -1) / NOISE
    normal = rows @ rows.T + prior * seen.sum() / 100 * np.eye(len(basis))
    vertices = template
    turn, shift = np.eye(3), np.zeros(3)
    for _ in range(5):
        _, turn, _ = similarity(vertices[seen], target[seen])
        shift = target[seen].mean(axis=0) - turn @ vertices[seen].mean(axis=0)
        back = (target - shift) @ turn
        goal = 1000 * (back[seen] - template[seen]).ravel() / NOISE
        vertices = template + np.tensordot(np.linalg.solve(normal, rows @ goal), basis, axes=1)
    return vertices @ turn.T + shift


if __name__ == "__main__":
    main()
