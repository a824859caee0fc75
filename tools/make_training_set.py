"""Make the learner's training set: photographs of faces, and the head coefficients a landmark fit gives for them.

    python tools/make_training_set.py --faces faces/ --landmarks landmarks/ --embedding embedding478.npz -o trainset/

``--faces`` is a folder of tars of face crops, ``--landmarks`` what ``mediapipe_landmarks.py`` found in them (one npz of
the same stem each), ``--embedding`` the result of ``landmark_embedding.py``. A tar ``ytfaces*`` comes with the person
of every frame beside it (``ytfaces-person.npy``). The output folder gets

- ``crops.npy`` uint8 [N, 192, 192, 3]: the canonical crop around the fitted landmarks with its side enlarged by 1.25,
  so that training can shift, turn and scale it; black where the photograph ends,
- ``labels.npz``: ``names`` [N] (``source/file``), ``source`` [N], ``coefficients`` [N, M] in the frame of the wide
  crop, ``layout`` (JSON, with the mean and standard deviation of the training split), ``model``, ``landmarks68``
  [N, 68, 2] of the fit in pixels of the wide crop (the jaw line as photographs are annotated), ``weight`` [N] in
  (0, 1] trust by the fit's residual, ``split`` [N] int8: 0 train, 1 validation, 2 test, ``matrix`` [N, 2, 3] from
  pixels of the photograph to those of the wide crop.

Frames of one person stay in one split: of the people in video frames every third is for testing and never trained on.
Sources that are done are kept in ``parts/``, so that a run that is stopped continues.
"""

import argparse
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from unveil.assets.store import packaged
from unveil.geometry import camera
from unveil.imaging.crop import Crop
from unveil.imaging.io import atomic_path
from unveil.morphable import openhead
from unveil.morphable.landmarks import SurfacePoints
from unveil.morphable.layout import CoefficientLayout, Coefficients
from unveil.morphable.model import MorphableModel
from unveil.teachers.landmark_fit import LandmarkFit, LandmarkFitter
from unveil.teachers.landmarks import Placement, StoredLandmarks

CROP_SIZE = 192  # pixels
WIDER = 1.25  # than the canonical crop
FRAME = 224  # the fit's landmarks are given as those of a crop of this many pixels; any number would do
DOUBT = 0.03  # spread of MediaPipe's views above which a picture is left out
LARGEST_RESIDUAL = 4e-3  # metres on the head, above which a fit is left out
TYPICAL_RESIDUAL = 1.5e-3  # metres; weights fall to a half there
TRAIN, VALIDATION, TEST = 0, 1, 2


def splits(source: str, names: list[str], people: np.ndarray | None) -> np.ndarray:
    """The split [N] of every picture: by person where people are known, else 3 % validation by a hash of the name."""
    if people is not None:
        return np.where(people % 3 == 0, TEST, np.where(people % 15 == 1, VALIDATION, TRAIN)).astype(np.int8)
    hashes = np.array([zlib.crc32(f"{source}/{name}".encode()) for name in names])
    return np.where(hashes % 100 < 3, VALIDATION, TRAIN).astype(np.int8)


def landmarks_of(model: MorphableModel, coefficients: Coefficients, size: int) -> np.ndarray:
    """The 68 landmarks [N, 68, 2] as photographs are annotated, in pixels of a crop of ``size``."""
    small = model.landmark_model()
    contour = small.contour68(small.vertices(coefficients), coefficients)
    return camera.to_pixels(small.project(contour, coefficients), size)[..., :2]


def widened(crop: Crop) -> Crop:
    """The crop with ``WIDER`` times its side around the same centre, in ``CROP_SIZE`` pixels."""
    middle = crop.to_image([[crop.size / 2, crop.size / 2]])[0]
    return Crop.from_square(middle, WIDER * crop.size / crop.scale, CROP_SIZE)


