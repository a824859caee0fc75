"""The command line: reads arguments, calls the library, prints. What is slow to import is imported in the commands."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from unveil import __version__
from unveil.errors import UnveilError
from unveil.reconstruct import ALL_FORMATS

if TYPE_CHECKING:
    from unveil.morphable.layout import CoefficientLayout
    from unveil.reconstruct.batch import Outcome
    from unveil.reconstruct.decode import Displacement
    from unveil.reconstruct.encoder import DetailEncoder, Encoder
    from unveil.reconstruct.pipeline import Reconstructor

DEBUG_VARIABLE = "UNVEIL_DEBUG"
Item = TypeVar("Item")

app = typer.Typer(
    help="From one photograph, in which something may hide part of the face, to an animatable 3D head.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

assets_app = typer.Typer(
    help="Files of research models: what they are, where they come from, whether they are right.", no_args_is_help=True
)
app.add_typer(assets_app, name="assets")

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; created where missing.")]
NpzOption = Annotated[Path, typer.Option("--out", "-o", help="The npz file to write.")]
AssetsOption = Annotated[
    Path | None,
    typer.Option("--assets", help="Folder of research models' files, such as DECA's data. [env: UNVEIL_ASSETS]"),
]
FamilyArgument = Annotated[str | None, typer.Argument(metavar="MODEL", help="deca or 3ddfa; all if left out.")]
ModelOption = Annotated[str, typer.Option(help="openhead, deca, or the path of an ONNX learner.")]
FormatsOption = Annotated[
    str | None, typer.Option(help=f"Files per face, of {','.join(ALL_FORMATS)}; what the model can if left out.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


class Stopped(SystemExit):
    """The user or the system asked the program to stop; nothing half-written is left."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give back its exit status: 2 for the user's mistake, 1 for ours."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app(args=arguments, prog_name="unveil")
    except Stopped as stop:
        _complain("stopped; run the same command again to continue")
        return _status(stop)
    except SystemExit as stop:  # how Typer ends
        return _status(stop)
    except UnveilError as error:
        return _fail(str(error), error.exit_status)
    except Exception as error:  # the last resort: no user is to see a traceback unasked
        text = " ".join(str(error).split())
        return _fail(
            f"unexpected {type(error).__name__}: {text} (set {DEBUG_VARIABLE}=1 for details and please report it)", 1
        )
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unveil {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


@app.command()
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
    from unveil.reconstruct import batch, files

    photos, outcomes = batch.find_photos(inputs, out)
    if photos:
        files.prepare_folder(out)
        reconstructor = _reconstructor(model, assets)
        options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), max_faces)
        targets = batch.name_targets(photos, out)
        running = batch.reconstruct_photos(targets, reconstructor, options, force=force)
    else:
        running = iter(())
    everything = _chain(outcomes, running)
    finished = _report(
        _with_progress(everything, len(outcomes) + len(photos), doing="reconstructing", quiet=as_json), quiet=as_json
    )
    _summarise(finished, out, as_json=as_json)
    if any(outcome.status == "failed" for outcome in finished):
        raise typer.Exit(2)


@app.command()
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
    from unveil.reconstruct import animate, batch, files

    files.prepare_folder(out)
    reconstructor = _reconstructor(model, assets)
    options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), max_faces=1)
    source = animate.see(reconstructor, expression)
    moved = animate.with_expression(reconstructor, animate.see(reconstructor, face), source.face)
    target = files.Target(face, out, f"{files.printable_stem(face)}_as_{files.printable_stem(expression)}")
    if target.belongs_to_another():
        raise UnveilError(f"{out} holds other files named {target.name}: choose another folder with -o")
    record = files.write_photo(target, moved.image, [moved.face], reconstructor.morphable, options)
    typer.echo(f"{target.record_path}: {_count(len(record['faces'][0]['files']), 'file')}")


