"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from unveil.errors import UnveilError
from unveil.faces.formats import ALL_FORMATS, FORMATS, TEXTURES
from unveil.storage.files import printable

LARGEST_SEED = 2**32 - 1

FolderOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write to; made if it is not there.")
]


def _named_npz(path: Path) -> Path:
    if path.suffix.lower() != ".npz":
        raise UnveilError(f"cannot write {printable(path)} as arrays; end the name in .npz")
    return path


NpzOut = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FILE.npz", callback=_named_npz, help="File to write, named .npz."),
]
PictureOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="PICTURE", help="File to write, a picture named .png or .jpg.")
]
AssetsOption = Annotated[
    Path | None,
    typer.Option(
        "--assets",
        metavar="FOLDER",
        help="Folder with a research model's files, such as DECA's data. Environment variable: UNVEIL_ASSETS.",
    ),
]
FamilyArgument = Annotated[str | None, typer.Argument(metavar="MODEL", help="deca, 3ddfa or mgcnet; all if left out.")]
OneFamilyArgument = Annotated[str, typer.Argument(metavar="MODEL", help="deca, 3ddfa or mgcnet.")]
ModelOption = Annotated[
    str, typer.Option(metavar="MODEL", help="openhead, deca, 3ddfa, mgcnet, or the path of a learner's ONNX file.")
]
FormatsOption = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help=f"Files per face, separated by commas: {', '.join(ALL_FORMATS)}. "
        f"Left out: {', '.join(FORMATS)}; for heads with wrinkles, as DECA's are, all.",
    ),
]
TextureOption = Annotated[
    str,
    typer.Option(
        metavar="albedo|lit",
        help="Colours in the GLB: albedo, those of the skin itself, or lit, as the photograph shows them.",
    ),
]
HairOption = Annotated[bool, typer.Option("--hair/--no-hair", help="Give heads the hair that the photograph shows.")]
WrinklesOption = Annotated[bool, typer.Option("--wrinkles", help="Give heads the wrinkles that the photograph shows.")]
OccludersOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Folder with pictures of occluders, used in addition to those that are drawn."),
]
OccluderSeedOption = Annotated[
    int, typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Random seed: another number draws other occluders.")
]
SeveritiesOption = Annotated[
    str, typer.Option(metavar="LIST", help="Shares of the face to hide, in percent, separated by commas.")
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force", help="Also replace files that unveil did not write or that were changed since; never inputs."
    ),
]
RecursiveOption = Annotated[bool, typer.Option("--recursive", "-r", help="Look into subfolders as well.")]
RayAddressOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="The cluster, such as HOST:6379. Environment variable: RAY_ADDRESS."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def words(text: str) -> list[str]:
    """The values between the commas of an option."""
    return [word.strip() for word in text.split(",") if word.strip()]


def percentages(text: str, option: str) -> list[float]:
    """The numbers above 0 and up to 100 that an option lists; UnveilError where it lists anything else, or nothing."""
    try:
        numbers = [float(word) for word in words(text)]
    except ValueError:
        numbers = []
    if not numbers or not all(0 < number <= 100 for number in numbers):
        raise UnveilError(
            f"{option} {text!r} is no list of percentages: give numbers above 0 and up to 100, such as 20,40,60"
        )
    return numbers


def parse_formats(text: str | None) -> tuple[str, ...] | None:
    """The formats that ``--formats`` names, in our order; UnveilError where one is unknown."""
    return None if text is None else chosen(text, ALL_FORMATS)


def chosen(text: str, formats: Sequence[str]) -> tuple[str, ...]:
    """Those of the formats that a text names, in their order; UnveilError where one is unknown."""
    wanted = {word.lower() for word in words(text)}
    unknown = sorted(wanted - set(formats))
    if unknown or not wanted:
        raise UnveilError(f"unknown format {', '.join(unknown) or text!r}: choose from {', '.join(formats)}")
    return tuple(name for name in formats if name in wanted)


def parse_texture(text: str) -> str:
    """The texture that ``--texture`` names; UnveilError where it is none of `TEXTURES`."""
    if text.lower() not in TEXTURES:
        raise UnveilError(f"unknown texture {text!r}: choose {' or '.join(TEXTURES)}")
    return text.lower()


PAGES = (".html", ".htm")  # how names of pages end


def file_in(out: Path, name: str) -> Path:
    """The file that ``-o`` names, or the one called ``name`` in the folder that it names."""
    return out if out.suffix and not out.is_dir() else out / name
