"""Make the learner's training set: photographs of faces, and the head coefficients a landmark fit gives for them.

    python tools/make_training_set.py --faces faces/ --landmarks landmarks/ --embedding embedding478.npz -o trainset/

``--faces`` is a folder of tars of face crops, ``--landmarks`` what ``mediapipe_landmarks.py`` found in them (one npz of
the same stem each), ``--embedding`` the result of ``landmark_embedding.py``. A tar ``ytfaces*`` comes with the person
of every frame beside it (``ytfaces-person.npy``). The output is a prepared folder (`training.crops.prepared`), framed
by the fitted landmarks, and in it ``codes.npz``, the labels (`unveil.codes.file`), whose ``weight`` in (0, 1] is
the trust by the fit's residual:

    unveil train trainset/ trainset/codes.npz -o run/

Frames of one person stay in one split: of the people in video frames every third is for testing and never trained on.
Fits that are done are kept in ``fits/`` there, so that a run that is stopped continues.
"""

import argparse
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from unveil.assets.store import packaged
from unveil.codes.file import Codes, write_codes
from unveil.errors import one_line_errors
from unveil.fitting.landmark_fit import LandmarkFit, LandmarkFitter
from unveil.fitting.points import PointPlacement
from unveil.geometry.camera import to_pixels
from unveil.heads.landmarks import SurfacePoints
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead
from unveil.photos.crop import Crop
from unveil.photos.decode import decode_rgb
from unveil.storage.arrays import read_array, read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.npz import write_npz
from unveil.training.crops.prepared import (
    TEST,
    TRAIN,
    VALIDATION,
    Samples,
    finish,
    split_counts,
    wide_crop,
    write_shard,
)
from unveil.training.crops.sources import find_photos

TEACHER = "landmark fit"
MADE_BEFORE = FileKind("file of an earlier step", "make it again", 2**34)
CROP_SIZE = 192  # pixels
SHARD = 512  # crops
FRAME = 224  # the fit's landmarks are given as those of a crop of this many pixels; any number would do
DOUBT = 0.03  # spread of MediaPipe's views above which a picture is left out
LARGEST_RESIDUAL = 4e-3  # metres on the head, above which a fit is left out
TYPICAL_RESIDUAL = 1.5e-3  # metres; weights fall to a half there


@dataclass(frozen=True, eq=False)
class Fits:
    """Labels of the pictures of one source, and what was left out."""

    names: np.ndarray  # [N] as `find_photos` names them
    person: np.ndarray  # [N] "" where unknown
    split: np.ndarray  # [N]
    matrix: np.ndarray  # [N, 2, 3] picture to wide crop
    coefficients: np.ndarray  # [N, M] in the frame of the canonical crop
    weight: np.ndarray  # [N]
    dropped: np.ndarray  # [K] why each of the others was left out


def fit_source(model: MorphableModel, placement: PointPlacement, landmarks: Path, people: np.ndarray | None) -> Fits:
    """Labels of one source, in the order of its pictures; pictures without a trustworthy fit are left out."""
    arrays = read_arrays(landmarks, MADE_BEFORE)
    names = [str(name) for name in arrays["names"]]
    found, certain = arrays["found"], arrays["spread"] < DOUBT
    points = arrays["landmarks478"][..., :2].astype(np.float64)  # [N, 478, 2]
    fit = fit_in_batches(LandmarkFitter(model, [placement]), points, landmarks.stem)
    residual = np.linalg.norm(fit.residuals[0], axis=-1).mean(axis=1)  # [N]
    reasons = np.select([~found, ~certain, residual >= LARGEST_RESIDUAL], ["no face", "uncertain", "no fit"], "")
    kept = np.flatnonzero(reasons == "")
    in_picture = Coefficients(model.layout, fit.coefficients.values[kept].astype(np.float64))
    crops = [Crop.from_landmarks(points68) for points68 in landmarks_of(model, in_picture, FRAME)]
    in_crop = model.moved(in_picture, np.stack([crop.matrix for crop in crops]), FRAME, crops[0].size)
    person = [f"{landmarks.stem}/{people[k]}" if people is not None else "" for k in kept]
    return Fits(
        names=np.array([f"{landmarks.stem}/{names[k]}" for k in kept]),
        person=np.array(person),
        split=splits(landmarks.stem, names, people)[kept],
        matrix=np.stack([wide_crop(crop, CROP_SIZE).matrix for crop in crops]),
        coefficients=in_crop.values.astype(np.float32),
        weight=(1 / (1 + (residual[kept] / TYPICAL_RESIDUAL) ** 2)).astype(np.float32),
        dropped=reasons[reasons != ""],
    )


