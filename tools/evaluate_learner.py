r"""Measure the landmark error of models on held-out people of annotated video frames, clear and occluded.

    python tools/evaluate_learner.py openhead --frames ytfaces-landmarks68.tar \
        --landmarks ytfaces-landmarks68.npy --people ytfaces-person.npy [--occluders DIR] --out predictions

People whose number is divisible by three are the held-out ones. The frames are cropped by the annotation (how good is
the network?) and end to end from the detector's box in two passes (how good is unveil?), each network in its own
framing. Predictions are written to files first, then all files of the folder are scored, so that a second model's run
prints both.
"""

import argparse
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from unveil.assets.store import packaged
from unveil.cli.networks import open_encoder
from unveil.errors import UnveilError, one_line_errors
from unveil.evaluation.landmarks import LandmarkFile, score, table
from unveil.geometry.camera import to_pixels
from unveil.imaging.crop import Crop
from unveil.imaging.detect import FaceDetector
from unveil.imaging.occlude import Face, Occluder, Occlusion
from unveil.imaging.occluders import ArbitraryPixels, DrawnGlasses, DrawnMask, load_pool
from unveil.morphable import bfm
from unveil.morphable.model import MorphableModel
from unveil.reconstruct.encoder import Encoder, framing_of
from unveil.reconstruct.heads import load_head
from unveil.reconstruct.pipeline import second_crop

TEST_EVERY = 3
MASK_COLOUR = (120, 160, 190)
Image = NDArray[np.uint8]
Framing = Callable[[Image, NDArray[np.float64]], Crop | None]


class BelowTheBridge:
    """Paints over all of the picture below the nose bridge, across its whole width.

    Covers that follow the annotated outline, as the drawn mask does, show the learner where the jaw is; this one does
    not, and by jitter does not show the bridge either.
    """

    kind = "below-the-bridge"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover the image [H, W, 3] from about landmark 28 down."""
        top = round(float(face.landmarks68[28, 1] + rng.uniform(-0.04, 0.04) * face.side))
        mask = np.zeros(image.shape[:2], bool)
        mask[max(top, 0) :] = True
        return Occlusion(np.where(mask[..., None], np.uint8(MASK_COLOUR), image), mask, self.kind)


class Evaluator:
    """A network, its head model and the detector."""

    def __init__(self, learner: Encoder, model: MorphableModel) -> None:
        self.learner = learner
        self.framing = framing_of(learner)
        self.landmark_model = replace(model, layout=learner.layout).landmark_model()
        self.detector = FaceDetector(packaged("blazeface.onnx"))

    def landmarks(self, image: Image, crop: Crop, *, contour: bool = True) -> NDArray[np.float64]:
        """Landmarks [68, 2] in image pixels; with ``contour`` the jaw is the visible outline, else the 3D points."""
        coefficients = self.learner.predict(crop.warp(image)[None])
        vertices = self.landmark_model.vertices(coefficients)
        points = (
            self.landmark_model.contour68(vertices, coefficients)
            if contour
            else self.landmark_model.landmarks68(vertices)
        )
        pixels = to_pixels(self.landmark_model.project(points, coefficients), self.learner.input_size)
        return crop.to_image(pixels[0, :, :2])

    def by_annotation(self, image: Image, truth: NDArray[np.float64]) -> Crop:
        """The crop around the annotated landmarks."""
        return self.framing.of_landmarks(truth, self.learner.input_size)

    def by_detector(self, image: Image, truth: NDArray[np.float64]) -> Crop | None:
        """The second crop of a reconstruction: around the landmarks that the first one, the detector's, gives."""
        faces = self.detector.detect(image)
        if not faces:
            return None
        middle = (truth.min(axis=0) + truth.max(axis=0)) / 2  # other people may be in the frame
        face = min(faces, key=lambda f: float(np.hypot(*((f.box_ltrb[:2] + f.box_ltrb[2:]) / 2 - middle))))
        first = self.framing.of_detection(face, self.learner.input_size)
        return second_crop(self.landmarks(image, first), face.box_ltrb, first, self.framing)


