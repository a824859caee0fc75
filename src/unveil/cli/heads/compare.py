"""`unveil compare`: several models side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import AssetsOption, ForceOption, RecursiveOption, file_in, words
from unveil.cli.printing import complain, count, say
from unveil.errors import UnveilError, about, exit_status

if TYPE_CHECKING:
    from unveil.output.compare import Method


def compare(
    photographs: Annotated[
        list[Path], typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photographs, or folders of photographs.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER|PICTURE", help="Folder to write compare.png to, or the picture itself."
        ),
    ],
    *,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Models to compare, separated by commas, each as `reconstruct --model` takes it; all whose files are "
            "there if left out.",
        ),
    ] = None,
    assets: AssetsOption = None,
    recursive: RecursiveOption = False,
    force: ForceOption = False,
) -> None:
    """Draw the heads that several models give for the same photographs, side by side in one picture."""
    from unveil.output import compare as comparing
    from unveil.photos.io import WRITE_OPTIONS, find_images, write_image
    from unveil.storage.files import printable
    from unveil.storage.outputs import result_file

    out = file_in(out, "compare.png")
    if out.suffix.lower() not in WRITE_OPTIONS:
        raise UnveilError(
            f"cannot write {printable(out)} as a picture; end the name in one of {', '.join(WRITE_OPTIONS)}"
        )
    photos = [path for given in photographs for path in find_images(given, recursive=recursive, note=complain)]
    with result_file(out, "compare", inputs=photos, force=force) as path:
        methods = _those_there(assets) if models is None else [_method(name, assets) for name in words(models)]
        if not any(method.reconstructor for method in methods):
            raise UnveilError(f"no model can be shown: {methods[0].missing if methods else 'name some with --models'}")
        shown = comparing.compare(photos, methods)
        write_image(path, shown.picture)
    for note in shown.notes:
        complain(note)
    for photo, error in shown.failed.items():
        complain(about(printable(photo), error), error)
    failed = f"; {len(shown.failed)} failed" if shown.failed else ""
    whole = count(len(photos) - len(shown.failed), "photograph")
    say(f"{printable(out)}: {whole}, {count(len(methods), 'model')}{failed}")
    if shown.failed:
        raise typer.Exit(exit_status(shown.failed.values()))


def _those_there(assets: Path | None) -> list[Method]:
    """The models whose files are there; one line on stderr names the others."""
    from unveil.models.registry import FAMILIES

    methods = [_method(name, assets) for name in FAMILIES]
    if missing := [method.name for method in methods if method.missing]:
        complain(
            f"left out {', '.join(missing)}, whose files are not there; `--models {missing[0]}` says what is missing"
        )
    return [method for method in methods if not method.missing]


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
