"""A benchmark of hidden faces that needs no licence: heads of ICT-FaceKit, drawn, occluded, reconstructed and measured.

    python -m tools.ict_benchmark draw --ict ict_facekit_light.npz --heads 20 -o ict
    unveil predict now --dataset ict -o predictions/openhead
    python -m tools.ict_benchmark mean ict -o predictions/openhead-mean     # the same head for every picture
    python -m tools.ict_benchmark score ict predictions/* -o scores/ict.json

Heads are drawn at random from the model's shapes with a seed of their own; no head that openhead was evaluated with is
among them. But openhead's statistics come from the same model: this measures what occlusion costs, not how good a
method is on people. Each head is seen once, with a random pose, light, skin colour and background, clear and with
each occluder; brows, lips and eyes are coloured, and there is no hair. The folder is laid out as NoW's, so that
`unveil evaluate now` scores it too, and so are predictions of other methods.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.scan_parts import score_parts, summarise
from unveil.assets.store import packaged
from unveil.errors import one_line_errors
from unveil.evaluation.now.files import NowDataset
from unveil.evaluation.now.photos import IMAGE_LIST
from unveil.evaluation.occluded_faces import CLEAR, Condition, FaceFinder, conditions
from unveil.geometry.lighting import harmonics, irradiance
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.geometry.rotation import euler_to_matrix
from unveil.heads.face_area import SEVEN
from unveil.meshes.ply import write_ply
from unveil.models.openhead import head as openhead
from unveil.occluders.base import hidden_share
from unveil.photos.io import write_image
from unveil.storage.arrays import read_arrays
from unveil.storage.files import atomic_path, write_text
from unveil.training.rerender.priors import ICT_PACK
from unveil.typing import Bools, Float64s, Image, Int64s

SIZE = 384  # pixels of a picture's side
FACE_SHARE = 0.55  # of the side that the face's landmarks span
SUPERSAMPLING = 2
DISTANCE = (600.0, 1500.0)  # mm from the camera
POSE = (12.0, 35.0, 8.0)  # degrees: standard deviation of pitch, largest yaw, standard deviation of roll
BROW, LIPS, WHITE, IRIS, PUPIL = (
    (0.07, 0.045, 0.035),
    (0.38, 0.13, 0.12),
    (0.8, 0.8, 0.78),
    (0.12, 0.07, 0.04),
    (0.01,) * 3,
)
BROW_WIDTH, IRIS_RADIUS, PUPIL_RADIUS = 3.2, 6.0, 2.4  # mm
SKIN = np.array([[0.72, 0.48, 0.38], [0.13, 0.06, 0.035]])  # lightest and darkest, linear RGB
FACE_END, SKIN_END, EYES = 9409, 11248, 14062  # vertices: face, then head and neck, mouth and sockets, eyeballs
CHALLENGES = {
    True: "multiview_neutral",
    False: "multiview_occlusions",
}  # NoW's name for a clear picture and an occluded


@dataclass(frozen=True, eq=False)
class IctModel:
    """ICT-FaceKit Light as arrays, mm."""

    neutral: Float64s  # [N, 3]
    identity: Float64s  # [K, N, 3] one standard deviation each
    faces: Int64s  # [F, 3]
    landmarks68: Int64s  # [68]

    @classmethod
    def read(cls, path: Path) -> IctModel:
        """Read the npz that ``tools.openhead.pack_ict`` writes, in cm; UnveilError where it is none."""
        arrays = read_arrays(path, ICT_PACK)
        with ICT_PACK.checking(path):
            neutral, identity = (10 * arrays[name].astype(np.float64) for name in ("neutral", "identity"))
            return cls(neutral, identity, arrays["faces"].astype(np.int64), arrays["landmarks68"].astype(np.int64))

    def head(self, rng: np.random.Generator) -> Float64s:
        """Vertices [N, 3] of a random head."""
        return self.neutral + np.tensordot(rng.normal(size=len(self.identity)), self.identity, axes=1)


@dataclass(frozen=True, eq=False)
class View:
    """A picture of a head, and where the picture shows its vertices."""

    image: Image  # [S, S, 3]
    pixels: Float64s  # [N, 2]


def draw_view(model: IctModel, vertices: Float64s, rng: np.random.Generator) -> View:
    """A head [N, 3] in a random pose, light, skin and before a random background."""
    angles = rng.normal(0, POSE[0]), rng.uniform(-POSE[1], POSE[1]), rng.normal(0, POSE[2])
    turned = vertices @ np.asarray(euler_to_matrix(np.radians(angles))).T
    marks = turned[model.landmarks68]
    centre, extent = (marks.min(axis=0) + marks.max(axis=0)) / 2, float(np.ptp(marks[:, :2], axis=0).max())
    placed = turned - centre
    depth = rng.uniform(*DISTANCE) - placed[:, 2]
    focal = FACE_SHARE * SIZE / extent * depth[model.landmarks68].mean()
    pixels = placed[:, :2] * [1, -1] * (focal / depth)[:, None] + (SIZE - 1) / 2
    size = SIZE * SUPERSAMPLING
    fine = np.column_stack([(pixels + 0.5) * SUPERSAMPLING - 0.5, depth])
    raster = rasterize(fine, model.faces, size, size)
    normals = vertex_normals(turned, model.faces)
    light = _light(rng)
    colours = _albedo(model, vertices, rng) * np.clip(irradiance(normals, light) / np.pi, 0, None)
    drawn = np.where(raster.covered[..., None], interpolate(raster, model.faces, colours), _background(rng, size))
    picture = cv2.resize(np.clip(drawn, 0, 1).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    noisy = picture ** (1 / 2.2) + rng.normal(0, 0.01, picture.shape)
    return View((np.clip(noisy, 0, 1) * 255 + 0.5).astype(np.uint8), pixels)


def _light(rng: np.random.Generator) -> Float64s:
    """Light [9, 3] from all around and from two lamps in front, of about the brightness 1."""
    light = np.zeros((9, 3))
    light[0] = rng.uniform(0.25, 0.5) * np.sqrt(4 * np.pi)
    for strength in (rng.uniform(0.8, 1.8), rng.uniform(0, 0.5)):
        direction = np.array([rng.uniform(-1, 1), rng.uniform(-0.3, 1), rng.uniform(0.3, 1)])
        colour = 1 + rng.normal(0, 0.05, 3)
        light += strength * harmonics(direction / np.linalg.norm(direction))[:, None] * colour
    return light


def _albedo(model: IctModel, vertices: Float64s, rng: np.random.Generator) -> Float64s:
    """Linear colours [N, 3] of the vertices: random skin, brows, lips and eyes."""
    share = rng.uniform(0, 1)
    skin = SKIN[0] ** (1 - share) * SKIN[1] ** share
    colours = np.tile(skin, (len(vertices), 1)) * (1 + 0.04 * rng.normal(size=(len(vertices), 1)))
    marks = vertices[model.landmarks68]
    front = np.arange(min(FACE_END, len(vertices)))
    for first in (17, 22):
        near = _near_line(vertices[front], marks[first : first + 5]) < BROW_WIDTH
        colours[front[near]] = BROW
    lips = _inside(vertices[front], marks[48:60]) & ~_inside(vertices[front], marks[60:68])
    colours[front[lips & (vertices[front, 2] > marks[48:60, 2].min() - 4)]] = 0.5 * np.array(LIPS) + 0.5 * skin
    for corners in ((36, 42), (42, 48)):
        middle = marks[corners[0] : corners[1]].mean(axis=0)
        ball = np.arange(min(EYES, len(vertices)), len(vertices))
        ball = ball[np.abs(vertices[ball, 0] - middle[0]) < 20]
        away = np.linalg.norm(vertices[ball, :2] - middle[:2], axis=1)
        colours[ball] = np.select([(away < r)[:, None] for r in (PUPIL_RADIUS, IRIS_RADIUS)], [PUPIL, IRIS], WHITE)
    return colours


def _near_line(points: Float64s, line: Float64s) -> Float64s:
    """Distance [N] of points to the straight pieces between the points of a line."""
    start, along = line[:-1], np.diff(line, axis=0)
    share = np.clip(((points[:, None] - start) * along).sum(axis=2) / (along**2).sum(axis=1), 0, 1)
    return np.linalg.norm(points[:, None] - start - share[..., None] * along, axis=2).min(axis=1)


def _inside(points: Float64s, outline: Float64s) -> Bools:
    """Whether points [N, 3] lie, seen from the front, inside an outline [P, 3]."""
    polygon = outline[:, :2].astype(np.float32)
    return np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in points[:, :2]])


def _background(rng: np.random.Generator, size: int) -> Float64s:
    """Blurred patches of dull colour [S, S, 3]."""
    patches = rng.uniform(0.02, 0.9, (rng.integers(2, 7), rng.integers(2, 7), 3))
    patches = 0.3 * patches + 0.7 * patches.mean(axis=2, keepdims=True)
    return cv2.resize(patches, (size, size), interpolation=cv2.INTER_CUBIC)


def draw(model: IctModel, covers: Sequence[Condition], out: Path, *, heads: int, seed: int) -> float:
    """Write the pictures, scans and flags and give back the mean share of the face that occluders hide."""
    finder = FaceFinder()
    listed, shares = [], []
    for k in range(heads):
        rng = np.random.default_rng((seed, k))
        vertices, subject = model.head(rng), f"head{k:03}"
        view = draw_view(model, vertices, rng)
        _write_scan(out, subject, model, vertices)
        face = finder.face(view.image, view.pixels[model.landmarks68])
        for cover in covers:
            occluded = cover.apply(view.image, face, subject, seed)
            path = Path(subject) / CHALLENGES[cover.occluder is None] / f"view_{cover.stem}.png"
            write_image(out / "iphone_pictures" / path, occluded.image)
            _save(out / "hidden" / path.with_suffix(".npy"), _at(occluded.mask, view.pixels)[:FACE_END])
            _save(out / "detected_face" / path.with_suffix(".npy"), _box(view.pixels[model.landmarks68]))
            listed.append(path.as_posix())
            if cover.occluder is not None:
                shares.append(hidden_share(occluded.mask, face))
    write_text(out / IMAGE_LIST, "\n".join(listed) + "\n")  # last: without it there is no data set
    return float(np.mean(shares)) if shares else 0.0


def _at(mask: Bools, pixels: Float64s) -> Bools:
    x, y = np.clip(np.rint(pixels), 0, np.array(mask.shape[::-1]) - 1).astype(int).T
    return mask[y, x]


def _write_scan(out: Path, subject: str, model: IctModel, vertices: Float64s) -> None:
    """The vertices of the face as the benchmark's scan, with its seven landmarks."""
    faces = model.faces[(model.faces < FACE_END).all(axis=1)] + 1
    lines = [f"v {x:.5f} {y:.5f} {z:.5f}\n" for x, y, z in vertices[:FACE_END].tolist()]
    text = "".join([*lines, *(f"f {a} {b} {c}\n" for a, b, c in faces.tolist())])
    points = "".join(
        f' <point x="{x:.5f}" y="{y:.5f}" z="{z:.5f}" active="1" name="{k}"/>\n'
        for k, (x, y, z) in enumerate(vertices[model.landmarks68[list(SEVEN)]].tolist())
    )
    picked = f"<!DOCTYPE PickedPoints>\n<PickedPoints>\n{points}</PickedPoints>\n"
    scan, landmarks = (
        out / "scans" / subject / "scan.obj",
        out / "scans_lmks_onlypp" / subject / "scan_picked_points.pp",
    )
    for path, content in ((scan, text), (landmarks, picked)):
        write_text(path, content)


