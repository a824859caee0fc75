"""`unveil occlude`: what the occluders do to faces, to look at before training with them or measuring with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import AssetsOption, KindsOption, ModelOption, OccludersOption, PictureOut, words
from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import UnveilError

if TYPE_CHECKING:
    from unveil.occluders.base import Face, Occlusion
    from unveil.typing import Image

TILE = 224  # pixels of a tile's side, and of the crops
SEVERITIES = "10,25,40,60"


def occlude(
    photos: Annotated[Path, typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photograph, or folder of photographs.")],
    out: PictureOut,
    *,
    occluders: OccludersOption = None,
    kinds: KindsOption = None,
    severities: Annotated[
        str, typer.Option(metavar="LIST", help="Shares of the face to hide, in percent, separated by commas.")
    ] = SEVERITIES,
    faces: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="At most this many faces in all, the largest of each photograph first."),
    ] = 1,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Random seed: another number draws other occluders.")
    ] = 0,
    out_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write each occluded crop and its mask to this folder.")
    ] = None,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
) -> None:
    """Draw faces under every kind of occluder: a row per kind and face, a column per share hidden."""
    from unveil.drawing.contact_sheet import contact_sheet
    from unveil.occluders import load_pool
    from unveil.occluders.base import hidden_share, sample_generator
    from unveil.photos.io import write_image

    shares = _parse_severities(severities)
    pool = load_pool(occluders, None if kinds is None else words(kinds))
    found = list(_find_faces(photos, faces, model, assets))
    rows = []
    jobs = [(occluder, *face) for occluder in pool.occluders for face in found]
    for occluder, name, image, face in with_progress(iter(jobs), len(jobs), doing="occluding"):
        row = [(image, occluder.kind)]
        for share in shares:
            # The same lot in every column: one thing that hides more and more.
            result = occluder.apply(image, face, sample_generator(seed, f"{name} {occluder.kind}", 0), share / 100)
            row.append((result.image, f"{100 * hidden_share(result.mask, face):.0f} %"))
            if out_dir is not None:
                _save(out_dir, f"{name}_{occluder.kind}_{share}", result)
        rows.append(row)
    write_image(out, contact_sheet(rows, TILE))
    say(f"{out}: {count(len(found), 'face')}, {count(len(pool.occluders), 'kind')} of occluder")


def _find_faces(photos: Path, most: int, model: str, assets: Path | None) -> Iterator[tuple[str, Image, Face]]:
    """Name, crop [224, 224, 3] and place of the first faces of the photographs, with their meshes."""
    from unveil.heads.layout import Coefficients
    from unveil.occluders.base import Face
    from unveil.occluders.head_surface import HeadSurface
    from unveil.photos.io import find_images, read_image
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.names import printable_stem

    reconstructor = Reconstructor(model, assets=assets)
    surface = HeadSurface.of(reconstructor.morphable)
    found = 0
    for path in find_images(photos, note=complain):
        try:
            image = read_image(path)
        except UnveilError as error:
            complain(str(error))
            continue
        for k, seen in enumerate(reconstructor.reconstruct(image, max_faces=most - found)):
            c = seen.coefficients
            crop = seen.crop.resized(TILE)
            (mesh,) = surface.place(Coefficients(c.layout, c.values[None]), TILE)
            yield f"{printable_stem(path)}_{k}", crop.warp(image), Face.of(crop.to_crop(seen.landmarks2d), mesh)
            found += 1
        if found >= most:
            return
    if not found:
        raise UnveilError(f"no face found in {photos}: give a photograph with a face at least 40 pixels wide")


def _save(folder: Path, name: str, result: Occlusion) -> None:
    """Write an occluded crop and, beside it, its mask: white where the occluder is."""
    import numpy as np

    from unveil.photos.io import write_image

    write_image(folder / f"{name}.png", result.image)
    write_image(folder / f"{name}_mask.png", np.where(result.mask, np.uint8(255), np.uint8(0)))


def _parse_severities(text: str) -> list[int]:
    parts = words(text)
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= 100 for part in parts):
        raise UnveilError(f"--severities {text!r} is no list of percentages: give whole numbers from 1 to 100")
    return [int(part) for part in parts]