def read_frames(tar_path: Path, wanted: NDArray[np.int64]) -> tuple[list[str], list[Image]]:
    """Names and RGB pixels of the wanted members of a tar, counted in its order."""
    names, images = [], []
    with tarfile.open(tar_path) as tar:
        members = [member for member in tar if member.isfile()]
        for index in wanted:
            stream = tar.extractfile(members[index])
            assert stream is not None
            image = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                raise UnveilError(f"{tar_path}: {members[index].name} is no picture; fetch the archive again")
            names.append(members[index].name)
            images.append(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
    return names, images


def conditions(folder: Path | None) -> dict[str, Occluder | None]:
    """What the faces are covered with, by name."""
    pool = load_pool(folder)
    found: dict[str, Occluder | None] = {
        "clear": None,
        "mouth and nose covered": DrawnMask(colour=MASK_COLOUR),
        "all below the nose bridge": BelowTheBridge(),
        "arbitrary pixels": ArbitraryPixels(),
        "glasses": DrawnGlasses(),
    }
    for occluder in pool.occluders:
        if occluder.kind in ("mask-picture", "hand", "picture"):
            found["mask pictures" if occluder.kind == "mask-picture" else "hands and things"] = occluder
    return found


def predict(
    evaluator: Evaluator, frames: list[Image], framing: Framing, truth: NDArray[np.float64], *, contour: bool = True
) -> NDArray[np.float64]:
    """Landmarks [N, 68, 2] of the frames, NaN where the framing finds no face."""
    result = np.full(truth.shape, np.nan)
    for k, (image, points) in enumerate(zip(frames, truth, strict=True)):
        crop = framing(image, points)
        if crop is not None:
            result[k] = evaluator.landmarks(image, crop, contour=contour)
    return result


def sparse_head(folder: Path) -> MorphableModel:
    """3DDFA_V2's landmarks alone, from the rows of its face model that its authors also publish as text."""
    mean, shape, expression = (np.loadtxt(folder / f"{name}.txt") for name in ("u_base", "w_shp_base", "w_exp_base"))
    arrays = {"u": mean[:, None], "w_shp": shape, "w_exp": expression, "keypoints": np.arange(len(mean))}
    return bfm.from_arrays(arrays, np.zeros((3, 0), np.int64))


def run(options: argparse.Namespace) -> None:
    """Write the prediction files of every condition and framing, then score them."""
    truth, people = np.load(options.landmarks).astype(np.float64), np.load(options.people)
    chosen = np.flatnonzero(people % TEST_EVERY == 0)[:: options.every]
    names, images = read_frames(options.frames, chosen)
    truth_file = LandmarkFile(tuple(names), truth[chosen])
    learner = open_encoder(options.model, options.assets)
    head = load_head(learner.layout, options.assets) if options.sparse is None else sparse_head(options.sparse)
    evaluator = Evaluator(learner, head)
    options.out.mkdir(parents=True, exist_ok=True)
    for kind, occluder in track(conditions(options.occluders).items(), "predicting"):
        frames = images
        if occluder is not None:
            faces = [Face.of(points) for points in truth_file.landmarks2d]
            frames = [
                occluder.apply(image, face, np.random.default_rng(k)).image
                for k, (image, face) in enumerate(zip(images, faces, strict=True))
            ]
        framings: dict[str, Framing] = {"annotated": evaluator.by_annotation, "detected": evaluator.by_detector}
        for name, framing in framings.items():
            points = predict(evaluator, frames, framing, truth_file.landmarks2d)
            LandmarkFile(truth_file.names, points).save(options.out / f"{learner.name}, {kind}, {name}.npz")
        if occluder is None:
            points = predict(evaluator, frames, evaluator.by_annotation, truth_file.landmarks2d, contour=False)
            LandmarkFile(truth_file.names, points).save(options.out / f"{learner.name}, {kind}, annotated, 3D jaw.npz")
    files = sorted(options.out.glob("*.npz"))
    print(f"{len(names)} frames of {len(set(people[chosen].tolist()))} people not trained on")
    print(table({path.stem: score(LandmarkFile.load(path), truth_file) for path in files}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate as the command line says."""
    parser = argparse.ArgumentParser(description="Landmark error of a model on people that no learner of ours saw.")
    parser.add_argument("model", help="openhead, a research model, or the path of an ONNX learner")
    parser.add_argument("--assets", type=Path, help="folder with the files of a research model")
    parser.add_argument("--sparse", type=Path, help="folder of u_base.txt and others instead of 3DDFA_V2's face model")
    parser.add_argument("--frames", type=Path, required=True, help="tar of frames")
    parser.add_argument("--landmarks", type=Path, required=True, help="npy [N, 68, 2] in the order of the tar")
    parser.add_argument("--people", type=Path, required=True, help="npy [N] of the person in each frame")
    parser.add_argument("--occluders", type=Path, help="folder with pictures of occluders")
    parser.add_argument("--out", type=Path, required=True, help="folder for the prediction files")
    parser.add_argument("--every", type=int, default=1, help="take only every so many frames")
    run(parser.parse_args(arguments))


if __name__ == "__main__":
    with one_line_errors():
        main()
