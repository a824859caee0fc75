"""`unveil predict-landmarks`, what `unveil evaluate` says of its files, and `unveil compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import AssetsOption, JsonOption, ModelOption, OutOption, words
from unveil.cli.output import complain, count, with_progress
from unveil.errors import UnveilError

if TYPE_CHECKING:
    from unveil.evaluation.landmarks.landmark_file import LandmarkFile
    from unveil.output.compare import Method

AnnotationOption = Annotated[
    Path | None,
    typer.Option(help="Landmarks of the pictures as npz or npy; if left out, the .mat or .pts beside each picture."),
]
PredictionsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PREDICTIONS", help="Folders that `unveil predict-landmarks` wrote, or npz files."),
]
TruthOption = Annotated[
    Path | None,
    typer.Option(help="npz of landmarks, or folder of a data set; truth.npz beside the predictions if left out."),
]
TitleOption = Annotated[str, typer.Option(help="What the pictures are; a heading of the report.")]


def predict_landmarks(
    pictures: Annotated[Path, typer.Argument(metavar="PICTURES", help="Folder or tar of annotated photographs.")],
    out: OutOption,
    *,
    annotation: AnnotationOption = None,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    sparse_basis: Annotated[
        Path | None,
        typer.Option(help="Folder of 3DDFA_V2's landmark rows as text, to do without its face model."),
    ] = None,
    occluders: Annotated[Path | None, typer.Option(help="Folder of pictures to cover faces with besides ours.")] = None,
    kinds: Annotated[
        str | None, typer.Option(help="Occluders to cover faces with, such as mask,glasses; all if left out, or none.")
    ] = None,
    severities: Annotated[str, typer.Option(help="Percents of the face that are to be hidden.")] = "20,40,60",
    faces: Annotated[
        str, typer.Option(help="annotated: faces are cut out by the annotation; detected: they are found.")
    ] = "annotated",
    jaw: Annotated[
        str | None, typer.Option(help="outline or surface: what the jaw line's landmarks are; by the data set.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many of the pictures, spread over them.")] = None,
    seed: Annotated[int, typer.Option(help="Of the occluders.")] = 0,
) -> None:
    """Write a model's landmarks and heads for annotated photographs, clear and covered, to be scored."""
    from unveil.evaluation import covered_faces as covered
    from unveil.evaluation.landmarks import predict as predicting
    from unveil.evaluation.landmarks.annotated import open_annotated
    from unveil.evaluation.landmarks.annotated_set import JAWS
    from unveil.models.registry import load_head, open_encoder
    from unveil.models.tddfa import head as bfm
    from unveil.storage.files import printable

    _known("faces", faces, predicting.FACES)
    _known("jaw", jaw or JAWS[0], JAWS)
    names = None if kinds is None else [name for name in words(kinds) if name != "none"]
    conditions = covered.conditions(occluders, names, _percents(severities))
    chosen = open_annotated(pictures, annotation).limited(limit)
    settings = predicting.PredictionSettings(faces, jaw or chosen.jaw, seed)
    encoder = open_encoder(model, assets)
    head = load_head(encoder.layout, assets) if sparse_basis is None else bfm.load_landmarks(sparse_basis)
    predictor = predicting.LandmarkPredictor(encoder, head, settings)
    running = predicting.predict_landmarks(chosen, predictor, conditions, out)
    for _ in with_progress(running, len(chosen.names) * len(conditions), doing="predicting"):
        pass
    typer.echo(f"{printable(out)}: {count(len(chosen.names), 'picture')}, {count(len(conditions), 'condition')}")


def evaluate_landmarks(
    predictions: PredictionsArgument,
    out: OutOption,
    *,
    truth: TruthOption = None,
    annotation: AnnotationOption = None,
    title: TitleOption = "Landmarks",
    as_json: JsonOption = False,
) -> None:
    """Score landmarks: NME by the face's box and by the eyes, visible and hidden points, failures, AUC, curves."""
    from unveil.evaluation.landmarks import report as landmark_report
    from unveil.evaluation.landmarks import scores as landmarks
    from unveil.storage.files import printable

    found = landmark_report.entries(predictions, _read_truth(truth, annotation))
    scores = landmark_report.score_all(found)
    paths = landmark_report.write_landmarks(out, title, found, scores)
    if as_json:
        typer.echo(json.dumps(landmarks.as_json(scores), indent=1))
        return
    typer.echo(landmarks.table(scores))
    typer.echo(", ".join(printable(path) for path in paths))
    if paths[-1].suffix != ".png":
        complain("no plot, because matplotlib is not installed; install unveil[plot] for it")