def _box(landmarks68: Float64s) -> NDArray[np.object_]:
    """The face's box as NoW ships boxes, which is a dictionary in an array."""
    low, high = landmarks68.min(axis=0).tolist(), landmarks68.max(axis=0).tolist()
    return np.array({"left": low[0], "top": low[1], "right": high[0], "bottom": high[1]}, dtype=object)


def _save(path: Path, array: NDArray[np.generic]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=array.dtype == object)


def predict_mean(data: Path, out: Path) -> int:
    """Write openhead's mean head as the prediction of every picture and give back how many there are."""
    model = openhead.load(packaged("openhead.npz"))
    mean = np.asarray(model.head.template, np.float64)
    images = NowDataset.open(data).images
    for image in images:
        write_ply(out / image.path.with_suffix(".ply"), mean, model.faces)
        _save(out / image.path.with_suffix(".npy"), np.asarray(model.landmarks68(mean))[list(SEVEN)])
    return len(images)


def score(data: Path, predictions: Sequence[Path], out: Path, title: str) -> None:
    """Write the scores of folders of predictions, for `unveil evaluate report`."""
    dataset = NowDataset.open(data)
    methods = {p.resolve().name: summarise(list(score_parts(dataset, data / "hidden", p))) for p in predictions}
    write_text(out, json.dumps({"kind": "scans", "title": title, "methods": methods}, indent=1) + "\n")
    for name, found in methods.items():
        for condition, row in found.items():
            parts = ", ".join(
                f"{p} {row[p]['median']:.2f} / {row[p]['mean']:.2f}" for p in ("all", "visible", "hidden") if row[p]
            )
            print(f"{name}, {condition}: {parts} mm (median / mean); {row['heads']} heads, {row['missing']} missing")


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw or score, as the command line says."""
    parser = argparse.ArgumentParser(description="Reconstruct occluded heads of ICT-FaceKit and measure them.")
    commands = parser.add_subparsers(required=True, dest="command")
    drawing = commands.add_parser("draw", help="draw the heads")
    drawing.add_argument("--ict", type=Path, required=True, help="npz of ICT-FaceKit Light")
    drawing.add_argument("--heads", type=int, default=20)
    drawing.add_argument("--seed", type=int, default=5)
    drawing.add_argument("--kinds", default="mask,glasses,hair,object,pixels,below-bridge")
    drawing.add_argument("--severity", type=float, default=40, help="percent of the face")
    drawing.add_argument("-o", "--out", type=Path, required=True)
    scoring = commands.add_parser("score", help="score predictions for them")
    scoring.add_argument("data", type=Path)
    scoring.add_argument("predictions", type=Path, nargs="+")
    scoring.add_argument("--title", default="Heads of ICT-FaceKit, rendered and occluded")
    scoring.add_argument("-o", "--out", type=Path, required=True)
    guessing = commands.add_parser("mean", help="predict the mean head for every picture")
    guessing.add_argument("data", type=Path)
    guessing.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.command == "score":
        score(options.data, options.predictions, options.out, options.title)
        return
    if options.command == "mean":
        print(f"{options.out}: {predict_mean(options.data, options.out)} predictions")
        return
    covers = conditions(None, options.kinds.split(","), (options.severity / 100,))
    share = draw(IctModel.read(options.ict), covers, options.out, heads=options.heads, seed=options.seed)
    print(f"{options.out}: {options.heads} heads, {CLEAR} and with {len(covers) - 1} covers, {share:.0%} hidden")


if __name__ == "__main__":
    with one_line_errors():
        main()