@app.command(name="animate")
def animate_face(
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
    from unveil.reconstruct import animate, files

    files.prepare_folder(out)
    reconstructor = _reconstructor(model, assets)
    seen = animate.see(reconstructor, photo)
    if follow:
        driving = _with_progress(animate.driving_photos(follow), None, doing="following")
        motion = animate.driven_motion(reconstructor, seen, driving, rate, head_pose=head_pose)
    else:
        motion = animate.own_motion(reconstructor.morphable, seen.face.coefficients, rate)
    stem = out / f"{files.printable_stem(photo)}_motion"
    for path in animate.write_motion(stem, seen, reconstructor.morphable, motion):
        typer.echo(f"{path}: {_count(len(motion), 'frame')}")


@app.command()
def demo(out: OutOption = Path("demo-output"), *, as_json: JsonOption = False) -> None:
    """Reconstruct the bundled photograph, to see what unveil does."""
    from unveil.assets.store import packaged

    reconstruct([packaged("demo.jpg")], out, force=True, as_json=as_json)


@app.command()
def doctor(*, as_json: JsonOption = False) -> None:
    """Check the installation: versions, packaged files, and a reconstruction of the bundled photograph."""
    from unveil.reconstruct.doctor import examine

    checks = examine()
    if as_json:
        typer.echo(json.dumps({"checks": [check.to_json() for check in checks]}, indent=1))
    else:
        for check in checks:
            typer.echo(f"{'ok' if check.ok else 'WRONG':6}{check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@app.command()
def encode(
    crops: Annotated[Path, typer.Argument(metavar="CROPS", help="Folder, tar or npz (images) of square face crops.")],
    out: NpzOption,
    *,
    model: Annotated[str, typer.Option(help="openhead, deca, or the path of an ONNX learner.")] = "openhead",
    assets: AssetsOption = None,
) -> None:
    """Turn face crops into the coefficients of a head model, in one npz file."""
    from unveil.reconstruct import codes
    from unveil.reconstruct.crops import NamedCrop, read_crops
    from unveil.reconstruct.heads import head_name

    encoder = _encoder(model, assets)
    failed: list[NamedCrop] = []

    def usable() -> Iterator[NamedCrop]:
        for crop in _with_progress(read_crops(crops), None, doing="encoding"):
            if crop.image is None:
                _complain(crop.error)
                failed.append(crop)
            else:
                yield crop

    encoded = codes.encode(usable(), encoder, head_name(encoder.layout))
    codes.write_codes(out, encoded)
    skipped = f"; {len(failed)} failed" if failed else ""
    typer.echo(f"{out}: {_count(len(encoded.names), 'crop')}, layout {encoder.layout.name}{skipped}")
    if failed:
        raise typer.Exit(2)


@app.command()
def decode(
    codes_file: Annotated[Path, typer.Argument(metavar="CODES", help="npz file that `unveil encode` has written.")],
    out: NpzOption,
    *,
    assets: AssetsOption = None,
) -> None:
    """Turn coefficients into vertices and landmarks, in one npz file."""
    from unveil.reconstruct import codes, heads
    from unveil.reconstruct import decode as decoding

    encoded = codes.read_codes(codes_file)
    head = heads.load_head(encoded.coefficients.layout, assets)
    geometry = decoding.decode(head, encoded.coefficients, _displacement(encoded.coefficients.layout, assets))
    decoding.write_geometry(out, geometry, encoded.names)
    typer.echo(f"{out}: {_count(len(encoded.names), 'head')} of {len(geometry['vertices'][0])} vertices")


@assets_app.command("list")
def list_assets(family: FamilyArgument = None, *, assets: AssetsOption = None, as_json: JsonOption = False) -> None:
    """Name every file, its licence, where it comes from, and where it was found."""
    from unveil.assets.models import FAMILIES
    from unveil.assets.store import describe

    entries = [entry for name in ([family] if family else FAMILIES) for entry in describe(name, assets)]
    if as_json:
        typer.echo(json.dumps({"files": entries}, indent=1))
        return
    for entry in entries:
        typer.echo(f"{entry['model']}: {entry['name']}: {entry['what']}{'' if entry['required'] else ' (optional)'}")
        typer.echo(f"    {entry['path'] or 'not found'}")
        typer.echo(f"    {entry['publisher']}; {entry['licence']}")
        typer.echo(f"    {entry['page']}{' (registration needed)' if entry['registration'] else ''}")


@assets_app.command("check")
def check_assets(family: FamilyArgument = None, *, assets: AssetsOption = None, as_json: JsonOption = False) -> None:
    """Open every file and say whether it is there, whole, and the right one."""
    from unveil.reconstruct.asset_check import check_files, families_present

    checks = [
        check for name in ([family] if family else families_present(assets)) for check in check_files(name, assets)
    ]
    if as_json:
        typer.echo(json.dumps({"files": [check.to_json() for check in checks]}, indent=1))
    else:
        for check in checks:
            optional = "" if check.required else " (optional)"
            typer.echo(f"{check.status:8}{check.model}: {check.name}{optional}: {check.detail}")
    if any(check.status == "wrong" or (check.required and check.status == "missing") for check in checks):
        raise typer.Exit(2)


@assets_app.command("convert")
def convert_assets(
    family: Annotated[str, typer.Argument(metavar="MODEL", help="deca.")], *, assets: AssetsOption = None
) -> None:
    """Write DECA's networks as ONNX files beside deca_model.tar, for use without torch (needs torch once)."""
    from unveil.assets.store import locate

    if family != "deca":
        raise UnveilError(f"there is nothing to convert for {family!r}; choose deca")
    checkpoint = locate("deca", "deca_model.tar", assets)
    try:
        from unveil.distill.deca_to_onnx import export_deca
    except ImportError as error:
        raise UnveilError("converting DECA needs torch: install unveil[train]") from error
    for path in export_deca(checkpoint, checkpoint.parent):
        typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


@assets_app.command("get")
def get_assets(
    family: Annotated[str, typer.Argument(metavar="MODEL", help="deca or 3ddfa.")], *, assets: AssetsOption = None
) -> None:
    """Download the files that are free, and say where the others are to be had and under which licence."""
    from unveil.assets.fetch import download
    from unveil.assets.store import download_folder, missing_files

    folder, absent = download_folder(family, assets), missing_files(family, assets)
    for file in absent:
        if file.url:
            with _download_progress(file.name) as progress:
                path = download(file, folder, progress)
            typer.echo(f"{path}: {file.what}; {file.licence}")
    yours = [file for file in absent if not file.url]
    if yours:
        typer.echo(f"these are yours to get; put them in {folder}:")
    for file in yours:
        optional = "" if file.required else " (optional)"
        typer.echo(f"    {file.name}{optional}, {file.what}: {file.how_to_get}; {file.licence}")
    if not absent:
        typer.echo(f"{family}: every file is there")


def _encoder(model: str, assets: Path | None) -> Encoder:
    from unveil.reconstruct.pipeline import open_learner

    return _deca(assets) if model == "deca" else open_learner(model)


def _deca(assets: Path | None) -> DetailEncoder:
    """DECA's networks: the ONNX files where they lie beside the checkpoint or without one, else in torch."""
    from unveil.assets.store import find, locate
    from unveil.reconstruct.deca import DecaModel

    checkpoint, converted = (find("deca", name, assets) for name in ("deca_model.tar", "deca_encoders.onnx"))
    if converted and checkpoint in {None, converted.with_name("deca_model.tar")}:
        return DecaModel(assets)
    checkpoint = locate("deca", "deca_model.tar", assets)
    try:
        from unveil.teachers.deca import DecaTeacher
    except ImportError as error:
        raise UnveilError(
            "DECA needs torch, or ONNX files made with it: "
            "install unveil[train], or run `unveil assets convert deca` where torch is installed"
        ) from error
    return DecaTeacher(checkpoint)


def _displacement(layout: CoefficientLayout, assets: Path | None) -> Displacement | None:
    """What gives the displacement maps of coefficients of a layout, where they have any."""
    from unveil.assets.store import locate
    from unveil.morphable.detail import read_fixed_displacement

    if "detail" not in {group.name for group in layout.groups}:
        return None
    fixed = read_fixed_displacement(locate("deca", "fixed_displacement_256.npy", assets))
    encoder = _deca(assets)
    return lambda coefficients: encoder.displacement(coefficients) + fixed


def _parse_formats(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    wanted = {part.strip().lower() for part in text.split(",") if part.strip()}
    unknown = sorted(wanted - set(ALL_FORMATS))
    if unknown or not wanted:
        raise UnveilError(f"unknown format {', '.join(unknown) or text!r}: choose from {', '.join(ALL_FORMATS)}")
    return tuple(name for name in ALL_FORMATS if name in wanted)


def _reconstructor(model: str, assets: Path | None) -> Reconstructor:
    from unveil.reconstruct import pipeline

    return pipeline.Reconstructor(_encoder(model, assets), assets=assets)


def _chain(outcomes: Iterable[Outcome], running: Iterator[Outcome]) -> Iterator[Outcome]:
    yield from outcomes
    yield from running


def _with_progress(items: Iterator[Item], total: int | None, *, doing: str, quiet: bool = False) -> Iterator[Item]:
    """Pass items on under a progress bar on stderr, where a person is looking at it."""
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task("", total=total)
        for item in items:
            progress.advance(task)
            yield item


@contextmanager
def _download_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows bytes there and bytes in all on stderr, where a person is looking at it."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def _report(outcomes: Iterator[Outcome], *, quiet: bool) -> list[Outcome]:
    """Print each outcome as it comes: failures to stderr always, the rest to stdout unless a script is reading it."""
    finished = []
    for outcome in outcomes:
        finished.append(outcome)
        if outcome.status == "failed":
            _complain(outcome.error)
        elif not quiet:
            typer.echo(_line(outcome))
    return finished


def _line(outcome: Outcome) -> str:
    from unveil.imaging.io import printable

    faces = outcome.record["faces"] if outcome.record else []
    what = _count(len(faces), "face")
    already = " (already done)" if outcome.status == "skipped" else ""
    return f"{printable(outcome.photo)}: {what}{already}"


def _summarise(finished: list[Outcome], out: Path, *, as_json: bool) -> None:
    from unveil.imaging.io import printable

    counts: dict[str, Any] = {
        status: sum(outcome.status == status for outcome in finished) for status in ("done", "skipped", "failed")
    }
    counts["faces"] = sum(len(outcome.record["faces"]) for outcome in finished if outcome.record)
    if as_json:
        answer = {"out": printable(out), "summary": counts, "photos": [outcome.to_json() for outcome in finished]}
        typer.echo(json.dumps(answer, indent=1))
    elif len(finished) > 1 or counts["faces"]:
        parts = [f"{counts[status]} {status}" for status in ("done", "skipped", "failed") if counts[status]]
        faces = _count(counts["faces"], "face")
        typer.echo(f"{_count(len(finished), 'photograph')}: {', '.join(parts)}; {faces} in {printable(out)}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(128 + number)


def _status(stop: SystemExit) -> int:
    return stop.code if isinstance(stop.code, int) else int(stop.code is not None)


def _fail(message: str, status: int) -> int:
    _complain(message)
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    return status


def _complain(message: str) -> None:
    typer.echo(f"unveil: {message}", err=True)


if __name__ == "__main__":
    sys.exit(main())