def evaluate_occlusion(
    predictions: PredictionsArgument,
    out: OutOption,
    *,
    truth: TruthOption = None,
    annotation: AnnotationOption = None,
    title: TitleOption = "Occlusion",
    as_json: JsonOption = False,
) -> None:
    """Compare predictions for covered faces with those for the same faces clear, per occluder and severity."""
    from unveil.evaluation.landmarks import occlusion
    from unveil.evaluation.landmarks import report as landmark_report
    from unveil.storage.files import printable

    given = _read_truth(truth, annotation)
    methods = {
        folder.resolve().name: occlusion.compare(
            occlusion.load_folder(folder), given or landmark_report.truth_of(folder)
        )
        for folder in predictions
    }
    if len(methods) < len(predictions):
        raise UnveilError(
            "two folders of predictions have the same name; rename one, so that methods can be told apart"
        )
    paths = landmark_report.write_occlusion(out, title, methods)
    if as_json:
        typer.echo(json.dumps({name: [row.to_json() for row in rows] for name, rows in methods.items()}, indent=1))
        return
    for name, rows in methods.items():
        typer.echo(f"{name}: covered / clear = {rows[0].ratio:.2f}\n{occlusion.table(rows)}")
    typer.echo(f"Reported by others, with occluders of theirs:\n{occlusion.published_table()}")
    typer.echo(", ".join(printable(path) for path in paths))


def report(
    scores: Annotated[Path, typer.Argument(metavar="SCORES", help="Folder that has what `unveil evaluate` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The Markdown file to write.")],
) -> None:
    """Put all scores below a folder into one page."""
    from unveil.evaluation.report import write_page
    from unveil.storage.files import printable

    typer.echo(f"{printable(out)}: {count(write_page(scores, out), 'table')}")


def _known(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UnveilError(f"unknown --{option} {value!r}: choose {' or '.join(choices)}")


def _percents(text: str) -> list[float]:
    try:
        return [float(part) / 100 for part in text.split(",")]
    except ValueError as error:
        raise UnveilError(f"--severities {text!r} are no percents such as 20,40,60") from error


def _read_truth(truth: Path | None, annotation: Path | None) -> LandmarkFile | None:
    from unveil.evaluation.landmarks.annotated import open_annotated
    from unveil.evaluation.landmarks.landmark_file import LandmarkFile

    if truth is None:
        return LandmarkFile.load(annotation) if annotation is not None else None
    return LandmarkFile.load(truth) if truth.suffix == ".npz" else open_annotated(truth, annotation).truth


def compare(
    photographs: Annotated[
        list[Path], typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photographs and folders of them.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write, .png or .jpg.")],
    *,
    models: Annotated[
        str, typer.Option(help="Models side by side, separated by commas, as for --model of `reconstruct`.")
    ] = "openhead,deca,3ddfa,mgcnet",
    assets: AssetsOption = None,
) -> None:
    """Draw photographs and what each of several models makes of them into one picture."""
    from unveil.output import compare as comparing
    from unveil.photos.io import WRITE_OPTIONS, find_images, write_image
    from unveil.storage.files import printable

    if out.suffix.lower() not in WRITE_OPTIONS:
        raise UnveilError(
            f"cannot write {printable(out)} as a picture; end the name in one of {', '.join(WRITE_OPTIONS)}"
        )
    photos = [path for given in photographs for path in find_images(given)]
    methods = [_method(name, assets) for name in words(models)]
    if not any(method.reconstructor for method in methods):
        raise UnveilError(f"no model can be shown: {methods[0].missing if methods else 'name some with --models'}")
    shown = comparing.compare(photos, methods)
    write_image(out, shown.picture)
    for note in shown.notes:
        complain(note)
    typer.echo(f"{printable(out)}: {count(len(photos), 'photograph')}, {count(len(methods), 'model')}")


def _method(name: str, assets: Path | None) -> Method:
    """A model to be shown; one whose files are missing is shown as that."""
    from unveil.models.registry import NETWORKS
    from unveil.output.compare import Method
    from unveil.reconstruct.pipeline import Reconstructor

    try:
        return Method(name, Reconstructor(name, assets=assets))
    except UnveilError as error:
        if name not in NETWORKS:  # a misspelt name is a mistake
            raise
        return Method(name, None, str(error))
