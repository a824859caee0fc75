"""How long one photograph of a megapixel takes to become a GLB, warm, stage by stage.

    python benchmarks/reconstruct.py [--repeats 20] [--model openhead] [--cores 2] [--no-hair]

The photograph is the bundled one, enlarged to 1024 x 1024. Measured is what `unveil reconstruct` does for it with
`--formats glb` except reading the file and drawing the overlay: detection, crops, passes of the network,
geometry, hair, texture, and the GLB on disk. The first rounds, which compile and fill caches, are not counted.
"coefficients" is the detector and the passes; "processor" is the whole in time of the processor, for machines that do
other work too. The target of the whole was set before heads had hair.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

WARM_UP = 3
TO_COEFFICIENTS = ("detect", "first pass", "second pass")
TARGETS_MS = {"coefficients": 12, "total": 60}


def main() -> None:
    """Measure and print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--model", default="openhead", help="openhead, or the path of an ONNX learner")
    parser.add_argument("--cores", type=int, default=2, help="processor cores to use, where the system can limit them")
    parser.add_argument("--no-hair", action="store_true", help="heads without hair")
    arguments = parser.parse_args()
    limit_cores(arguments.cores)
    rounds = measure(arguments.model, arguments.repeats, hair=not arguments.no_hair)
    print_table(rounds)


def limit_cores(count: int) -> None:
    """Keep this process to so many cores; before any library starts its threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(count)


def measure(model: str, repeats: int, *, hair: bool) -> list[dict[str, float]]:
    """Milliseconds per stage of each counted round, and of several together."""
    import cv2

    from unveil import Reconstructor, read_image
    from unveil.assets.store import packaged
    from unveil.timing import StageTimes

    image = cv2.resize(read_image(packaged("demo.jpg")), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    reconstructor = Reconstructor(model, hair=hair)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(WARM_UP + repeats):
            start, processor = time.perf_counter(), time.process_time()
            (face,) = reconstructor.reconstruct(image, max_faces=1)
            clock = StageTimes(dict(face.timings))
            with clock.stage("hair"):
                _ = face.hair
            with clock.stage("texture"):
                face.texture()
            with clock.stage("glb"):
                face.save(Path(folder) / "head.glb")
            stages = clock.milliseconds
            together = {
                "coefficients": sum(stages[stage] for stage in TO_COEFFICIENTS),
                "total": (time.perf_counter() - start) * 1000,
                "processor": (time.process_time() - processor) * 1000,
            }
            rounds.append(stages | together)
    return rounds[WARM_UP:]


def print_table(rounds: list[dict[str, float]]) -> None:
    """Median and 90th percentile per stage."""
    from unveil.processes import core_count  # not before `limit_cores`

    print(f"{len(rounds)} rounds, {core_count()} cores")
    print(f"{'stage':<12} {'median ms':>10} {'p90 ms':>8}")
    for stage in rounds[0]:
        durations = sorted(one[stage] for one in rounds)
        p90 = durations[min(len(durations) - 1, int(0.9 * len(durations)))]
        print(f"{stage:<12} {statistics.median(durations):>10.1f} {p90:>8.1f}")
    for name, target in TARGETS_MS.items():
        reached = statistics.median(one[name] for one in rounds)
        print(f"target of {name}, {target} ms: {'met' if reached < target else 'missed'}")


if __name__ == "__main__":
    main()
