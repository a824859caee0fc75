r"""Measure where annotators put the 68 landmarks on openhead, and bring its table of offsets up to date.

    python tools/measure_annotation_offsets.py --training-set trainset/ --codes said.npz \
        --annotation ytfaces-landmarks68=yt.npy --annotation allagefaces-adult=aaf.npy

openhead's landmarks start from ICT-FaceKit's. Photographs are annotated a little differently: brows start further
from the nose, points of the jaw line are spaced otherwise. For the heads that codes give for pictures, this script
compares the model's landmarks with annotations of the same pictures: the mean difference in the frame of the head, the
same on both sides, is added to ``tools/openhead/annotation_offsets.csv``, for the jaw line, the brows and the bridge of
the nose. Other landmarks lie on edges of lids, lips and nostrils, where blinks and textures need them. Rebuild openhead
then, and repeat until nothing moves.

An annotation is an npy file [N, 68, 2], or [N, 49, 2] without the jaw line and the inner corners of the mouth, in
pixels of picture 0, 1, ... of the source, whose file names are those numbers. A shift that a whole source has in
common is printed and left out: it comes from how its pictures were scaled, not from faces. People kept for testing
are left out.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.codes.file import Codes, read_codes
from unveil.errors import one_line_errors
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.layout import Coefficients
from unveil.models.registry import load_head
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import write_text
from unveil.training.crops.prepared import TEST, PreparedFolder, canonical_crop

TABLE = Path(__file__).parent / "openhead/annotation_offsets.csv"
ANNOTATION = FileKind("npy file of landmarks", "give those of the photographs", 2**34)
CROP_SIZE = 224  # pixels; any number would do
IBUG49 = [index for index in range(17, 68) if index not in (60, 64)]
JAW = slice(0, 17)
INNER = slice(17, 68)
MOVED = slice(0, 31)  # jaw line, brows, bridge of the nose
FRONTAL = 15.0  # degrees of yaw up to which the jaw line is measured: it slides beyond
OUTLIER = 6e-3  # metres, from which a difference counts no more


@dataclass(frozen=True, eq=False)
class Differences:
    """Annotated minus fitted landmarks of one source."""

    offsets: np.ndarray  # [N, 68, 2] metres on the head, x right, y up in the picture; NaN where not annotated
    rotation: np.ndarray  # [N, 3, 3]


def differences(folder: PreparedFolder, codes: Codes, source: str, annotation: np.ndarray) -> Differences:
    """Compare the fits of one source with its annotation; prints the mean error and the shift all have in common."""
    rows = np.flatnonzero(np.char.startswith(folder.names, f"{source}/") & (folder.split != TEST))
    pictures = [int(Path(str(name)).stem) for name in folder.names[rows]]
    marked = np.full((len(rows), 68, 2), np.nan)
    marked[:, range(68) if annotation.shape[1] == 68 else IBUG49] = annotation[pictures]
    matrix = folder.matrix[rows]
    in_wide = marked @ np.swapaxes(matrix[:, :, :2], 1, 2) + matrix[:, None, :, 2]
    in_crop = canonical_crop(folder.crop_size, CROP_SIZE).to_crop(in_wide)
    number = {name: number for number, name in enumerate(codes.names)}
    values = codes.coefficients.values[[number[str(name)] for name in folder.names[rows]]]
    coefficients = Coefficients(codes.coefficients.layout, values.astype(np.float64))
    model = load_head(coefficients.layout).landmark_model()
    contour = model.contour68(model.vertices(coefficients), coefficients)
    fitted = to_pixels(model.project(contour, coefficients), CROP_SIZE)[..., :2]
    pixels_per_metre = coefficients["camera"][:, :1, None] * CROP_SIZE / 2
    offsets = (in_crop - fitted) * (1, -1) / pixels_per_metre
    shift = np.nanmedian(np.nanmean(offsets[:, INNER], axis=1), axis=0)
    error = 1e3 * np.nanmean(np.linalg.norm(offsets, axis=-1))
    print(f"{source}: {len(rows)} pictures, mean error {error:.2f} mm, common shift {np.round(1e3 * shift, 2)} mm")
    rotation = axis_angle_to_matrix(coefficients["pose"][:, :3])
    return Differences(offsets - shift, rotation)


def mean_offset(parts: list[Differences]) -> np.ndarray:
    """Mean offset [68, 2] (x, y) in the frame of the head, in metres; every source weighs the same."""
    normal, right = 1e-3 * np.eye(3)[None].repeat(68, axis=0), np.zeros((68, 3))
    for part in parts:
        axes = part.rotation[:, :2]  # [N, 2, 3]
        length = np.linalg.norm(part.offsets, axis=-1)  # [N, 68]
        trust = np.nan_to_num(np.minimum(1.0, OUTLIER / np.maximum(length, 1e-9)))
        yaw = matrix_to_euler_degrees(part.rotation)[:, 1]
        trust[:, JAW] *= (np.abs(yaw) < FRONTAL)[:, None]
        trust /= len(trust)
        normal += np.einsum("np,nai,naj->pij", trust, axes, axes, optimize=True)
        right += np.einsum("np,nai,npa->pi", trust, axes, np.nan_to_num(part.offsets), optimize=True)
    normal[:, 2, 2] += 0.05  # depth is hardly seen
    offset = np.linalg.solve(normal, right[..., None])[:, :2, 0]
    return (offset + offset[list(IBUG68_MIRROR)] * (-1, 1)) / 2


def main() -> None:
    """Read the command line, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--training-set", type=Path, required=True, help="folder of make_training_set.py")
    parser.add_argument("--codes", type=Path, help="heads of its pictures, if not those that it was fitted with")
    parser.add_argument("--annotation", action="append", required=True, metavar="SOURCE=NPY")
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    folder = PreparedFolder.open(arguments.training_set)
    codes = read_codes(arguments.codes or arguments.training_set / "codes.npz")
    sources = [text.split("=", 1) for text in arguments.annotation]
    offset = mean_offset([differences(folder, codes, source, read_array(path, ANNOTATION)) for source, path in sources])
    moved = np.linalg.norm(offset[MOVED], axis=1)
    print(f"jaw line, brows and the bridge of the nose move by {1e3 * moved.mean():.2f} mm on average")
    table = np.loadtxt(arguments.table, delimiter=",", skiprows=1)
    table[MOVED, 1:] += 1e3 * offset[MOVED]
    rows = "".join(f"{int(index)},{x:.1f},{y:.1f}\n" for index, x, y in table)
    write_text(arguments.table, "landmark,x_mm,y_mm\n" + rows)


if __name__ == "__main__":
    with one_line_errors():
        main()
