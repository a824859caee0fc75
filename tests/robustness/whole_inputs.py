"""A small whole input for every command, and a call with which each command would finish."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import rerendered
import training_folder
from constant_learner import fitting_coefficients, write_learner
from made_up_clips import moved, write_clip
from made_up_flame import write_data_folder
from PIL import Image

import unveil
from tools.make_now_like import write_dataset
from unveil.assets.store import packaged
from unveil.evaluation.landmarks.landmark_file import LandmarkFile

LEARNER = "--model learner.onnx"
# Over after a step, and after an epoch of few where the limit of steps is what is spoilt.
TINY = "--depth 18 --input-size 32 --batch-size 4 --max-steps 1 --epochs 1 --precision 32-true"

# The call of each command, in a folder with what `write` has written. What is in it by name is spoilt in turn.
CALLS = {
    "reconstruct": f"photo.png clip.mp4 -o out --formats npz {LEARNER}",
    "transfer": f"photo.png photo.jpg -o out --formats npz {LEARNER}",
    "animate": f"photo.png -o out --follow photos {LEARNER}",
    "view": "head.glb -o out.html",
    "serve": "--host 0.0.0.0 --model missing.onnx",  # which it cannot, or it would never end
    "compare": "photo.png -o out.png --models learner.onnx",
    "fit": "landmarks.pts -o out.npz --photo photo.png",
    "demo": "-o out",
    "prepare": "photos -o out --people people.txt --processes 1",
    "encode": f"crops -o out.npz {LEARNER}",
    "decode": "codes.npz -o out.npz",
    "occlude": f"photo.png -o out.png --occluders cutouts --kinds piece --severities 40 {LEARNER}",
    "rerender": "prepared codes_of_prepared.npz -o out --count 1 --size 32",
    "segment": "prepared codes_of_prepared.npz -o out",
    "train": f"made_up made_up_codes.npz -o out --config config.json {TINY}",
    "validate": "learner.onnx prepared codes_of_prepared.npz --kinds pixels --limit 1",
    "export": "run out.onnx --licence free --data-statement none",
    "predict now": f"--dataset now -o out --images now.txt {LEARNER}",
    "predict landmarks": f"photos -o out --annotation annotation.npz --kinds none {LEARNER}",
    "evaluate now": "--dataset scans --predictions heads -o out --processes 1",
    "evaluate landmarks": "predictions -o out --truth annotation.npz",
    "evaluate occlusion": "predictions -o out --truth annotation.npz",
    "evaluate report": "scores -o out",
    "assets list": "deca --assets deca",
    "assets check": "deca --assets deca",
    "assets get": "deca --assets deca",
    "assets convert": "deca --assets deca",
    "doctor": "--json",
}


def write(folder: Path) -> None:
    """Write all that the calls name."""
    (folder / "photos").mkdir(parents=True)
    with Image.open(packaged("demo.jpg")) as picture:
        small = picture.resize((240, 240 * picture.height // picture.width))
    for name in ("photo.png", "photo.jpg", "photos/a.png", "photos/b.jpg"):
        small.save(folder / name)
    write_clip(folder / "clip.mp4", (moved(k) for k in range(3)))
    (folder / "people.txt").write_text("a.png 1\nb.jpg 2\n")
    _write_learner_and_crops(folder, small)
    _write_landmarks(folder)
    _write_trained(folder)
    _write_now(folder)
    write_data_folder(folder / "deca", checkpoint=False)


def _write_learner_and_crops(folder: Path, picture: Image.Image) -> None:
    model = unveil.load_openhead()
    write_learner(folder / "learner.onnx", model.layout, fitting_coefficients(model))
    unveil.write_glb(folder / "head.glb", model, model.zero())
    for name in ("crops", "cutouts"):
        (folder / name).mkdir()
    for k in range(2):
        picture.resize((64, 64)).rotate(k).save(folder / "crops" / f"{k}.png")
    cutout = np.full((40, 60, 4), 200, np.uint8)
    cutout[:10, :, 3] = 0
    Image.fromarray(cutout).save(folder / "cutouts" / "hand.png")


def _write_landmarks(folder: Path) -> None:
    model = rerendered.model()
    points = np.asarray(model.landmarks68(model.head.template))[:, :2] * [800, -800] + 120
    lines = "\n".join(f"{x:.2f} {y:.2f}" for x, y in points)
    (folder / "landmarks.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    truth = LandmarkFile(("a.png", "b.jpg"), np.stack([points, points]))
    truth.save(folder / "annotation.npz")
    for name in ("clear", "mask-40"):
        hidden = np.full((2, 68), name != "clear")
        predicted = LandmarkFile(truth.names, truth.landmarks2d + 1, hidden, np.array([0.4, 0.4]))
        predicted.save(folder / "predictions" / f"{name}.npz")
    (folder / "scores").mkdir()
    (folder / "scores" / "occlusion.json").write_text('{"kind": "occlusion", "title": "Occlusion", "methods": {}}')


def _write_trained(folder: Path) -> None:
    rerendered.write(folder / "prepared")
    training_folder.write(folder / "made_up")
    shutil.move(folder / "prepared" / rerendered.CODES, folder / "codes_of_prepared.npz")
    shutil.move(folder / "made_up" / training_folder.CODES, folder / "made_up_codes.npz")
    shutil.copy(folder / "codes_of_prepared.npz", folder / "codes.npz")
    (folder / "config.json").write_text('{"seed": 3}')


def _write_now(folder: Path) -> None:
    write_dataset(folder / "like_now", subjects=1, detail=1, points=2)
    shutil.move(folder / "like_now" / "dataset", folder / "scans")
    shutil.move(folder / "like_now" / "predictions", folder / "heads")
    pictures = folder / "now" / "iphone_pictures" / "a" / "selfie"
    boxes = folder / "now" / "detected_face" / "a" / "selfie"
    for place in (pictures, boxes):
        place.mkdir(parents=True)
    shutil.copy(folder / "photo.jpg", pictures / "IMG_1.jpg")
    np.save(boxes / "IMG_1.npy", np.array({"left": 70, "top": 60, "right": 170, "bottom": 180}), allow_pickle=True)
    (folder / "now.txt").write_text("a/selfie/IMG_1.jpg\n")
