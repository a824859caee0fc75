"""How long one photograph of a megapixel takes to become a GLB, warm, stage by stage; and the command's first one.

    python benchmarks/reconstruct.py [--repeats 20] [--model openhead] [--cores 1,2] [--no-hair] [--wrinkles]

The photograph is the bundled one, enlarged to 1024 x 1024. Measured is what `unveil reconstruct` does for it with
`--formats glb` except reading the file and drawing the overlay. The first rounds, which compile and fill caches, are
not counted. "coefficients" is the detector and the passes of the network; "head" is these and the geometry. "total" is
all from the photograph to the file, where a second core paints hair while the first makes the texture. Hair, texture
and file are measured again one after the other, which adds up to more.

Where it is told, the time of the processor stands beside that of the clock, for machines that do other work too. First
comes `unveil demo`, with all files: by the clock, of the processor, and how much memory it holds at most.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WARM_UP = 3
TO_COEFFICIENTS = ("detect", "first pass", "second pass")
TARGETS_MS = {"coefficients": 12, "total": 60}
COMMANDS = 3  # runs of the command, of which the first fills the disk's cache


def main() -> None:
    """Measure on each number of cores, in a process of its own, and print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--model", default="openhead", help="openhead, or the path of an ONNX learner")
    parser.add_argument("--cores", default="1,2", help="processor cores to use, where the system can limit them")
    parser.add_argument("--no-hair", action="store_true", help="heads without hair")
    parser.add_argument("--wrinkles", action="store_true", help="heads with wrinkles; without the command's first run")
    arguments = parser.parse_args()
    if "," in arguments.cores:
        others = [option for option in sys.argv[1:] if option not in {"--cores", arguments.cores}]
        for count in arguments.cores.split(","):
            call = [sys.executable, __file__, *others, "--cores", count]
            subprocess.run(call, check=True)  # noqa: S603 - of this very program
        return
    limit_cores(int(arguments.cores))
    if not (arguments.no_hair or arguments.wrinkles):
        print_command()  # while this process is small: what a new one holds counts from the one that started it
    print_table(measure(arguments.model, arguments.repeats, hair=not arguments.no_hair, wrinkles=arguments.wrinkles))


def limit_cores(count: int) -> None:
    """Keep this process to so many cores; before any library starts its threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(count)


Rounds = list[dict[str, tuple[float, float]]]  # milliseconds by the clock and of the processor, NaN where not told


def measure(model: str, repeats: int, *, hair: bool, wrinkles: bool) -> Rounds:
    """What each stage of each counted round took, and several together."""
    import cv2
    import numpy as np

    from unveil import Reconstructor, read_image
    from unveil.assets.store import packaged

    photo = read_image(packaged("demo.jpg"))
    image = np.asarray(cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_CUBIC), np.uint8)
    reconstructor = Reconstructor(model, hair=hair, wrinkles=wrinkles)
    rounds: Rounds = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.glb"
        for _ in range(WARM_UP + repeats):
            taken: dict[str, tuple[float, float]] = {}
            with timed(taken, "total"):
                with timed(taken, "head"):
                    (face,) = reconstructor.reconstruct(image, max_faces=1)
                face.save(path)
            (again,) = reconstructor.reconstruct(image, max_faces=1)
            with timed(taken, "hair"):
                _ = again.hair
            with timed(taken, "texture"):
                again.texture(lit=False)
            with timed(taken, "file"):
                again.save(path)
            stages = dict(face.timings)
            stages["coefficients"] = sum(stages[stage] for stage in TO_COEFFICIENTS)
            rounds.append({name: (duration, math.nan) for name, duration in stages.items()} | taken)
    return rounds[WARM_UP:]


@contextmanager
def timed(taken: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    """Note the milliseconds of a block under a name."""
    start, processor = time.perf_counter(), time.process_time()
    yield
    taken[name] = (time.perf_counter() - start) * 1000, (time.process_time() - processor) * 1000


def print_table(rounds: Rounds) -> None:
    """Median and 90th percentile by the clock, and median of the processor, per stage; the whole comes last."""
    from unveil.processes import core_count  # not before `limit_cores`

    cores = core_count()
    print(f"{len(rounds)} rounds, {cores} core{'s' * (cores > 1)}")
    print(f"{'stage':<12} {'median ms':>10} {'p90 ms':>8} {'processor ms':>13}")
    for stage in sorted(rounds[0], key=lambda stage: stage == "total"):
        durations, processor = zip(*sorted(one[stage] for one in rounds), strict=True)
        p90 = durations[min(len(durations) - 1, int(0.9 * len(durations)))]
        of_processor = statistics.median(processor)
        told = "" if math.isnan(of_processor) else f"{of_processor:.1f}"
        print(f"{stage:<12} {statistics.median(durations):>10.1f} {p90:>8.1f} {told:>13}")
    for name, target in TARGETS_MS.items():
        reached = statistics.median(one[name][0] for one in rounds)
        print(f"target of {name}, {target} ms: {'met' if reached < target else 'missed'}")


def print_command() -> None:
    """The best of a few runs of `unveil demo`: nothing that others do makes one faster."""
    command = [sys.executable, "-m", "unveil", "demo", "-o"]
    clock, processor, held = [], [], []
    for _ in range(COMMANDS):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            call = [*command, str(Path(folder) / "out")]
            with subprocess.Popen(call, stdout=subprocess.DEVNULL) as running:  # noqa: S603 - our own command
                _, status, used = os.wait4(running.pid, 0)
                running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode:
            raise SystemExit("unveil demo failed")
        clock.append(time.perf_counter() - start)
        processor.append(used.ru_utime + used.ru_stime)
        held.append(used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    print(f"unveil demo: {min(clock):.2f} s, {min(processor):.2f} s of the processor, {min(held):.0f} MiB at most")


if __name__ == "__main__":
    main()
