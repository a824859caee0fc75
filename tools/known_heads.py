"""How well learners tell heads: of known shape, under photographs of people not trained on; and of real people.

    python tools/known_heads.py make PREPARED CODES --ict ict_facekit_light.npz --occluders DIR -o heads.npz
    python tools/known_heads.py score heads.npz [LEARNER ...]
    python tools/known_heads.py people PREPARED CODES [LEARNER ...]

``make`` re-renders five photographs of each person of the test split with one head of ICT-FaceKit, carried over to
openhead, clear and with 40 % of the face covered. ``score`` lays what a learner says onto the true head as the NoW
benchmark does and gives the mean distance against that of the mean head, the mean distance of corresponding points, and
slope and correlation of how face vertices differ from the mean head; for one photograph, and for five joined.
``people`` tells from the neutral heads, and from the expressions, of real frames whether they show the same person: the
area under the ROC curve, frame by frame and in fives. LEARNER is an ONNX file or ``openhead``, the packaged one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from unveil.assets.store import packaged
from unveil.errors import one_line_errors
from unveil.evaluation.alignment import procrustes
from unveil.evaluation.now.protocol import crop_scan, fit_prediction
from unveil.heads.face_area import SEVEN, face_area
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.meshes.mesh import Mesh
from unveil.models.openhead import head as openhead
from unveil.models.registry import open_encoder
from unveil.occluders.base import Face
from unveil.occluders.head_surface import HeadSurface
from unveil.occluders.pool import load_pool
from unveil.storage.files import atomic_path
from unveil.training.crops.prepared import TEST, canonical_crop
from unveil.training.data import TrainingData
from unveil.training.rerender.photographs import Photographs, seen_well
from unveil.training.rerender.priors import CarriedPrior
from unveil.training.rerender.samples import Renderer
from unveil.training.rerender.surface import Surface
from unveil.typing import Bools, Float64s, Floats, Images

FRAMES = 5  # photographs of each person
SIZE = 160  # pixels of a wide crop
COVERED = 0.4  # of the face
BATCH = 32


def make(data: TrainingData, ict: Path, occluders: Path | None, out: Path, *, people: int, seed: int) -> None:
    """Re-render the test people and write crops and heads."""
    parts, prior, pool = Surface.of(data.model), CarriedPrior.load(ict, data.model), load_pool(occluders)
    tones = np.where(seen_well(data), 0, -1).astype(np.int8)  # every person is rendered: tones do not matter
    renderer = Renderer(parts, Photographs.of(data, parts, tones), [prior], SIZE, seed)
    surface, clear, covered, heads = HeadSurface.of(data.model), [], [], []
    for number, frames in enumerate(frames_of_people(renderer, people, seed)):
        rng = np.random.default_rng((seed, number))
        head = prior.draw(rng)
        samples = [renderer.with_head(index, head, rng, far_turns=0.0) for index in frames]
        for sample in samples:
            coefficients = Coefficients(data.layout, sample.coefficients[None].astype(np.float64))
            crop = canonical_crop(SIZE, SIZE).warp(sample.image)
            marks = (data.project_landmarks(sample.coefficients[None])[0] / 2 + 0.5) * SIZE
            face = Face.of(marks, surface.place(coefficients, SIZE)[0])
            clear.append(crop)
            covered.append(pool.apply(crop, face, rng, COVERED).image)
        heads.append(samples[0].vertices)
    with atomic_path(out) as temporary, temporary.open("wb") as stream:
        np.savez(stream, clear=np.stack(clear), covered=np.stack(covered), heads=np.stack(heads))
    print(f"{out}: {len(heads)} heads, {len(clear)} photographs")


def frames_of_people(renderer: Renderer, people: int, seed: int) -> Iterator[Sequence[int]]:
    """Photographs of each person of the test split who has enough of them."""
    data = renderer.photographs.data
    usable = np.flatnonzero((renderer.photographs.tones >= 0) & (data.folder.split[data.rows] == TEST))
    person = data.folder.person[data.rows[usable]]
    rng = np.random.default_rng(seed)
    for name in [name for name in np.unique(person) if (person == name).sum() >= FRAMES][:people]:
        yield rng.choice(usable[person == name], FRAMES, replace=False).tolist()


def score(heads: Path, learners: Sequence[str]) -> None:
    """Print a table of what learners make of the heads of known shape."""
    model = openhead.load(packaged("openhead.npz"))
    with np.load(heads) as file:
        truth, crops = file["heads"].astype(np.float64), {name: file[name] for name in ("clear", "covered")}
    face = face_area(model) > 0
    mean = np.asarray(model.head.template, np.float64)
    base = np.array([scan_to_mesh(model, mean, head) for head in truth])
    print(f"{len(truth)} heads; the mean head is {base.mean():.3f} mm from them (scan to mesh)")
    print("| learner | crops | scan to mesh, mm | against the mean head | points, mm | slope | correlation |")
    print("|---|---|---|---|---|---|---|")
    for name in learners:
        for what, images in crops.items():
            shapes = shapes_of(name, images).reshape(len(truth), FRAMES, -1)
            joined = {f"{what}, one": shapes[:, 0], f"{what}, five": shapes.mean(axis=1)}
            for condition, shape in joined.items():
                told = np.asarray(model.head.neutral(shape.astype(np.float64)))
                distance = np.array([scan_to_mesh(model, *pair) for pair in zip(told, truth, strict=True)])
                points, slope, correlation = compare_points(told, truth, mean, face)
                change = 100 * (distance.mean() / base.mean() - 1)
                print(
                    f"| {name} | {condition} | {distance.mean():.3f} | {change:+.1f} % | {points:.3f} | {slope:.2f} "
                    f"| {correlation:.2f} |",
                    flush=True,
                )


def shapes_of(learner: str, crops: Images) -> Floats:
    """The shapes [N, S] that a learner gives for canonical crops [N, S, S, 3]."""
    return predictions(learner, crops)["shape"]


def predictions(learner: str, crops: Images) -> dict[str, Floats]:
    """Shapes [N, S] and expressions [N, E] that a learner gives for canonical crops [N, S, S, 3]."""
    encoder = open_encoder(learner)
    size = (encoder.input_size, encoder.input_size)
    small = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops])
    parts = [encoder.predict(small[k : k + BATCH]).coefficients for k in range(0, len(small), BATCH)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in ("shape", "expression")}


def scan_to_mesh(model: MorphableModel, told: Float64s, truth: Float64s) -> float:
    """Mean distance in mm of the face of a true head [V, 3] to a told one [V, 3], as NoW measures it."""
    marks, goal = (1000 * np.asarray(model.landmarks68(v))[list(SEVEN)] for v in (told, truth))
    face = 1000 * truth[face_area(model) > 0]
    mesh = Mesh(1000 * told, np.asarray(model.faces, np.int64))
    return float(fit_prediction(crop_scan(face, goal), goal, mesh, marks).distances.mean())


def compare_points(told: Float64s, truth: Float64s, mean: Float64s, face: Bools) -> tuple[float, float, float]:
    """Mean distance of corresponding points in mm, and slope and correlation of their ways from the mean head."""
    distances, products = [], np.zeros(3)
    for ours, theirs in zip(told[:, face], truth[:, face], strict=True):
        goal = 1000 * procrustes(theirs, mean[face])(theirs)
        mine = procrustes(ours, goal)(ours)
        distances.append(np.linalg.norm(mine - goal, axis=1).mean())
        a, b = mine - procrustes(mean[face], goal)(mean[face]), goal - procrustes(mean[face], goal)(mean[face])
        products += (a * b).sum(), (a * a).sum(), (b * b).sum()
    ab, aa, bb = products
    return float(np.mean(distances)), float(ab / bb), float(ab / np.sqrt(max(aa * bb, 1e-30)))


def people(data: TrainingData, learners: Sequence[str]) -> None:
    """Print how well neutral heads and expressions of real frames tell the people of the test split apart."""
    indices = data.indices(TEST)
    rows = data.rows[indices]
    person = data.folder.person[rows]
    crops = np.stack([data.folder.canonical(int(row), SIZE) for row in rows])
    print(f"{len(rows)} frames of {len(np.unique(person))} people; area under the ROC curve")
    print(
        "| learner | head, one frame | head, five | expression, one frame | expression, five |\n|---|---|---|---|---|"
    )
    for name in learners:
        told = predictions(name, crops)
        forms = np.asarray(data.model.head.neutral(told["shape"].astype(np.float64)))[:, face_area(data.model) > 0]
        cells = []
        for values, distance in ((form_vectors(forms), euclidean), (told["expression"], euclidean)):
            cells += [roc_area(values, person, distance), roc_area(*in_fives(values, person), distance)]
        print(f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)


def form_vectors(forms: Float64s) -> Float64s:
    """Faces [N, P, 3] as vectors [N, 3 P], whatever their size and place."""
    centred = forms - forms.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred**2).mean(axis=(1, 2), keepdims=True))
    return np.asarray((centred / sizes).reshape(len(forms), -1))


def euclidean(a: Floats, b: Floats) -> Floats:
    """Distances [N, K] between the rows of two arrays [N, D] and [K, D]."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def in_fives(values: Floats, person: np.ndarray[Any, Any]) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Means [K, D] of every five rows [N, D] of one person, and their people [K]."""
    groups = [
        (values[rows[k : k + FRAMES]].mean(axis=0), name)
        for name in np.unique(person)
        for rows in [np.flatnonzero(person == name)]
        for k in range(0, len(rows) - FRAMES + 1, FRAMES)
    ]
    return np.stack([mean for mean, _ in groups]), np.array([name for _, name in groups])


