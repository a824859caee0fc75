"""Find MediaPipe's 478 face-mesh points in a tar or folder of face crops.

MediaPipe 0.10.21 is the last release that carries its models and it needs numpy below 2, so this script runs in an
environment of its own and imports nothing of unveil::

    python -m venv mp && mp/bin/pip install mediapipe==0.10.21 'numpy<2'
    mp/bin/python tools/mediapipe_landmarks.py faces.tar more/ -o landmarks/

Every input gives ``<output>/<stem>.npz`` with

- ``names`` [N]: file names inside the input,
- ``landmarks478`` [N, 478, 3] float32: x, y in pixels of the picture (pixel centres at integers), z in the same scale,
  smaller is nearer,
- ``found`` [N] bool: false where no padding gave a face; the points are zero there,
- ``spread`` [N] float32: how far the views of one picture disagree, as a share of the face's size; large is doubtful.

Each picture is shown several times, with two paddings and mirrored, and the median is kept: the network's jitter and
its preference for one side average out. A run that is stopped continues where it was.
"""

import argparse
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import mediapipe
import numpy as np
from scipy.optimize import linear_sum_assignment

POINTS = 478
VIEWS = ((0.15, False), (0.15, True), (0.35, False), (0.35, True))  # (padding as a share of the side, mirrored)
RESCUE_VIEWS = ((0.0, False), (0.6, False), (0.6, True), (1.0, False), (1.0, True))
SAVE_EVERY = 2000
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


def read_pictures(source: Path, skip: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, RGB picture uint8 [H, W, 3]) of a tar or folder in a fixed order, without the names in ``skip``."""
    if source.is_dir():
        for path in sorted(path for path in source.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES):
            name = path.relative_to(source).as_posix()
            if name not in skip:
                yield name, decode(path.read_bytes())
        return
    with tarfile.open(source) as tar:
        for member in tar:
            if member.isfile() and member.name not in skip and Path(member.name).suffix.lower() in IMAGE_SUFFIXES:
                stream = tar.extractfile(member)
                assert stream is not None
                yield member.name, decode(stream.read())


def decode(data: bytes) -> np.ndarray:
    """Decode a JPEG or PNG to RGB uint8 [H, W, 3]."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


class FaceMesh:
    """MediaPipe's face mesh on single pictures."""

    def __init__(self) -> None:
        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
            static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
        )

    def points(self, picture: np.ndarray, padding: float, *, mirrored: bool) -> np.ndarray | None:
        """Return [478, 3] in pixels of the picture, still in the order of the picture that was shown; or None.

        Tight crops are padded by repeating their border: the detector wants to see some room around a face.
        """
        height, width = picture.shape[:2]
        margin = round(padding * max(height, width))
        shown = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        if mirrored:
            shown = np.ascontiguousarray(shown[:, ::-1])
        faces = self._mesh.process(shown).multi_face_landmarks
        if not faces:
            return None
        shown_height, shown_width = shown.shape[:2]
        relative = np.array([(point.x, point.y, point.z) for point in faces[0].landmark])  # [478, 3]
        points = relative * (shown_width, shown_height, shown_width) - (0.5, 0.5, 0.0)  # pixel edges to centres
        if mirrored:
            points[:, 0] = shown_width - 1 - points[:, 0]
        return points - (margin, margin, 0)


def mirror_indices(mesh: FaceMesh, source: Path, pictures: int = 100) -> np.ndarray:
    """Return [478]: the index of every point's mirrored point, found by showing pictures both ways.

    A mirrored picture gives the mirrored point's position under the point's own index, so the pairing is the assignment
    of least total distance over some pictures.
    """
    distance = np.zeros((POINTS, POINTS))
    for (_, picture), _count in zip(read_pictures(source, set()), range(pictures), strict=False):
        plain, mirrored = (mesh.points(picture, 0.3, mirrored=flag) for flag in (False, True))
        if plain is not None and mirrored is not None:
            distance += np.linalg.norm(plain[:, None, :2] - mirrored[None, :, :2], axis=-1)
    mirror = linear_sum_assignment(distance)[1]
    if not np.array_equal(mirror[mirror], np.arange(POINTS)):
        raise SystemExit(f"{source}: too few clear faces to tell left from right")
    return mirror


def best_points(mesh: FaceMesh, picture: np.ndarray, mirror: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Return the median points [478, 3] over the views that show a face, or None, and the views' disagreement."""
    for views in (VIEWS, RESCUE_VIEWS):
        found = []
        for padding, mirrored in views:
            points = mesh.points(picture, padding, mirrored=mirrored)
            if points is not None:
                found.append(points[mirror] if mirrored else points)
        if found:
            stack = np.stack(found)
            middle = np.median(stack, axis=0)
            size = np.sqrt(np.prod(np.ptp(middle[:, :2], axis=0)))
            disagreement = np.linalg.norm(stack[..., :2] - middle[:, :2], axis=-1).mean()
            return middle, float(disagreement / size) if len(found) > 1 else 1.0
    return None, 1.0


def save(path: Path, results: dict[str, tuple[np.ndarray | None, float]]) -> None:
    """Write the results so far under a temporary name, then rename."""
    empty = np.zeros((POINTS, 3))
    points = [empty if found is None else found for found, _ in results.values()]
    temporary = path.with_suffix(".part.npz")
    np.savez(
        temporary,
        names=np.array(list(results)),
        landmarks478=np.array(points, np.float32).reshape(-1, POINTS, 3),
        found=np.array([found is not None for found, _ in results.values()], bool),
        spread=np.array([spread for _, spread in results.values()], np.float32),
    )
    temporary.replace(path)


def load(path: Path) -> dict[str, tuple[np.ndarray | None, float]]:
    """Read what an earlier run has saved; empty when there is nothing."""
    if not path.exists():
        return {}
    with np.load(path) as saved:
        rows = zip(saved["names"], saved["landmarks478"], saved["found"], saved["spread"], strict=True)
        return {str(name): (points if found else None, float(spread)) for name, points, found, spread in rows}


def process(mesh: FaceMesh, source: Path, output: Path) -> None:
    """Find the points in every picture of one input that an earlier run has not done."""
    target = output / f"{source.stem}.npz"
    results = load(target)
    mirror = mirror_indices(mesh, source)
    before = len(results)
    for name, picture in read_pictures(source, set(results)):
        results[name] = best_points(mesh, picture, mirror)
        if len(results) % SAVE_EVERY == 0:
            save(target, results)
            print(f"{source.name}: {len(results)} pictures", flush=True)
    if len(results) > before or not target.exists():
        save(target, results)
    missing = sum(points is None for points, _ in results.values())
    print(f"{source.name}: {len(results)} pictures, no face in {missing} -> {target}", flush=True)


def main() -> None:
    """Read the command line and process every input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, help="tar files or folders of face crops")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for one npz per input")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    mesh = FaceMesh()
    for source in arguments.sources:
        process(mesh, source, arguments.output)


if __name__ == "__main__":
    main()
