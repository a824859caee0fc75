"""How steady, how prompt and how fast people are followed through a clip.

    python benchmarks/video.py [--frames N]

Three clips of 1280 x 720 pixels at 30 frames per second are made of the photograph that comes with unveil, with the
noise of a camera, and compressed. In one it stands still. In one it is shifted to and fro. In one its reconstructed
head, drawn, blinks, speaks and shakes its head faster than people do.

Jitter is the root mean square of how far landmarks move from frame to frame while the face stands still, in
millimetres on the head. The lag is how much later the smooth values are than those of single frames, where both agree
best, and what is left of peaks is their size, smooth against single. Rates are those of one run each, on all cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from unveil.assets.store import packaged
from unveil.drawing.render import Skin, over, render_mesh
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.layout import Coefficients
from unveil.output.batch import options_for
from unveil.output.clip_run import ClipRun
from unveil.output.clip_target import name_clips
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.outputs import results_in
from unveil.typing import Float64s, Floats, Image
from unveil.video.cast import Cast
from unveil.video.clip import open_clip
from unveil.video.live import LiveHeads
from unveil.video.movie import write_movie
from unveil.video.parts import FrameFaces
from unveil.video.tracker import Tracker

RATE, WIDTH, HEIGHT = 30.0, 1280, 720
NOISE = 6.0  # grey levels
SHIFT, SHIFT_HZ = 60.0, 1.0  # pixels to either side; the face is 140 pixels wide
BLINK_SECONDS, BLINK_EVERY = 0.2, 1.0
SPEECH_HZ, YAW_HZ, YAW = 3.0, 1.0, 25.0  # of the jaw; of the head, in degrees


def still(count: int) -> Iterator[Image]:
    yield from (scene(0) for _ in range(count))


def shifted(count: int) -> Iterator[Image]:
    yield from (scene(SHIFT * np.sin(2 * np.pi * SHIFT_HZ * k / RATE)) for k in range(count))


@cache
def photograph() -> Image:
    return read_image(packaged("demo.jpg"))


def scene(right: float) -> Image:
    photo = photograph()
    scale = HEIGHT / photo.shape[0]
    matrix = np.array([[scale, 0, (WIDTH - HEIGHT) / 2 + right], [0, scale, 0]])
    return np.asarray(cv2.warpAffine(photo, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def acting(face: Reconstruction, count: int) -> Iterator[Image]:
    """The head of a face, drawn before a grey wall."""
    model = face.wearing
    whole, _ = model.complete(face.coefficients)
    skin = Skin.of(face.texture(), whole)
    for k in range(count):
        vertices = np.asarray(whole.vertices(model.complete(acted(face, k / RATE))[1]))
        points = vertices * [1600, -1600, -1600] + [WIDTH / 2, HEIGHT / 2, 0]
        wall = np.full((HEIGHT, WIDTH, 3), (150, 160, 165), np.uint8)
        yield over(render_mesh(points, whole.faces, HEIGHT, WIDTH, skin), wall)


def acted(face: Reconstruction, seconds: float) -> Coefficients:
    number = {name: k for k, name in enumerate(face.expression_names)}
    expression = np.zeros_like(face.coefficients["expression"])
    since = seconds % BLINK_EVERY
    closed = np.sin(np.pi * since / BLINK_SECONDS) if since < BLINK_SECONDS else 0.0
    for side in ("Left", "Right"):
        expression[number[f"eyeBlink{side}"]] = closed
    expression[number["jawOpen"]] = 0.3 * (1 - np.cos(2 * np.pi * SPEECH_HZ * seconds)) / 2
    turn = np.radians([0, YAW * np.sin(2 * np.pi * YAW_HZ * seconds), 0]).astype(np.float32)
    moved = face.coefficients.replace(expression=expression)
    return face.morphable.placement.with_joint_turns(moved, {"root": turn})


def noisy(frames: Iterator[Image]) -> Iterator[Image]:
    """Frames with noise of which no two have the same."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, NOISE, (2 * HEIGHT, 2 * WIDTH, 3)).round().astype(np.int16)
    for frame in frames:
        y, x = rng.integers(HEIGHT), rng.integers(WIDTH)
        yield (frame + noise[y : y + HEIGHT, x : x + WIDTH]).clip(0, 255).astype(np.uint8)


