r"""Compare 3DDFA_V2 and a learner on annotated video frames, clear and occluded, and write docs/results.md.

    python -m tools.results --frames ytfaces-landmarks68.tar --landmarks ytfaces-landmarks68.npy \
        --people ytfaces-person.npy --occluders OCCLUDERS --tddfa 3DDFA --limit 150 --work scores -o docs/results.md

People whose number is divisible by three are those that no learner of the package was trained on. It runs the commands
`unveil predict landmarks`, `evaluate landmarks`, `evaluate occlusion` and `evaluate report`, in that order; the folder
``--work`` may hold further scores, such as those of the NoW benchmark, which then come into the page too. What is
predicted already is not predicted again, so begin in an empty folder for a new learner.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from pathlib import Path

import numpy as np

from unveil import cli
from unveil.errors import one_line_errors
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.models.registry import open_encoder
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.tar_file import tar_members

TEST_EVERY = 3
GIVEN = FileKind("file of frames, landmarks or people", "give the one that the docstring names", 2**40)
FACES = {  # and the severities, of which the slow detector gets one
    "annotated": ("faces cut out by their annotation", "20,40,60"),
    "detected": ("faces found by the detector", "40"),
}


def write_annotation(options: argparse.Namespace, path: Path) -> None:
    """The frames of the test people with their landmarks, as an npz."""
    names = [member.name for member in tar_members(options.frames, GIVEN)]
    landmarks, people = read_array(options.landmarks, GIVEN), read_array(options.people, GIVEN)
    chosen = np.flatnonzero(people % TEST_EVERY == 0)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(options.limit, len(chosen))).astype(int)]
    LandmarkFile(tuple(names[k] for k in chosen), landmarks[chosen].astype(np.float64)).save(path)
    print(f"{len(chosen)} frames of {len(set(people[chosen].tolist()))} people")


def main() -> None:
    """Run what the module says."""
    parser = argparse.ArgumentParser(description="Write docs/results.md from predictions on annotated video frames.")
    parser.add_argument("--frames", type=Path, required=True, help="tar of frames")
    parser.add_argument("--landmarks", type=Path, required=True, help="npy [N, 68, 2] in the order of the tar")
    parser.add_argument("--people", type=Path, required=True, help="npy [N] of the person in each frame")
    parser.add_argument("--occluders", type=Path, help="folder with pictures of occluders")
    parser.add_argument("--model", default="openhead", help="the learner: openhead or the path of an ONNX file")
    parser.add_argument("--tddfa", type=Path, help="folder of 3DDFA_V2's network, statistics and landmark rows")
    parser.add_argument("--limit", type=int, default=150, help="frames, spread over the people")
    parser.add_argument("--work", type=Path, required=True, help="folder for predictions and scores")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the page")
    options = parser.parse_args()
    annotation, scores = options.work / "annotation.npz", options.work / "scores"
    write_annotation(options, annotation)
    occluders = ["--occluders", options.occluders] if options.occluders else []
    models = {"openhead": ["--model", options.model]}
    if options.tddfa:
        name = open_encoder("3ddfa", options.tddfa).name  # of the better network that is there
        models[name] = ["--model", name, "--assets", options.tddfa, "--sparse-basis", options.tddfa]
    for faces, (about, severities) in FACES.items():
        folders = {name: options.work / faces / name for name in models}
        for name, model in models.items():
            pictures = [options.frames, "--annotation", annotation, "--faces", faces, "--severities", severities]
            call("predict", "landmarks", *pictures, *model, *occluders, "-o", folders[name])
        for kind in ("landmarks", "occlusion"):
            title = f"{kind.capitalize()}: {options.limit} video frames, {about}"
            call("evaluate", kind, *folders.values(), "-o", scores / faces, "--title", title, quiet=True)
    call("evaluate", "report", scores, "-o", options.out)


def call(*arguments: str | Path, quiet: bool = False) -> None:
    """Run a command of `unveil` and stop where it fails; ``quiet`` leaves out what it prints."""
    with contextlib.redirect_stdout(io.StringIO() if quiet else sys.stdout):
        status = cli.main([str(argument) for argument in arguments])
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    with one_line_errors():
        main()
