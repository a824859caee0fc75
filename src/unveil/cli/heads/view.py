"""`unveil view`: finished heads in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import PAGES, ForceOption, file_in
from unveil.cli.printing import count, say
from unveil.errors import UnveilError

PAGE = "view.html"


def view(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT", help="Folders that other commands wrote, or heads named .glb.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER|PAGE",
            help="Folder to write view.html to, or the page itself, named .html. Left out: it is written beside the "
            "result, and the browser opens it.",
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Show finished heads in the browser: turn them, move their faces, see what was guessed."""
    from unveil.storage.files import printable, write_text
    from unveil.storage.outputs import result_file
    from unveil.web.opening import open_page
    from unveil.web.page import page_of
    from unveil.web.results import heads_in

    page = _beside(results[0]) if out is None else file_in(out, PAGE)
    if page.suffix.lower() not in PAGES:
        raise UnveilError(f"cannot write {printable(page)} as a page; end the name in .html")
    heads = heads_in(results)
    with result_file(page, "view", inputs=results, force=force) as path:
        write_text(path, page_of(heads, beside=len(results) == len(heads) == 2))
    say(f"{printable(page)}: {count(len(heads), 'head')}")
    if out is None:
        open_page(page.resolve().as_uri())


def _beside(result: Path) -> Path:
    return result / PAGE if result.is_dir() else result.with_suffix(".html")
