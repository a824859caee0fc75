"""How long a frame of a webcam takes `unveil serve` from the JPEG to what moves the head.

    python -m benchmarks.live [--frames 60]

The frames are parts of the bundled photograph, 480 pixels a side, that go to and fro. Seconds of the processor tell
what an idle core would need where this one has other work.
"""

from __future__ import annotations

import argparse
import statistics
import time

import cv2
import numpy as np

from unveil import Reconstructor, read_image
from unveil.assets.store import packaged
from unveil.meshes.image_bytes import jpeg
from unveil.video.live import LiveHeads
from unveil.web.serving.frames import answer
from unveil.web.serving.job import LiveFrame

WARM_UP, SIDE, RATE = 10, 480, 10.0
SHIFTS = (0, 4, 8, 12, 8, 4)  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    count = parser.parse_args().frames
    part = read_image(packaged("demo.jpg"))[:400, 40:440]
    pictures = [jpeg(cv2.resize(np.roll(part, shift, axis=1), (SIDE, SIDE))) for shift in SHIFTS]
    reconstructor = Reconstructor()
    live = LiveHeads(reconstructor)
    seconds, cpu = [], []
    for k in range(WARM_UP + count):
        start, start_cpu = time.perf_counter(), time.process_time()
        kind, _ = answer(reconstructor, live, LiveFrame("", k / RATE, pictures[k % len(pictures)], frozenset()))
        assert kind == "done"
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    medians = (1000 * statistics.median(values[WARM_UP:]) for values in (seconds, cpu))
    print("{:.0f} ms a frame, {:.0f} ms of the processor".format(*medians))


if __name__ == "__main__":
    main()
