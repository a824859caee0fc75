"""`unveil predict now` and `unveil evaluate now`: the NoW benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import (
    AssetsOption,
    FolderOut,
    ForceOption,
    JsonOption,
    ModelOption,
    OccludersOption,
    percentages,
)
from unveil.cli.printing import NO_PLOT, complain, count, say, say_json, with_progress
from unveil.errors import MOST_LETTERS, UnveilError
from unveil.storage.files import resolved

if TYPE_CHECKING:
    from unveil.evaluation.now.predict import Predicted
    from unveil.evaluation.now.run import Scored

DatasetOption = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the NoW dataset.")]
ListOption = Annotated[
    Path | None, typer.Option("--images", metavar="FILE", help="List of images; NoW's validation list if left out.")
]


def evaluate_now(
    dataset: DatasetOption,
    predictions: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Folder of SUBJECT/CHALLENGE/IMAGE.obj or .ply, with landmarks as .npy or .txt."
        ),
    ],
    out: FolderOut,
    *,
    method: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name of the method; the folder's name if left out.")
    ] = None,
    images: ListOption = None,
    metrical: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Do not scale the predictions, whose unit is mm, cm or m.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images scored at once; one per core if left out.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score predicted meshes against the scans of the NoW benchmark."""
    from unveil.evaluation.now import report as now_report
    from unveil.evaluation.now import run as now_run
    from unveil.evaluation.now.files import NowDataset
    from unveil.evaluation.now.protocol import MILLIMETRES
    from unveil.evaluation.now.sense import check_landmarks
    from unveil.storage.files import printable
    from unveil.storage.names import printable_part, shortened
    from unveil.storage.outputs import alone_in, results_in

    if metrical not in {None, *MILLIMETRES}:
        raise UnveilError(f"unknown unit {metrical!r}: choose from {', '.join(MILLIMETRES)}")
    if method and ("/" in method or len(method) > MOST_LETTERS):
        raise UnveilError(
            f"--method {method[:MOST_LETTERS]!r} is to be part of a file's name: give a shorter one, without /"
        )
    if not predictions.is_dir():
        raise UnveilError(f"{printable(predictions)} is no folder; give the folder that has the predictions")
    opened = NowDataset.open(dataset, images)
    to_check = check_landmarks(opened, predictions)
    name = shortened(printable_part(method or resolved(predictions).name)) + ("_metrical" if metrical else "")
    with results_in(out, "evaluate now", force=force) as outputs:
        outputs.require_free(now_report.file_names(name))
        with alone_in(out / now_run.DISTANCES, "evaluate now"):
            running = now_run.score_all(opened, predictions, out, metrical=metrical, processes=processes)
            scored = list(with_progress(running, len(opened.images), doing="scoring", quiet=as_json))
        _require_scores(scored, predictions)
        summary = now_report.summarise(scored)
        with outputs.part() as part:
            paths = [out / path.name for path in now_report.write_report(part, name, scored, now_report.LEADERBOARD)]
    if to_check:
        complain(to_check)
    if as_json:
        say_json(summary)
        return
    for challenge, row in summary.items():
        if row["images"] or row["missing"]:
            numbers = " ".join(f"{key} {row[key]:.3f}" for key in ("median", "mean", "std") if row["images"])
            say(f"{challenge}: {numbers} mm; {count(row['images'], 'image')}, {row['missing']} missing")
    say(", ".join(printable(path) for path in paths))
    if len(paths) < len(now_report.file_names(name)):
        complain(NO_PLOT)


def _require_scores(scored: Sequence[Scored], predictions: Path) -> None:
    """Complain of each image without a score; UnveilError where a prediction cannot be used, or there is none."""
    from unveil.storage.files import printable

    if all(one.missing for one in scored):
        raise UnveilError(
            f"{printable(predictions)} has no prediction of any of the {count(len(scored), 'image')}; "
            "give the folder that has <subject>/<challenge>/<image>.obj or .ply with .npy or .txt"
        )
    for one in scored:
        if one.distances is None:
            complain(one.error or f"missing: {one.image}")
    if any(one.error for one in scored):
        raise UnveilError(
            f"{count(sum(bool(one.error) for one in scored), 'prediction')} cannot be used, so there is no score; mend "
            "or remove what is named above and run again"
        )


def predict_now(
    dataset: DatasetOption,
    out: FolderOut,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    images: ListOption = None,
    own_detector: Annotated[
        bool, typer.Option("--own-detector", help="Detect the faces instead of using NoW's boxes.")
    ] = False,
    occluded: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Percentages of each face to hide first, such as 15,30; each gets its own folder."
        ),
    ] = None,
    occluders: OccludersOption = None,
    keep_photographs: Annotated[
        bool, typer.Option("--keep-photographs", help="With --occluded: keep the occluded photographs as well.")
    ] = False,
) -> None:
    """Write the neutral head for every photograph of the NoW benchmark."""
    from unveil.evaluation.now import predict as predicting
    from unveil.reconstruct.pipeline import Reconstructor

    percents = [] if occluded is None else percentages(occluded, "--occluded")
    photos = predicting.NowPhotos.open(dataset, with_boxes=not own_detector, image_list=images)
    reconstructor = Reconstructor(model, assets=assets)
    failed = 0
    if not percents:
        failed = _predict_all(predicting.predict_now(photos, reconstructor, out), len(photos.images), out)
    else:
        from unveil.evaluation.now.face_hider import FaceHider
        from unveil.occluders.pool import measuring_pool

        hider = FaceHider(measuring_pool(occluders))
        for percent in percents:
            folder = out / f"occluded-{percent:g}"
            change = predicting.hiding(hider, percent / 100, folder / "photographs" if keep_photographs else None)
            label = f"{percent:g} % hidden, occluders {occluders and resolved(occluders)}, kept {keep_photographs}"
            running = predicting.predict_now(photos, reconstructor, folder, change=change, label=label)
            failed += _predict_all(running, len(photos.images), folder)
    if failed:
        raise typer.Exit(2)


def _predict_all(running: Iterator[Predicted], total: int, out: Path) -> int:
    """Print what becomes of every photograph and give back how many failed."""
    from unveil.storage.files import printable

    counts = {"done": 0, "skipped": 0, "failed": 0}
    for one in with_progress(running, total, doing="predicting"):
        counts[one.status] += 1
        if one.status == "failed":
            complain(one.error)
    say(
        f"{printable(out)}: {count(counts['done'], 'prediction')}, {counts['skipped']} from before, "
        f"{counts['failed']} failed"
    )
    return counts["failed"]