def fit_source(
    model: MorphableModel, placement: Placement, landmarks: Path, people: Path | None
) -> dict[str, np.ndarray]:
    """Labels of one source, in the order of its pictures; pictures without a trustworthy fit are left out."""
    with np.load(landmarks) as file:
        names = [str(name) for name in file["names"]]
        usable = file["found"] & (file["spread"] < DOUBT)
        points = dict(zip(names, file["landmarks478"][..., :2].astype(np.float64), strict=True))
    split = splits(landmarks.stem, names, None if people is None else np.load(people))
    source = StoredLandmarks(placement, points)
    fit = fit_in_batches(LandmarkFitter(model, [placement]), source, names, landmarks.stem)
    residual = np.linalg.norm(fit.residuals[0], axis=-1).mean(axis=1)  # [N]
    kept = np.flatnonzero(usable & (residual < LARGEST_RESIDUAL))
    coefficients = Coefficients(model.layout, fit.coefficients.values[kept].astype(np.float64))
    in_photo = landmarks_of(model, coefficients, FRAME)
    crops = [widened(Crop.from_landmarks(points68)) for points68 in in_photo]
    matrices = np.stack([crop.matrix for crop in crops])
    turn, moved = camera.move_with_crop(coefficients["pose"][:, :3], coefficients["camera"], matrices, FRAME, CROP_SIZE)
    pose = np.concatenate([turn, coefficients["pose"][:, 3:]], axis=1)
    coefficients = coefficients.replace(pose=pose, camera=moved)
    return {
        "names": np.array([f"{landmarks.stem}/{names[i]}" for i in kept]),
        "source": np.full(len(kept), landmarks.stem),
        "coefficients": coefficients.values.astype(np.float32),
        "landmarks68": landmarks_of(model, coefficients, CROP_SIZE).astype(np.float32),
        "weight": (1 / (1 + (residual[kept] / TYPICAL_RESIDUAL) ** 2)).astype(np.float32),
        "split": split[kept],
        "matrix": matrices,
    }


def fit_in_batches(fitter: LandmarkFitter, source: StoredLandmarks, names: list[str], title: str) -> LandmarkFit:
    """Fit the named pictures with a progress bar."""
    fits = [
        fitter.fit([source.observe(names[start : start + 256])], FRAME)
        for start in track(range(0, len(names), 256), description=title)
    ]
    values = np.concatenate([fit.coefficients.values for fit in fits])
    residuals = np.concatenate([fit.residuals[0] for fit in fits])
    return LandmarkFit(Coefficients(fits[0].coefficients.layout, values), (residuals,))


def layout_with_statistics(layout: CoefficientLayout, values: np.ndarray) -> CoefficientLayout:
    """The layout with mean and standard deviation over values [N, M].

    Shape and expression share one deviation per group, so that a component that hardly varies, and is mostly noise,
    does not weigh as much in the learner's loss as the large ones. What never varies keeps a deviation of 1.
    """
    deviation = values.std(axis=0)
    for name in ("shape", "expression"):
        group = layout.slice_of(name)
        deviation[group] = np.sqrt((deviation[group] ** 2).mean())
    return layout.with_statistics(values.mean(axis=0), np.where(deviation > 1e-6, deviation, 1.0))


def pictures(tar: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (source/file, RGB uint8 [H, W, 3]) of a tar in its own order."""
    with tarfile.open(tar) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:
                picture = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
                yield f"{tar.stem}/{member.name}", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def write_crops(path: Path, tars: list[Path], labels: dict[str, np.ndarray]) -> None:
    """Cut every labelled picture out and write all crops as one npy file."""
    row_of = {str(name): row for row, name in enumerate(labels["names"])}
    with atomic_path(path) as temporary:
        shape = (len(row_of), CROP_SIZE, CROP_SIZE, 3)
        crops = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for tar in tars:
            for name, picture in track(pictures(tar), description=f"crops of {tar.stem}"):
                row = row_of.get(name)
                if row is not None:
                    crops[row] = Crop(labels["matrix"][row], CROP_SIZE).warp(picture)
        crops.flush()


def main() -> None:
    """Read the command line and make the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faces", type=Path, required=True, help="folder of tars of face crops")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder of mediapipe_landmarks.py's npz files")
    parser.add_argument("--embedding", type=Path, required=True, help="npz of landmark_embedding.py")
    parser.add_argument("--model", type=Path, default=packaged("openhead.npz"), help="openhead, if not the packaged")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    model = openhead.load(arguments.model)
    with np.load(arguments.embedding) as file:
        placement = Placement(SurfacePoints(file["triangles"], file["barycentric"]), file["weights"])
    (arguments.output / "parts").mkdir(parents=True, exist_ok=True)

    tars = [tar for tar in sorted(arguments.faces.glob("*.tar")) if (arguments.landmarks / f"{tar.stem}.npz").exists()]
    parts = []
    for tar in tars:
        part = arguments.output / "parts" / f"{tar.stem}.npz"
        if not part.exists():
            people = arguments.faces / f"{tar.stem.split('-')[0]}-person.npy"
            labels = fit_source(
                model, placement, arguments.landmarks / f"{tar.stem}.npz", people if people.exists() else None
            )
            with atomic_path(part) as temporary, temporary.open("wb") as file:
                np.savez(file, **labels)
        with np.load(part) as file:
            parts.append(dict(file))
    labels = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    layout = layout_with_statistics(model.layout, labels["coefficients"][labels["split"] == TRAIN].astype(np.float64))
    write_crops(arguments.output / "crops.npy", tars, labels)
    with atomic_path(arguments.output / "labels.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, **labels, layout=layout.to_json(), model=model.name)
    print(f"{len(labels['names'])} crops, of train, validation, test: {np.bincount(labels['split'], minlength=3)}")


if __name__ == "__main__":
    main()
