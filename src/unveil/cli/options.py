"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unveil.faces.formats import ALL_FORMATS

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; created where missing.")]
NpzOption = Annotated[Path, typer.Option("--out", "-o", help="The npz file to write.")]
AssetsOption = Annotated[
    Path | None,
    typer.Option("--assets", help="Folder of research models' files, such as DECA's data. [env: UNVEIL_ASSETS]"),
]
FamilyArgument = Annotated[str | None, typer.Argument(metavar="MODEL", help="deca, 3ddfa or mgcnet; all if left out.")]
ModelOption = Annotated[str, typer.Option(help="openhead, deca, 3ddfa, mgcnet, or the path of an ONNX learner.")]
FormatsOption = Annotated[
    str | None, typer.Option(help=f"Files per face, of {','.join(ALL_FORMATS)}; what the model can if left out.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def words(text: str) -> list[str]:
    """What stands between the commas of an option."""
    return [word.strip() for word in text.split(",") if word.strip()]
