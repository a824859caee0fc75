"""How many photographs a second `unveil reconstruct` works through, with one process and with several.

    python -m benchmarks.bulk [--photographs 40] [--workers 1,2] [--formats glb]

The photographs are copies of the bundled one in sizes between 400 and 700 pixels. Every run writes into a new folder.
To keep the start apart, which is paid once, a run with a quarter of them is subtracted: what is printed is the rate of
the others. Seconds of the processor are those of all processes. Two cores should give 1.7 times what one gives, where
they are two cores: what the system calls two may be two threads of one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from unveil.assets.store import packaged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=40)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--formats", default="glb")
    given = parser.parse_args()
    print(f"{'workers':>7} {'a second':>9} {'ratio':>6} {'CPU s each':>11} {'load':>6}")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        few, many = (write_photographs(Path(folder) / f"{k}", k) for k in (given.photographs // 4, given.photographs))
        for workers in map(int, given.workers.split(",")):
            (start, start_cpu), (all_, all_cpu) = (seconds(photos, workers, given.formats) for photos in (few, many))
            count = given.photographs - given.photographs // 4
            rate = count / (all_ - start)
            first = first or rate
            cpu = (all_cpu - start_cpu) / count
            print(f"{workers:>7} {rate:>9.2f} {rate / first:>6.2f} {cpu:>11.2f} {os.getloadavg()[0]:>6.1f}")


def write_photographs(folder: Path, count: int) -> Path:
    folder.mkdir()
    demo = cv2.imread(str(packaged("demo.jpg")))
    for k in range(count):
        side = 400 + 300 * k // count
        cv2.imwrite(str(folder / f"{k:05d}.jpg"), cv2.resize(demo, (side, side), interpolation=cv2.INTER_AREA))
    return folder


def seconds(photos: Path, workers: int, formats: str) -> tuple[float, float]:
    """Seconds, and seconds of the processor, that a run takes."""
    with tempfile.TemporaryDirectory() as out:
        call = [sys.executable, "-m", "unveil", "reconstruct", str(photos), "-o", out]
        start, before = time.perf_counter(), os.times()
        call += ["--formats", formats, "--workers", str(workers)]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - of this very program
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - start, cpu


if __name__ == "__main__":
    main()
