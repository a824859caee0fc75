"""`unveil predict landmarks`, and the commands of `unveil evaluate` for its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import (
    AssetsOption,
    FolderOut,
    ForceOption,
    JsonOption,
    ModelOption,
    OccluderSeedOption,
    OccludersOption,
    SeveritiesOption,
    file_in,
    percentages,
    words,
)
from unveil.cli.printing import NO_PLOT, complain, count, say, say_json, with_progress
from unveil.errors import UnveilError, about, exit_status

if TYPE_CHECKING:
    from unveil.evaluation.landmarks.landmark_file import LandmarkFile

AnnotationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Annotated landmarks as npz or npy; the .mat or .pts beside each picture if left out."
    ),
]
PredictionsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PREDICTIONS", help="Folders that `unveil predict landmarks` wrote, or npz files."),
]
TruthOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="An npz of landmarks, or the folder of a data set; truth.npz beside the predictions if left out.",
    ),
]
TitleOption = Annotated[
    str, typer.Option(metavar="TEXT", help="Heading of the report, such as the name of the data set.")
]


def predict_landmarks(
    pictures: Annotated[Path, typer.Argument(metavar="PICTURES", help="Folder or tar of annotated photographs.")],
    out: FolderOut,
    *,
    annotation: AnnotationOption = None,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    sparse_basis: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder with 3DDFA_V2's landmark rows as text files, used instead of its face model."
        ),
    ] = None,
    occluders: OccludersOption = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Kinds of occluders, such as mask,glasses, or none; all but hats if left out."
        ),
    ] = None,
    severities: SeveritiesOption = "20,40,60",
    faces: Annotated[
        str, typer.Option(metavar="HOW", help="annotated: cut faces out by their annotation; detected: find them.")
    ] = "annotated",
    jaw: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="Where the jaw's landmarks lie: outline or surface; as in the data set if left out."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most this many pictures, spread evenly over all of them.")
    ] = None,
    seed: OccluderSeedOption = 0,
) -> None:
    """Write a model's landmarks and heads for annotated photographs, clear and occluded."""
    from unveil.evaluation import occluded_faces
    from unveil.evaluation.landmarks import predict as predicting
    from unveil.evaluation.landmarks.annotated import open_annotated
    from unveil.evaluation.landmarks.annotated_set import JAWS
    from unveil.models.registry import family_of, open_encoder
    from unveil.storage.files import printable

    _known("faces", faces, predicting.FACES)
    _known("jaw", jaw or JAWS[0], JAWS)
    names = None if kinds is None else [name for name in words(kinds) if name != "none"]
    shares = [percent / 100 for percent in percentages(severities, "--severities")]
    conditions = occluded_faces.conditions(occluders, names, shares)
    chosen = open_annotated(pictures, annotation, note=complain).limited(limit)
    settings = predicting.PredictionSettings(faces, jaw or chosen.jaw, seed)
    encoder = open_encoder(model, assets)
    family = family_of(encoder.layout)
    head = family.load_head(assets) if sparse_basis is None else family.load_landmarks(sparse_basis)
    predictor = predicting.LandmarkPredictor(encoder, head, settings)
    failed: dict[str, Exception] = {}
    running = predicting.predict_landmarks(chosen, predictor, conditions, out, failed)
    for _ in with_progress(running, len(chosen.names) * len(conditions), doing="predicting"):
        pass
    for name, error in failed.items():
        complain(about(name, error), error)
    unusable = f"; {len(failed)} failed" if failed else ""
    say(f"{printable(out)}: {count(len(chosen.names), 'picture')}, {count(len(conditions), 'condition')}{unusable}")
    if failed:
        raise typer.Exit(exit_status(failed.values()))


def evaluate_landmarks(
    predictions: PredictionsArgument,
    out: FolderOut,
    *,
    truth: TruthOption = None,
    annotation: AnnotationOption = None,
    title: TitleOption = "Landmarks",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score landmarks: normalised mean errors, failures, curves."""
    from unveil.evaluation.landmarks import report as landmark_report
    from unveil.evaluation.landmarks import scores as landmarks
    from unveil.storage.files import printable
    from unveil.storage.outputs import results_in

    found = landmark_report.entries(predictions, _read_truth(truth, annotation))
    scores = landmark_report.score_all(found)
    with results_in(out, "evaluate landmarks", inputs=predictions, force=force) as outputs, outputs.part() as part:
        paths = [out / path.name for path in landmark_report.write_landmarks(part, printable(title), found, scores)]
    for doubt in landmarks.doubts(scores):
        complain(doubt)
    if as_json:
        say_json(landmarks.as_json(scores))
        return
    say(*landmarks.table(scores).splitlines())
    say(", ".join(printable(path) for path in paths))
    if paths[-1].suffix != ".png":
        complain(NO_PLOT)


def evaluate_occlusion(
    predictions: PredictionsArgument,
    out: FolderOut,
    *,
    truth: TruthOption = None,
    annotation: AnnotationOption = None,
    title: TitleOption = "Occlusion",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare predictions of occluded faces with those of the same faces clear."""
    from unveil.evaluation.landmarks import occlusion
    from unveil.evaluation.landmarks import report as landmark_report
    from unveil.storage.files import printable, resolved
    from unveil.storage.outputs import results_in

    given = _read_truth(truth, annotation)
    methods = {
        resolved(folder).name: occlusion.compare(
            occlusion.load_folder(folder), given or landmark_report.truth_of(folder)
        )
        for folder in predictions
    }
    if len(methods) < len(predictions):
        raise UnveilError(
            "two folders of predictions have the same name; rename one, so that methods can be told apart"
        )
    with results_in(out, "evaluate occlusion", inputs=predictions, force=force) as outputs, outputs.part() as part:
        paths = [out / path.name for path in landmark_report.write_occlusion(part, printable(title), methods)]
    if as_json:
        say_json({name: [row.to_json() for row in rows] for name, rows in methods.items()})
        return
    for name, rows in methods.items():
        say(f"{name}: occluded / clear = {rows[0].ratio:.2f}", *occlusion.table(rows).splitlines())
    say("Reported by others, with occluders of theirs:", *occlusion.published_table().splitlines())
    say(", ".join(printable(path) for path in paths))


def report(
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="Folder with what `unveil evaluate` wrote.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FOLDER|FILE.md", help="Folder to write report.md to, or the file itself."),
    ],
    *,
    force: ForceOption = False,
) -> None:
    """Collect all scores in a folder on one page."""
    from unveil.evaluation.report import write_page
    from unveil.storage.files import printable
    from unveil.storage.outputs import result_file

    page = file_in(out, "report.md")
    with result_file(page, "evaluate report", force=force) as path:
        number = write_page(scores, path)
    say(f"{printable(page)}: {count(number, 'table')}")


def _known(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UnveilError(f"unknown --{option} {value!r}: choose {' or '.join(choices)}")


def _read_truth(truth: Path | None, annotation: Path | None) -> LandmarkFile | None:
    from unveil.evaluation.landmarks.annotated import open_annotated
    from unveil.evaluation.landmarks.landmark_file import LandmarkFile
    from unveil.storage.files import printable

    if truth is None:
        if annotation is None:
            return None
        if annotation.suffix.lower() == ".npy":
            raise UnveilError(f"{printable(annotation)} does not name its pictures: give these, too, with --truth")
        return LandmarkFile.load(annotation)
    return LandmarkFile.load(truth) if truth.suffix.lower() == ".npz" else open_annotated(truth, annotation).truth