def roc_area(values: Floats, person: np.ndarray[Any, Any], distance: Callable[[Floats, Floats], Floats]) -> float:
    """Probability that two rows [N, D] of one person are nearer to each other than two of different people."""
    apart = distance(values, values)
    upper = np.triu_indices(len(values), 1)
    same = (person[:, None] == person)[upper]
    order = np.argsort(np.argsort(apart[upper])) + 1
    there, elsewhere = int(same.sum()), int((~same).sum())
    return float(1 - (order[same].sum() - there * (there + 1) / 2) / (there * elsewhere))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the heads or score learners, as the command line says."""
    parser = argparse.ArgumentParser(description="Measure how well learners tell heads.")
    commands = parser.add_subparsers(required=True, dest="command")
    making = commands.add_parser("make", help="re-render the people of the test split with heads of ICT-FaceKit")
    making.add_argument("--ict", type=Path, required=True, help="npz of ICT-FaceKit Light")
    making.add_argument("--occluders", type=Path, help="folder with pictures of occluders; without it they are drawn")
    making.add_argument("--people", type=int, default=100)
    making.add_argument("--seed", type=int, default=1031)
    making.add_argument("-o", "--out", type=Path, required=True)
    scoring = commands.add_parser("score", help="measure learners on them")
    scoring.add_argument("heads", type=Path)
    telling = commands.add_parser("people", help="tell real people apart")
    for command in (making, telling):
        command.add_argument("prepared", type=Path)
        command.add_argument("codes", type=Path)
    for command in (scoring, telling):
        command.add_argument("learners", nargs="*", default=["openhead"])
    options = parser.parse_args(arguments)
    if options.command == "score":
        score(options.heads, options.learners)
        return
    data = TrainingData.load(options.prepared, options.codes)
    if options.command == "make":
        make(data, options.ict, options.occluders, options.out, people=options.people, seed=options.seed)
    else:
        people(data, options.learners)


if __name__ == "__main__":
    with one_line_errors():
        main()
