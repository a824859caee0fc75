"""How well the form of known heads is found from their 68 landmarks, and how long a fit takes.

    python benchmarks/fit_landmarks.py

Heads of openhead are drawn from its prior, with some expression, turned by up to about half a profile, and seen in
crops of 224 pixels. Their landmarks, with and without noise, are fitted at several strengths of the priors. The error
of the form is the mean distance of the front of the neutral head to the true one, after scale and shift.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from unveil import Coefficients, Crop, load_openhead
from unveil.fitting.landmark_fit import FitSettings, LandmarkFitter
from unveil.reconstruct.from_landmarks import placements68
from unveil.reconstruct.geometry import visible_landmarks

HEADS, SIZE = 40, 224
NOISES = (0.0, 1.0, 2.0)  # pixels of the crop
STRENGTHS = (4e-3, 2e-3, 1e-3, 5e-4)  # metres: `FitSettings.noise`


def main() -> None:
    model, rng = load_openhead(), np.random.default_rng(0)
    front = model.head.template[:, 2] > 0.02  # metres: the face and a little more
    heads = draw(rng)
    whole = [Crop(np.eye(2, 3), SIZE)] * HEADS
    seen = np.stack(visible_landmarks(model, heads, whole))
    truth = model.neutral(heads)[:, front]
    print(f"the mean head: {form_error(model.neutral(model.zero(HEADS))[:, front], truth):.2f} mm")
    for strength in STRENGTHS:
        fitter = LandmarkFitter(model, placements68(model), FitSettings(noise=strength))
        for noise in NOISES:
            found = seen + rng.normal(scale=noise, size=seen.shape)
            fit = fitter.fit([found[:, :17], found[:, 17:]], SIZE).coefficients
            drawn = np.stack(visible_landmarks(model, fit, whole))
            apart = np.linalg.norm(drawn - seen, axis=-1).mean()
            form = form_error(model.neutral(fit)[:, front], truth)
            print(f"noise {strength} m, landmarks off by {noise} px: form {form:.2f} mm, landmarks {apart:.2f} px")
    print(f"one face: {1000 * statistics.median(seconds(fitter, seen[:1]) for _ in range(10)):.0f} ms")


def draw(rng: np.random.Generator) -> Coefficients:
    """Heads of openhead in crops."""
    layout = load_openhead().layout
    expression = rng.uniform(0, 0.8, (HEADS, 51)) * (rng.random((HEADS, 51)) < 0.08)
    pose = np.concatenate([rng.normal(scale=(0.12, 0.35, 0.08), size=(HEADS, 3)), np.zeros((HEADS, 3))], axis=1)
    camera = np.stack([rng.uniform(7, 9, HEADS), *rng.normal(scale=0.01, size=(2, HEADS))], axis=1)
    groups = {"shape": rng.normal(size=(HEADS, 100)), "expression": expression, "pose": pose, "camera": camera}
    return Coefficients(layout, layout.join(groups))


def form_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in millimetres of vertices [N, V, 3] to true ones, whose scale and place they are given."""
    a, b = (v - v.mean(axis=1, keepdims=True) for v in (found, truth))
    scale = (a * b).sum(axis=(1, 2), keepdims=True) / (a * a).sum(axis=(1, 2), keepdims=True)
    return float(1000 * np.linalg.norm(a * scale - b, axis=-1).mean())


def seconds(fitter: LandmarkFitter, landmarks: np.ndarray) -> float:
    start = time.perf_counter()
    fitter.fit([landmarks[:, :17], landmarks[:, 17:]], SIZE)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
