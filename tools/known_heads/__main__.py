"""The commands; see the package's docstring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tools.known_heads.calibrating import calibrate
from tools.known_heads.expressions import expressions
from tools.known_heads.form import score
from tools.known_heads.found import found
from tools.known_heads.frames import frames
from tools.known_heads.making import Making, make
from tools.known_heads.occlusion import occlusion
from tools.known_heads.page import page
from tools.known_heads.people import people
from tools.known_heads.turned import turned
from tools.known_heads.uncertainty import uncertainty
from unveil.errors import one_line_errors
from unveil.occluders.pool import measuring_pool
from unveil.training.crops.prepared import SPLITS
from unveil.training.data import TrainingData

KNOWN = {
    "score": "form of heads",
    "frames": "five photographs joined",
    "uncertainty": "stated against true errors",
    "calibrate": "calibrate the uncertainty of vertices, and write it into the learner",
}
PREPARED = {
    "make": "re-render people with heads of ICT-FaceKit",
    "people": "tell real people apart",
    "expressions": "units that are strong, and faces at rest",
    "turned": "pose of heads turned to any pose",
    "found": "faces lost or misplaced, and heads without a face",
    "occlusion": "the occlusion map, by kind of occluder",
    "page": "photographs and grey heads side by side, to look at",
}
COUNTED = {"expressions": 150, "turned": 800, "found": 125, "occlusion": 200}  # photographs


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m tools.known_heads", description="Measure what learners know.")
    commands = whole.add_subparsers(required=True, dest="command")
    each = {name: commands.add_parser(name, help=about) for name, about in (KNOWN | PREPARED).items()}
    for name in KNOWN:
        each[name].add_argument("heads", type=Path, help="what make wrote")
    for name in PREPARED:
        each[name].add_argument("prepared", type=Path)
        each[name].add_argument("codes", type=Path)
    for name in (KNOWN | PREPARED).keys() - {"make", "page", "calibrate"}:
        each[name].add_argument("learners", nargs="*", default=["openhead"], help="ONNX files or openhead")
    for name, count in COUNTED.items():
        each[name].add_argument("--count", type=int, default=count, help="photographs")
        each[name].add_argument("--seed", type=int, default=7)
    for name in ("make", "page"):
        each[name].add_argument("-o", "--out", type=Path, required=True)
    for name in ("make", "found", "occlusion"):
        each[name].add_argument("--occluders", type=Path, help="folder with pictures; without it they are drawn")
    each["make"].add_argument("--ict", type=Path, required=True, help="npz of ICT-FaceKit Light")
    each["make"].add_argument("--split", choices=SPLITS, default="test")
    each["make"].add_argument("--heads", type=int, help="default: one for each person")
    each["make"].add_argument("--seed", type=int, default=1031)
    each["frames"].add_argument("--validation", type=Path, required=True, help="heads of other people, by make")
    each["turned"].add_argument("--detected", action="store_true", help="the whole way, from the detector on")
    each["calibrate"].add_argument("learner", type=Path, help="ONNX file, which is changed")
    each["page"].add_argument("learner")
    each["page"].add_argument("--frames", type=int, default=1, help="of each person, whose heads are averaged")
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    o = parser().parse_args(arguments)
    if o.command in KNOWN:
        match o.command:
            case "frames":
                frames(o.heads, o.validation, o.learners)
            case "calibrate":
                calibrate(o.heads, o.learner)
            case _:
                {"score": score, "uncertainty": uncertainty}[o.command](o.heads, o.learners)
        return
    data = TrainingData.load(o.prepared, o.codes)
    match o.command:
        case "make":
            making = Making(SPLITS.index(o.split), o.heads, o.seed)
            make(data, o.ict, measuring_pool(o.occluders), o.out, making)
        case "people":
            people(data, o.learners)
        case "expressions":
            expressions(data, o.learners, count=o.count, seed=o.seed)
        case "turned":
            turned(data, o.learners, count=o.count, seed=o.seed, detected=o.detected)
        case "found":
            found(data, o.learners, o.occluders, count=o.count, seed=o.seed)
        case "occlusion":
            occlusion(data, o.learners, o.occluders, count=o.count, seed=o.seed)
        case "page":
            page(data, o.learner, o.out, frames=o.frames)


if __name__ == "__main__":
    with one_line_errors():
        main()
