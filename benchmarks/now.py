"""How long one image of the NoW benchmark takes on one core: a scan of 120,000 vertices and a predicted head.

    python benchmarks/now.py [--repeats 5]

The scan is an openhead head whose triangles are divided and roughened, as an OBJ file; the predictions are another
person's head, as openhead has it (3,838 vertices) and with its triangles divided once (15,000, three times FLAME).
Timed is what `unveil evaluate now` does for an image: reading the scan, reading the prediction, aligning and measuring,
with every scan vertex counted that NoW's crop leaves. The first round, which compiles or loads what was compiled, is
told apart. The work is on one thread, so processor time is what it takes on a core that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

SCAN_VERTICES = 120_000
TARGET_MS = 5000
PROCESSOR = "processor time"
SEVEN = [36, 39, 42, 45, 33, 48, 54]


def main() -> None:
    """Measure and print a table of medians for each prediction."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with tempfile.TemporaryDirectory() as folder:
        scan, predictions = write_files(Path(folder))
        for name, prediction in predictions.items():
            rounds = [measure(scan, prediction) for _ in range(1 + arguments.repeats)]
            print_table(name, rounds)


def write_files(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The files of the scan, and those of each prediction by name."""
    import numpy as np
    import trimesh

    from unveil import load_openhead
    from unveil.evaluation.now.files import Pair
    from unveil.heads.layout import Coefficients

    model = load_openhead()
    values = np.zeros((2, model.layout.size))
    rng = np.random.default_rng(0)
    values[:, model.layout.slice_of("shape")] = rng.normal(size=(2, 100))
    true, other = np.asarray(model.neutral(Coefficients(model.layout, values)), np.float64)
    landmarks = [np.asarray(model.landmarks68(head), np.float64)[SEVEN] for head in (true * 1000, other)]
    divided = trimesh.Trimesh(true * 1000, model.faces, process=False)
    while len(divided.vertices) < SCAN_VERTICES / 2:
        divided = divided.subdivide()
    divided = divided.subdivide(np.arange(int(len(divided.faces) * (SCAN_VERTICES / len(divided.vertices) - 1) / 3)))
    divided.vertices += rng.normal(0, 0.1, divided.vertices.shape)  # mm
    divided.export(folder / "scan.obj")
    np.save(folder / "scan.npy", landmarks[0])
    predictions = {}
    prediction = trimesh.Trimesh(other, model.faces, process=False)
    for mesh in (prediction, prediction.subdivide()):
        path = folder / f"{len(mesh.vertices)}.obj"
        mesh.export(path)
        np.save(path.with_suffix(".npy"), landmarks[1])
        predictions[f"{len(mesh.vertices)} vertices"] = Pair(path, path.with_suffix(".npy"))
    print(f"scan of {len(divided.vertices)} vertices, {len(divided.faces)} triangles")
    return Pair(folder / "scan.obj", folder / "scan.npy"), predictions


def measure(scan: Any, prediction: Any) -> dict[str, float]:
    """Milliseconds of each stage, of all, and of the processor, and how many vertices counted."""
    from unveil.evaluation.now.protocol import crop_scan, fit_prediction
    from unveil.timing import StageTimes

    clock, processor = StageTimes(), time.process_time()
    with clock.stage("total"):
        with clock.stage("scan"):
            mesh, scan_landmarks = scan.read()
            face = crop_scan(mesh.vertices, scan_landmarks)
            scan.digest()
        with clock.stage("prediction"):
            predicted, landmarks = prediction.read()
            prediction.digest()
        with clock.stage("align, measure"):
            fit_prediction(face, scan_landmarks, predicted, landmarks)
    busy = 1000 * (time.process_time() - processor)
    return {**clock.milliseconds, PROCESSOR: busy, "points": float(len(face))}


def print_table(name: str, rounds: list[dict[str, float]]) -> None:
    """Medians of all rounds but the first, and the first."""
    first, *warm = rounds
    print(f"\nprediction of {name}, {first['points']:.0f} scan vertices counted, one core")
    print(f"{'stage':<16} {'first ms':>9} {'median ms':>10}")
    medians = {stage: statistics.median(one[stage] for one in warm) for stage in first}
    for stage in ("scan", "prediction", "align, measure", "total", PROCESSOR):
        print(f"{stage:<16} {first[stage]:>9.0f} {medians[stage]:>10.0f}")
    print(f"target {TARGET_MS} ms of the processor: {'met' if medians[PROCESSOR] < TARGET_MS else 'missed'}")


if __name__ == "__main__":
    main()
