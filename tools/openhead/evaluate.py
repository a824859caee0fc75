"""Measures openhead against ICT-FaceKit's heads: how well it can show them, and how well it guesses a hidden half.

    python -m tools.openhead.evaluate --ict ict_facekit_light.npz

Prints mean distances in millimetres from the vertices of ICT's face to the fitted openhead surface, beside the mean
head, for heads drawn at random. The fit may scale, as one photograph does not tell a head's size. In the second
test what lies below the nose is hidden: it is fitted to nothing, and the error is that of the hidden part. The
middle of the face is what lies within 65 mm of the nose tip.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tools.openhead import ict as ict_facekit
from tools.openhead.landmarks import embed
from tools.openhead.register import similarity
from tools.openhead.statistics import CENTRAL_FACE
from tools.openhead.surface import closest_points
from unveil.errors import one_line_errors
from unveil.models.openhead import head as openhead

HEADS, SEED = 40, 20261122
EXACT, CAUTIOUS, MEAN = 0.1, 10.0, 1e9  # weight of the prior: to show a whole head, to guess a half, to change nothing


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
    on_ict = closest_points(template, ict.mean - origin, ict.faces)
    usable = on_ict.distance < 0.001
    face = np.arange(ict_facekit.FACE_END)
    face = face[closest_points(ict.mean[face] - origin, template, faces).distance < 0.0015]
    # ICT's own landmarks, not openhead's, which stand where photographs are annotated.
    eyes = np.asarray(model.head.skin_weights)[:, 3:].any(axis=1)
    marked = embed(ict.mean[ict.landmarks68] - origin, template, faces, ~eyes[faces].any(axis=1))
    below = ict.mean[ict.landmarks68[33], 1] - origin[1]
    upper = usable & (template[:, 1] > below)
    nose = ict.mean[ict.landmarks68[30]]
    middle = face[np.linalg.norm(ict.mean[face] - nose, axis=1) < CENTRAL_FACE]
    low = face[(ict.mean[face, 1] - origin[1]) < below]
    cases = (
        ("whole face", usable, face, EXACT),
        ("middle of the face", usable, middle, EXACT),
        ("lower face hidden", upper, low, CAUTIOUS),
        ("its middle", upper, np.intersect1d(low, middle), CAUTIOUS),
    )
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[float]] = {}
    for _ in range(HEADS):
        head = ict.mean - origin + np.tensordot(rng.normal(size=len(ict.modes)), ict.modes, axes=1)
        target = (head[ict.faces[on_ict.face]] * on_ict.barycentric[..., None]).sum(axis=1)
        for name, seen, measured, prior in cases:
            for guess, strength in (("openhead", prior), ("mean head", MEAN)):
                fitted = _fit(template, basis, target, seen, strength)
                distance = closest_points(head[measured], fitted, faces).distance
                rows.setdefault(f"{name:18s} {guess}", []).append(1000 * distance.mean())
        fitted = _fit(template, basis, target, usable, EXACT)
        marks = (fitted[faces[marked[0]]] * marked[1][..., None]).sum(axis=1) - head[ict.landmarks68]
        rows.setdefault("landmarks          openhead", []).append(1000 * np.linalg.norm(marks, axis=1).mean())
    for name, values in rows.items():
        print(f"{name:32s} {np.mean(values):.2f} mm (std over heads {np.std(values):.2f})")


def _fit(template: np.ndarray, basis: np.ndarray, target: np.ndarray, seen: np.ndarray, prior: float) -> np.ndarray:
    """Vertices in the target's frame: similarity and regularised shape, alternating, from the seen vertices."""
    rows = 1000 * basis[:, seen].reshape(len(basis), -1)  # millimetres
    normal = rows @ rows.T / seen.sum() + 0.0025 * prior * np.eye(len(basis))
    vertices = template
    scale, turn, shift = similarity(vertices[seen], target[seen])
    for _ in range(5):
        back = (target - shift) @ turn / scale
        goal = 1000 * (back[seen] - template[seen]).ravel()
        vertices = template + np.tensordot(np.linalg.solve(normal, rows @ goal / seen.sum()), basis, axes=1)
        scale, turn, shift = similarity(vertices[seen], target[seen])
    return scale * vertices @ turn.T + shift


if __name__ == "__main__":
    with one_line_errors():
        main()
