"""`unveil compare`: several models side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import PAGES, AssetsOption, ForceOption, RecursiveOption, file_in, words
from unveil.cli.printing import complain, count, say
from unveil.errors import UnveilError, about, exit_status

if TYPE_CHECKING:
    from unveil.output.compare import ByMethod, Comparison, Method
    from unveil.typing import Image
    from unveil.web.results import ShownHead


def compare(
    photographs: Annotated[
        list[Path], typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photographs, or folders of photographs.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER|PICTURE|PAGE",
            help="Folder to write compare.png to, or the picture itself; or a page, named .html, on which the heads "
            "turn together.",
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
    """Show the heads that several models give for the same photographs side by side, in a picture or on a page."""
    from unveil.photos.io import WRITE_OPTIONS, find_images
    from unveil.storage.files import printable
    from unveil.storage.outputs import result_file

    out = file_in(out, "compare.png")
    if out.suffix.lower() not in (*WRITE_OPTIONS, *PAGES):
        raise UnveilError(
            f"cannot write {printable(out)} as a picture; end the name in one of {', '.join(WRITE_OPTIONS)}, or in "
            ".html for a page"
        )
    photos = [path for given in photographs for path in find_images(given, recursive=recursive, note=complain)]
    with result_file(out, "compare", inputs=photos, force=force) as path:
        methods = _those_there(assets) if models is None else [_method(name, assets) for name in words(models)]
        if not any(method.reconstructor for method in methods):
            raise UnveilError(f"no model can be shown: {methods[0].missing if methods else 'name some with --models'}")
        found = (_write_page if out.suffix.lower() in PAGES else _write_picture)(path, photos, methods)
    for note in found.notes:
        complain(note)
    for photo, error in found.failed.items():
        complain(about(printable(photo), error), error)
    failed = f"; {len(found.failed)} failed" if found.failed else ""
    whole = count(len(photos) - len(found.failed), "photograph")
    say(f"{printable(out)}: {whole}, {count(len(methods), 'model')}{failed}")
    if found.failed:
        raise typer.Exit(exit_status(found.failed.values()))


def _write_picture(path: Path, photos: list[Path], methods: list[Method]) -> Comparison[Image]:
    from unveil.output.compare import compare, picture_of, row
    from unveil.photos.io import write_image

    found = compare(photos, methods, lambda photo, image, faces: row(image, faces, methods))
    write_image(path, picture_of(found.shown, methods))
    return found


def _write_page(path: Path, photos: list[Path], methods: list[Method]) -> Comparison[list[ShownHead]]:
    from unveil.output.compare import compare
    from unveil.storage.files import write_text
    from unveil.web.notebook import shown_face
    from unveil.web.page import page_of
    from unveil.web.results import require_few

    def heads(photo: Path, image: Image, faces: ByMethod) -> list[ShownHead]:
        shown = [(shown_face(face), method.name) for face, method in zip(faces, methods, strict=True) if face]
        return [replace(head, name=name if len(photos) == 1 else f"{photo.stem}, {name}") for head, name in shown]

    require_few(len(photos) * sum(method.reconstructor is not None for method in methods))
    found = compare(photos, methods, heads)
    together = [head for of_photo in found.shown for head in of_photo]
    if not together:
        raise UnveilError("there is no head to show: no model finds a face in a photograph; give others")
    write_text(path, page_of(together, beside=len(together) > 1))
    return found


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
