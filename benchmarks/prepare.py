"""How many photographs a second `unveil prepare` gets through on one core, and where the time goes.

    python benchmarks/prepare.py [SOURCE] [--count 300] [--crop-size 192]

SOURCE is anything that `unveil prepare` takes; an even sample of it is used. Without one, the bundled photograph is
turned and scaled at random and stored as JPEG files of CelebA's size. Reading the photographs, finding the face,
framing it with the learner, warping (with the hash for duplicates) and writing the shard are timed; looking for
duplicates and finishing the folder are in the whole.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

WARM_UP = 10
HEIGHT, WIDTH, FACE = 218, 178, 85  # pixels of the photographs made here, and of the face in them


@dataclass(frozen=True)
class Times:
    """What a run took."""

    stages: dict[str, float]  # milliseconds of each in all
    finish: float  # seconds, to make the folder of the shards
    processor: float  # seconds of processor time for everything: what a machine with other work would take alone
    photographs: int
    kept: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--crop-size", type=int, default=192)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with tempfile.TemporaryDirectory() as scratch:
        source = arguments.source or make_photos(Path(scratch) / "photos", arguments.count)
        times = measure(source, Path(scratch) / "out", arguments.count, arguments.crop_size)
    print(f"{times.photographs} photographs, {times.kept} kept, crops of {arguments.crop_size} pixels, one core")
    whole = sum(times.stages.values()) + times.finish * 1000
    for name, milliseconds in [*times.stages.items(), ("finish", times.finish * 1000)]:
        print(f"{name:8s} {milliseconds / times.photographs:6.2f} ms per photograph   {milliseconds / whole:4.0%}")
    print(f"in all   {whole / times.photographs:6.2f} ms, {times.photographs / whole * 1000:.1f} photographs/s")
    print(f"by processor time {times.photographs / times.processor:.1f} photographs/s")


def measure(source: Path, out: Path, count: int, crop_size: int) -> Times:
    """Prepare an even sample of a source: the chunks one by one, and then what is left to do."""
    import cv2
    import numpy as np

    from unveil.training.crops.chunks import Chunks, cut_chunk
    from unveil.training.crops.cutter import Cutter
    from unveil.training.crops.prepare import PrepareSettings, begin, prepare
    from unveil.training.crops.prepared import PreparedFolder
    from unveil.training.crops.sources import find_photos

    cv2.setNumThreads(1)
    photos = find_photos(source)
    photos = [photos[k] for k in np.linspace(0, len(photos) - 1, min(count, len(photos))).astype(int)]
    settings = PrepareSettings(crop_size=crop_size)
    cutter = Cutter(crop_size, settings.smallest_face)
    cut_chunk(cutter, out.with_name("warm-up"), (0, photos[:WARM_UP]))
    cutter.clock.milliseconds.clear()
    begun = time.process_time()
    begin(out, photos, settings)
    chunks = Chunks(out, photos, settings.chunk, crop_size, settings.smallest_face)
    for number in range(len(chunks)):
        cut_chunk(cutter, out, (number, chunks.photos_of(number)))
    start = time.perf_counter()
    for _ in prepare(photos, out, settings):
        pass
    finish = time.perf_counter() - start
    processor = time.process_time() - begun
    return Times(dict(cutter.clock.milliseconds), finish, processor, len(photos), len(PreparedFolder.open(out)))


def make_photos(folder: Path, count: int) -> Path:
    """The bundled photograph, turned and scaled at random."""
    import cv2
    import numpy as np

    from unveil import FaceDetector, read_image
    from unveil.assets.store import packaged
    from unveil.photos.io import write_image

    image = read_image(packaged("demo.jpg"))
    face = FaceDetector(packaged("blazeface.onnx")).detect(image)[0]
    centre = face.box_ltrb.reshape(2, 2).mean(axis=0)
    rng = np.random.default_rng(0)
    for number in range(count):
        scale = rng.uniform(0.9, 1.1) * FACE / face.size
        matrix = cv2.getRotationMatrix2D(centre.tolist(), rng.uniform(-20, 20), scale)
        matrix[:, 2] += np.array([WIDTH, HEIGHT]) / 2 - centre
        warped = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        write_image(folder / f"{number:05d}.jpg", np.asarray(warped, np.uint8))
    return folder


if __name__ == "__main__":
    main()
