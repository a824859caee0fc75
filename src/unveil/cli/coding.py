"""`unveil encode` and `unveil decode`: crops to coefficients, coefficients to geometry, through files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.networks import open_displacement, open_encoder
from unveil.cli.options import AssetsOption, ModelOption, NpzOption
from unveil.cli.output import complain, count, with_progress


def encode(
    crops: Annotated[Path, typer.Argument(metavar="CROPS", help="Folder, tar or npz (images) of square face crops.")],
    out: NpzOption,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
) -> None:
    """Turn face crops into the coefficients of a head model, in one npz file."""
    from unveil.reconstruct import codes
    from unveil.reconstruct.crops import NamedCrop, read_crops
    from unveil.reconstruct.heads import head_name

    encoder = open_encoder(model, assets)
    failed: list[NamedCrop] = []

    def usable() -> Iterator[NamedCrop]:
        for crop in with_progress(read_crops(crops), None, doing="encoding"):
            if crop.image is None:
                complain(crop.error)
                failed.append(crop)
            else:
                yield crop

    encoded = codes.encode(usable(), encoder, head_name(encoder.layout))
    codes.write_codes(out, encoded)
    skipped = f"; {len(failed)} failed" if failed else ""
    typer.echo(f"{out}: {count(len(encoded.names), 'crop')}, layout {encoder.layout.name}{skipped}")
    if failed:
        raise typer.Exit(2)


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
    geometry = decoding.decode(head, encoded.coefficients, open_displacement(encoded.coefficients.layout, assets))
    decoding.write_geometry(out, geometry, encoded.names)
    typer.echo(f"{out}: {count(len(encoded.names), 'head')} of {len(geometry['vertices'][0])} vertices")