def followed(reconstructor: Reconstructor, path: Path) -> tuple[Coefficients, Coefficients, Coefficients]:
    """The person's coefficients [T, M]: of single frames, smooth, and smooth as they come."""
    tracker, cast, live = Tracker(reconstructor), Cast(reconstructor.morphable), LiveHeads(reconstructor)
    forwards = []
    with open_clip(path) as clip:
        for frame in clip.frames():
            cast.add(FrameFaces(frame.seconds, tracker.track(frame.image, frame.seconds)))
            forwards += [head.coefficients.values for head in live.see(frame.image, frame.seconds) if head.person == 0]
    recorder, shape = cast.roles[0].recorder, tracker.people[0].shape()[0]
    measured, smooth = recorder.measured(shape), recorder.track(shape).coefficients
    print(f"{path.name}: seen in {len(measured.values)} of {cast.frames} frames, {len(tracker.people)} person(s)")
    return measured, smooth, Coefficients(measured.layout, np.stack(forwards))


def jitter(reconstructor: Reconstructor, heads: Coefficients) -> float:
    """Millimetres by which landmarks move from frame to frame, root mean square."""
    model = reconstructor.morphable.landmark_model()
    points = model.landmarks68(model.vertices(heads))
    projected = model.project(points, heads)[..., :2] / model.placement.scale(heads)[:, None, None]
    return float(1000 * np.sqrt(np.square(np.diff(projected, axis=0)).sum(axis=-1).mean()))


def lag(single: Floats, smooth: Floats) -> tuple[float, float]:
    """Milliseconds by which a smooth signal [T] is later than another, and what is left of its size."""
    fine = np.arange(0, len(single) - 1, 0.1)
    one, other = (np.interp(fine, np.arange(len(single)), values) for values in (single, smooth))
    shifts = np.arange(-30, 31)  # tenths of a frame
    inner = slice(40, -40)
    agreement = [np.corrcoef(one[inner], np.roll(other, -shift)[inner])[0, 1] for shift in shifts]
    return float(shifts[int(np.argmax(agreement))] * 100 / RATE), float(swing(other) / swing(one))


def swing(values: Float64s) -> float:
    low, high = np.percentile(values, [2, 98])
    return float(high - low)


def rates(reconstructor: Reconstructor, path: Path, folder: Path) -> None:
    """Print how fast a clip is read, followed, and made into all files, in seconds of the clock and of processors."""
    tracker = Tracker(reconstructor)
    with open_clip(path) as clip, timed("reading", clip.expected or 1):
        frames = [(frame.image, frame.seconds) for frame in clip.frames()]
    with timed("following one face", len(frames)):
        for image, seconds in frames:
            tracker.track(image, seconds)
    with results_in(folder, "reconstruct", inputs=[path]) as outputs, timed("all files", len(frames)):
        (target,) = name_clips([path], outputs)
        for _ in ClipRun(target, reconstructor, options_for(reconstructor, ("glb", "npz"), None)).steps():
            pass


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    wall, processors = time.perf_counter(), time.process_time()
    yield
    wall, processors = time.perf_counter() - wall, time.process_time() - processors
    print(f"{what}: {count / wall:.1f} frames per second, {1000 * processors / count:.0f} ms of a processor for each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=90)
    count = parser.parse_args().frames
    reconstructor = Reconstructor()
    (face,) = reconstructor.reconstruct(packaged("demo.jpg"), max_faces=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip, frames in (("still", still(count)), ("shifted", shifted(count)), ("acting", acting(face, count))):
            write_movie(folder / f"{clip}.mp4", noisy(frames), RATE)
        single, smooth, live = followed(reconstructor, folder / "still.mp4")
        parts = [
            f"{what} {jitter(reconstructor, heads):.3f}" for what, heads in (("single", single), ("smooth", smooth))
        ]
        print(f"jitter in mm: {', '.join(parts)}, live {jitter(reconstructor, live):.3f}")
        index = {name: k for k, name in enumerate(face.expression_names)}
        for clip, signals in (("shifted", ("x",)), ("acting", ("yaw", "jawOpen", "eyeBlinkLeft"))):
            single, smooth, live = followed(reconstructor, folder / f"{clip}.mp4")
            for signal in signals:
                rows = []
                for what, heads in (("clip", smooth), ("live", live)):
                    pair = [_signal(reconstructor, each, signal, index) for each in (single, heads)]
                    rows.append("{}: lag {:+.0f} ms, {:.0%} of peaks".format(what, *lag(*pair)))
                print(f"{signal}: {'; '.join(rows)}")
        rates(reconstructor, folder / "shifted.mp4", folder / "out")


def _signal(reconstructor: Reconstructor, heads: Coefficients, name: str, index: dict[str, int]) -> Floats:
    placement = reconstructor.morphable.placement
    if name == "x":
        return np.asarray(heads["camera"][:, 1])
    if name == "yaw":
        return np.asarray(placement.joint_turns(heads)["root"][:, 1])
    return np.asarray(heads["expression"][:, index[name]])


if __name__ == "__main__":
    main()