def fit_in_batches(fitter: LandmarkFitter, points: np.ndarray, title: str) -> LandmarkFit:
    """Fit pictures with points [N, P, 2] with a progress bar."""
    fits = [
        fitter.fit([points[start : start + 256]], FRAME)
        for start in track(range(0, len(points), 256), description=title)
    ]
    values = np.concatenate([fit.coefficients.values for fit in fits])
    residuals = np.concatenate([fit.residuals[0] for fit in fits])
    return LandmarkFit(Coefficients(fits[0].coefficients.layout, values), (residuals,))


def landmarks_of(model: MorphableModel, coefficients: Coefficients, size: int) -> np.ndarray:
    """The 68 landmarks [N, 68, 2] as photographs are annotated, in pixels of a crop of ``size``."""
    small = model.landmark_model()
    contour = small.contour68(small.vertices(coefficients), coefficients)
    return to_pixels(small.project(contour, coefficients), size)[..., :2]


def splits(source: str, names: list[str], people: np.ndarray | None) -> np.ndarray:
    """The split [N] of every picture: by person where people are known, else 3 % validation by a hash of the name."""
    if people is not None:
        return np.where(people % 3 == 0, TEST, np.where(people % 15 == 1, VALIDATION, TRAIN)).astype(np.int8)
    hashes = np.array([zlib.crc32(f"{source}/{name}".encode()) for name in names])
    return np.where(hashes % 100 < 3, VALIDATION, TRAIN).astype(np.int8)


def write_folder(folder: Path, tars: Sequence[Path], fits: Fits) -> None:
    """Cut every labelled picture out and make the folder a prepared one."""
    photos = {photo.name: photo for tar in tars for photo in find_photos(tar)}
    counts = []
    for start in track(range(0, len(fits.names), SHARD), description="crops"):
        rows = range(start, min(start + SHARD, len(fits.names)))
        pictures = (decode_rgb(photos[str(fits.names[row])].read(), str(fits.names[row])) for row in rows)
        crops = [Crop(fits.matrix[row], CROP_SIZE).warp(picture) for row, picture in zip(rows, pictures, strict=True)]
        write_shard(folder, len(counts), np.stack(crops))
        counts.append(len(crops))
    number = np.arange(len(fits.names), dtype=np.int32)
    samples = Samples(fits.names, fits.person, fits.split, number // SHARD, number % SHARD, fits.matrix)
    dropped = {str(reason): count for reason, count in Counter(fits.dropped.tolist()).items()}
    finish(folder, samples, counts, CROP_SIZE, {"dropped": dropped, "settings": {"made by": Path(__file__).name}})


def main() -> None:
    """Read the command line and make the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True, help="folder of tars of face crops")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder of mediapipe_landmarks.py's npz files")
    parser.add_argument("--embedding", type=Path, required=True, help="npz of landmark_embedding.py")
    parser.add_argument("--model", type=Path, default=packaged("openhead.npz"), help="openhead, if not the packaged")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    model = openhead.load(arguments.model)
    embedding = read_arrays(arguments.embedding, MADE_BEFORE)
    surface = SurfacePoints(embedding["triangles"], embedding["barycentric"])
    placement = PointPlacement(surface, embedding["weights"])

    tars = [tar for tar in sorted(arguments.faces.glob("*.tar")) if (arguments.landmarks / f"{tar.stem}.npz").exists()]
    parts = []
    for tar in tars:
        part = arguments.output / "fits" / f"{tar.stem}.npz"
        if not part.exists():
            people = arguments.faces / f"{tar.stem.split('-')[0]}-person.npy"
            landmarks = arguments.landmarks / f"{tar.stem}.npz"
            fits = fit_source(model, placement, landmarks, read_array(people, MADE_BEFORE) if people.exists() else None)
            write_npz(part, vars(fits))
        parts.append(read_arrays(part, MADE_BEFORE))
    fits = Fits(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    write_folder(arguments.output, tars, fits)
    coefficients = Coefficients(model.layout, fits.coefficients)
    codes = Codes(tuple(map(str, fits.names)), coefficients, model.name, teacher=TEACHER, weight=fits.weight)
    write_codes(arguments.output / "codes.npz", codes)
    print(f"{len(fits.names)} crops: {split_counts(fits.split)}")


if __name__ == "__main__":
    with one_line_errors():
        main()
