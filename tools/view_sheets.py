"""Pictures of heads as a real viewer shows them: a row for each GLB file, a column for each view and expression.

    python -m tools.view_sheets out/*.glb -o heads.jpg
    python -m tools.view_sheets a.glb -o a.png --views Front,Profile --expressions Smile,Blink --surface grey

The page of `unveil view` draws them, three.js in a headless Chromium. Views are Front, Three-quarter, Profile and Back,
or angles in degrees, to the subject's left and from above, such as ``-38/5``. Expressions are those that the page
names; "As photographed" is the file's own. It needs a Chromium or Chrome and the extra ``browser``.
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
from PIL import ImageDraw, ImageFont

from tools.chromium import browser
from unveil.errors import one_line_errors
from unveil.storage.files import write_text
from unveil.web.page import page_of
from unveil.web.results import read_head

VIEWS = "Front,Three-quarter,Profile,Back"
EXPRESSIONS = "Open mouth,Smile,Blink"
CAPTION, INK = 26, (60, 60, 60)  # pixels of a line of text, and its colour


@dataclass(frozen=True)
class Look:
    """How all heads of a sheet are drawn."""

    size: int  # pixels a side of each picture
    surface: str = "texture"
    wireframe: bool = False
    hair: bool = True
    background: str = "#f2f1ee"


def shots_of(views: Sequence[str], expressions: Sequence[str]) -> list[dict[str, Any]]:
    """What each column shows: all views as photographed, then all expressions from the front."""
    columns: list[dict[str, Any]] = []
    for view in views:
        yaw, slash, pitch = view.partition("/")
        columns.append({"title": view, "view": [float(yaw), float(pitch)] if slash else view})
    return columns + [{"title": name, "expression": name} for name in expressions]


def pictures_of(page: Any, glb: Path, columns: Sequence[dict[str, Any]], look: Look) -> Iterator[PIL.Image.Image]:
    """A picture of a head for each column, drawn by a page of the browser."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.html"
        write_text(path, page_of([read_head(glb)]))
        page.goto(path.as_uri())
        page.evaluate("window.unveil.then(() => true)")  # an error of the page is one here
        for column in columns:
            shot = {"width": look.size, "height": look.size, "background": look.background, "hair": look.hair}
            shot |= {"surface": look.surface, "wireframe": look.wireframe} | column
            address = page.evaluate("shot => window.unveil.then((viewer) => viewer.shoot(shot))", shot)
            yield PIL.Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")


def sheet_of(glbs: Sequence[Path], columns: Sequence[dict[str, Any]], look: Look) -> PIL.Image.Image:
    """All heads below each other, with the names of columns and files."""
    size = look.size
    sheet = PIL.Image.new("RGB", (size * len(columns), CAPTION + (size + CAPTION) * len(glbs)), look.background)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for k, column in enumerate(columns):
        draw.text((size * (k + 0.5), CAPTION / 2), column["title"], INK, font, anchor="mm")
    with browser() as running:
        page = running.new_page()
        for row, glb in enumerate(glbs):
            top = CAPTION + row * (size + CAPTION)
            for k, picture in enumerate(pictures_of(page, glb, columns, look)):
                sheet.paste(picture, (k * size, top))
            draw.text((8, top + size + CAPTION / 2), glb.stem, INK, font, anchor="lm")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glbs", nargs="+", type=Path, metavar="HEAD.glb")
    parser.add_argument("-o", "--out", type=Path, required=True, help="picture to write, .png or .jpg")
    parser.add_argument("--views", default=VIEWS)
    parser.add_argument("--expressions", default=EXPRESSIONS)
    parser.add_argument("--surface", default="texture", choices=("texture", "grey", "sure", "hidden"))
    parser.add_argument("--size", type=int, default=320, help="pixels a side of each picture")
    parser.add_argument("--wireframe", action="store_true")
    parser.add_argument("--no-hair", action="store_true")
    given = parser.parse_args()
    views, expressions = (list(filter(None, text.split(","))) for text in (given.views, given.expressions))
    look = Look(given.size, given.surface, wireframe=given.wireframe, hair=not given.no_hair)
    sheet_of(given.glbs, shots_of(views, expressions), look).save(given.out, quality=92)


if __name__ == "__main__":
    with one_line_errors():
        main()
