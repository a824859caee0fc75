"""`unveil reconstruct`, `transfer`, `animate` and `demo`: photographs to heads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unveil.cli.options import AssetsOption, FormatsOption, JsonOption, ModelOption, OutOption
from unveil.cli.output import complain, count, with_progress
from unveil.errors import UnveilError
from unveil.faces.formats import ALL_FORMATS
from unveil.storage.names import printable_stem

if TYPE_CHECKING:
    from unveil.output.batch import Outcome


def reconstruct(
    inputs: Annotated[list[Path], typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photographs and folders of them.")],
    out: OutOption,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    formats: FormatsOption = None,
    max_faces: Annotated[int | None, typer.Option(min=1, help="Only so many of the largest faces.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write anew what an earlier run has written.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct every face of photographs and write an animatable textured head for each."""
    wanted = _parse_formats(formats)
    from unveil.output import batch, photo_files
    from unveil.reconstruct.pipeline import Reconstructor

    photos, outcomes = batch.find_photos(inputs, out)
    if photos:
        photo_files.prepare_folder(out)
        reconstructor = Reconstructor(model, assets=assets)
        options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), max_faces)
        targets = batch.name_targets(photos, out)
        running = batch.reconstruct_photos(targets, reconstructor, options, force=force)
    else:
        running = iter(())
    everything = _chain(outcomes, running)
    finished = _report(
        with_progress(everything, len(outcomes) + len(photos), doing="reconstructing", quiet=as_json), quiet=as_json
    )
    _summarise(finished, out, as_json=as_json)
    if any(outcome.status == "failed" for outcome in finished):
        raise typer.Exit(2)


def transfer(
    face: Annotated[Path, typer.Argument(metavar="FACE", help="Photograph of the person.")],
    expression: Annotated[Path, typer.Argument(metavar="EXPRESSION", help="Photograph of the expression.")],
    out: OutOption,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    formats: FormatsOption = None,
) -> None:
    """Write the head of one photograph with the expression of another (the largest face of each)."""
    wanted = _parse_formats(formats)
    from unveil.output import animate as animation
    from unveil.output import batch, photo_files
    from unveil.reconstruct.pipeline import Reconstructor

    photo_files.prepare_folder(out)
    reconstructor = Reconstructor(model, assets=assets)
    options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), max_faces=1)
    source = animation.see(reconstructor, expression)
    moved = animation.with_expression(reconstructor, animation.see(reconstructor, face), source.face)
    target = photo_files.Target(face, out, f"{printable_stem(face)}_as_{printable_stem(expression)}")
    if target.belongs_to_another():
        raise UnveilError(f"{out} holds other files named {target.name}: choose another folder with -o")
    record = photo_files.write_photo(target, moved.image, [moved.face], reconstructor.morphable, options)
    typer.echo(f"{target.record_path}: {count(len(record['faces'][0]['files']), 'file')}")


def animate(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="Photograph of the person.")],
    out: OutOption,
    *,
    follow: Annotated[
        list[Path] | None, typer.Option(help="Photograph or folder of video frames to do as; may be given again.")
    ] = None,
    head_pose: Annotated[bool, typer.Option("--head-pose", help="With --follow, turn the head as well.")] = False,
    rate: Annotated[float, typer.Option(min=1, max=100, help="Pictures per second.")] = 12.5,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
) -> None:
    """Write a moving head (GIF and GLB) that looks around and makes faces, or does as others do."""
    from unveil.output import animate as animation
    from unveil.output import photo_files
    from unveil.reconstruct.pipeline import Reconstructor

    photo_files.prepare_folder(out)
    reconstructor = Reconstructor(model, assets=assets)
    seen = animation.see(reconstructor, photo)
    if follow:
        driving = with_progress(animation.driving_photos(follow), None, doing="following")
        motion = animation.driven_motion(reconstructor, seen, driving, rate, head_pose=head_pose)
    else:
        motion = animation.own_motion(reconstructor.morphable, seen.face.coefficients, rate)
    stem = out / f"{printable_stem(photo)}_motion"
    for path in animation.write_motion(stem, seen, reconstructor.morphable, motion):
        typer.echo(f"{path}: {count(len(motion), 'frame')}")


def demo(out: OutOption = Path("demo-output"), *, as_json: JsonOption = False) -> None:
    """Reconstruct the bundled photograph, to see what unveil does."""
    from unveil.assets.store import packaged

    reconstruct([packaged("demo.jpg")], out, force=True, as_json=as_json)


def _parse_formats(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    wanted = {part.strip().lower() for part in text.split(",") if part.strip()}
    unknown = sorted(wanted - set(ALL_FORMATS))
    if unknown or not wanted:
        raise UnveilError(f"unknown format {', '.join(unknown) or text!r}: choose from {', '.join(ALL_FORMATS)}")
    return tuple(name for name in ALL_FORMATS if name in wanted)


def _chain(outcomes: Iterable[Outcome], running: Iterator[Outcome]) -> Iterator[Outcome]:
    yield from outcomes
    yield from running


def _report(outcomes: Iterator[Outcome], *, quiet: bool) -> list[Outcome]:
    """Print each outcome as it comes: failures to stderr always, the rest to stdout unless a script is reading it."""
    finished = []
    for outcome in outcomes:
        finished.append(outcome)
        if outcome.status == "failed":
            complain(outcome.error)
        elif not quiet:
            typer.echo(_line(outcome))
    return finished


def _line(outcome: Outcome) -> str:
    from unveil.storage.files import printable

    faces = outcome.record["faces"] if outcome.record else []
    what = count(len(faces), "face")
    already = " (already done)" if outcome.status == "skipped" else ""
    return f"{printable(outcome.photo)}: {what}{already}"


def _summarise(finished: list[Outcome], out: Path, *, as_json: bool) -> None:
    from unveil.storage.files import printable

    counts: dict[str, Any] = {
        status: sum(outcome.status == status for outcome in finished) for status in ("done", "skipped", "failed")
    }
    counts["faces"] = sum(len(outcome.record["faces"]) for outcome in finished if outcome.record)
    if as_json:
        answer = {"out": printable(out), "summary": counts, "photos": [outcome.to_json() for outcome in finished]}
        typer.echo(json.dumps(answer, indent=1))
    elif len(finished) > 1 or counts["faces"]:
        parts = [f"{counts[status]} {status}" for status in ("done", "skipped", "failed") if counts[status]]
        faces = count(counts["faces"], "face")
        typer.echo(f"{count(len(finished), 'photograph')}: {', '.join(parts)}; {faces} in {printable(out)}")
