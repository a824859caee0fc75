"""The outcome of photographs from the detector on: faces that are lost or misplaced, and heads where there is no face.

The first table has test people, clear and with each kind of occluder over 40 % of the face. NME is the mean distance of
the landmarks over the root of their box's area, in percent: with the crop around the true landmarks, and from the
detector on, of all that were found. A face is lost where no head is nearer than `LOST`, and misplaced from `MISPLACED`
on; that the nearest head is marked as doubtful is counted apart. The second table counts heads in pictures without a
face: what is beside faces, ears, things before patterns, signs, and scikit-image's pictures, upright and turned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from tools.known_heads.renders import SIZE, spread
from tools.known_heads.tables import print_header, print_row
from unveil import Reconstructor
from unveil.evaluation.occluded_faces import Condition
from unveil.evaluation.predictions import CLEAR
from unveil.geometry.camera import to_pixels
from unveil.models.second_look import SecondLook
from unveil.occluders.pool import measuring_pool
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.training.views.beside import draw_pattern, similarity
from unveil.typing import Float64s, Floats, Image

Shown = list[tuple[Image, Float64s]]  # photographs [S, S, 3] and true landmarks [68, 2] in their pixels
HIDDEN = 0.4  # of the face
MISPLACED, LOST = 15.0, 60.0  # percent of the face
TILES = 2  # per side of a picture of what is beside faces
FACELESS = (
    *("brick", "cell", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse", "hubble_deep_field"),
    *("immunohistochemistry", "logo", "moon", "page", "retina", "rocket", "text"),
)


def found(data: TrainingData, learners: Sequence[str], occluders: Path | None, *, count: int, seed: int) -> None:
    """Print both tables, the first of ``count`` photographs for each condition."""
    print(f"{count} photographs, clear and with {HIDDEN:.0%} of the face occluded; NME in percent")
    print_header("learner", "shown", "box given", "from the detector", "ratio", "lost", "misplaced", "doubtful")
    shown = dict(people(data, occluders, count, seed))
    pictures = {"beside": beside(data, occluders, seed), "scikit-image": list(faceless())}
    for learner in learners:
        reconstructor = Reconstructor(learner)
        occluded = []
        for name, photographs in shown.items():
            errors = errors_of(reconstructor, photographs)
            print_row(learner, name, *cells(*errors))
            occluded += [errors] if name != CLEAR else []
        print_row(learner, "all occluded", *cells(*np.concatenate(occluded, axis=1)))
    print()
    print_header("learner", "pictures without a face", "heads", "doubtful", "heads per 300")
    for learner in learners:
        reconstructor = Reconstructor(learner)
        for name, some in pictures.items():
            doubtful = [face.doubtful for one in some for face in reconstructor.reconstruct(one)]
            heads = len(doubtful) - sum(doubtful)
            print_row(learner, f"{name}, {len(some)}", heads, sum(doubtful), f"{300 * heads / max(len(some), 1):.1f}")


def people(data: TrainingData, occluders: Path | None, count: int, seed: int) -> Iterator[tuple[str, Shown]]:
    """Conditions by name, with the same test people, whose wide crops are the photographs."""
    indices, flips = spread(data.indices(TEST), count), np.zeros(count, bool)
    sampler = Sampler(data, TrainConfig(input_size=SIZE), measuring_pool())
    wider = np.repeat(similarity(SIZE, 1 / data.folder.widening, 0.0, np.zeros(2))[None], count, axis=0)
    landmarks = sampler.move_landmarks(indices, flips, wider)
    faces = sampler.faces(sampler.move_labels(indices, flips, wider), landmarks)
    size = (SIZE, SIZE)
    images = [cv2.resize(data.folder.crop(int(row)), size, interpolation=cv2.INTER_AREA) for row in data.rows[indices]]
    # A piece of the photograph itself would be another face.
    pool = measuring_pool(occluders, draw=lambda rng: draw_pattern(SIZE, rng))
    for condition in (Condition(), *(Condition(occluder, HIDDEN) for occluder in pool.occluders)):
        names = [f"{data.name(index)} {k}" for k, index in enumerate(indices)]
        occluded = [condition.apply(*each, seed).image for each in zip(images, faces, names, strict=True)]
        yield condition.stem, list(zip(occluded, landmarks, strict=True))


def errors_of(reconstructor: Reconstructor, shown: Shown) -> Float64s:
    """Of each photograph, [3, N]: NME in percent of the crop around the true landmarks, and of the nearest head.

    The latter is infinite where there is none. The last row is 1 where that head is marked as doubtful.
    """
    errors = []
    for image, truth in shown:
        side = 100 / float(np.sqrt(np.ptp(truth, axis=0).prod()))
        given = side * apart(landmarks_given(reconstructor, image, truth), truth)
        heads = reconstructor.reconstruct(image)
        nearest = min(
            [(side * apart(head.landmarks2d, truth), head.doubtful) for head in heads], default=(np.inf, False)
        )
        errors.append((given, *nearest))
    return np.array(errors, np.float64).T


def landmarks_given(reconstructor: Reconstructor, image: Image, truth: Float64s) -> Floats:
    """The landmarks [68, 2] in pixels of a photograph, of a crop around the true ones."""
    encoder, model = reconstructor.encoder, reconstructor.morphable
    crop = encoder.framing.of_landmarks(truth, encoder.input_size)
    said = SecondLook(encoder, model).predict(crop.warp(image)[None]).coefficients
    points = to_pixels(model.project(model.contour68(model.vertices(said), said), said), crop.size)
    return crop.to_image(points[0, :, :2])


def apart(landmarks: Floats, truth: Floats) -> float:
    """Mean distance of landmarks [68, 2]."""
    return float(np.linalg.norm(landmarks - truth, axis=1).mean())


def cells(given: Float64s, detected: Float64s, doubtful: Float64s) -> list[str]:
    """Means over all and over those found, their ratio, and shares of lost, misplaced and doubtful faces."""
    lost = detected > LOST
    misplaced = (detected > MISPLACED) & ~lost
    if lost.all():
        return [f"{given.mean():.2f}", "", "", "100.0 %", "", ""]
    ours, theirs = detected[~lost].mean(), given[~lost].mean()
    shares = [f"{100 * which.mean():.1f} %" for which in (lost, misplaced, (doubtful > 0) & ~lost)]
    return [f"{given.mean():.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}", *shares]


def beside(data: TrainingData, occluders: Path | None, seed: int) -> list[Image]:
    """Pictures of what is beside the faces of the test people, of ears, signs and things, some in each."""
    sampler = Sampler(data, TrainConfig(input_size=SIZE, seed=seed), measuring_pool(occluders))
    batch = sampler.beside_batch(data.indices(TEST))
    tiles = batch.images[batch.face == 0]
    tiles = tiles[: len(tiles) // TILES**2 * TILES**2].reshape(-1, TILES, TILES, SIZE, SIZE, 3)
    return list(tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, TILES * SIZE, TILES * SIZE, 3))


def faceless() -> Iterator[Image]:
    """Pictures of scikit-image without a face, upright and turned."""
    for name in FACELESS:
        image = np.asarray(getattr(skimage.data, name)())
        image = image.astype(np.uint8) * 255 if image.dtype == bool else image
        image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3]
        yield from (np.ascontiguousarray(np.rot90(image, quarters)) for quarters in range(4))
