"""`unveil occlude`: what the occluders do to faces, to look at before training with them or measuring with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import (
    AssetsOption,
    ForceOption,
    ModelOption,
    OccluderSeedOption,
    OccludersOption,
    PictureOut,
    RecursiveOption,
    SeveritiesOption,
    percentages,
    words,
)
from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import UnveilError, about, exit_status

if TYPE_CHECKING:
    from unveil.occluders.base import Face, Occlusion
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.outputs import Outputs
    from unveil.typing import Image

TILE = 224  # pixels of a tile's side, and of the crops
SEVERITIES = "10,25,40,60"


def occlude(
    photos: Annotated[Path, typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photograph, or folder of photographs.")],
    out: PictureOut,
    *,
    recursive: RecursiveOption = False,
    occluders: OccludersOption = None,
    kinds: Annotated[
        str | None, typer.Option(metavar="LIST", help="Kinds of occluders, separated by commas; all if left out.")
    ] = None,
    severities: SeveritiesOption = SEVERITIES,
    faces: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="At most this many faces in all, the largest of each photograph first."),
    ] = 1,
    seed: OccluderSeedOption = 0,
    out_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write each occluded crop and its mask to this folder.")
    ] = None,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    force: ForceOption = False,
) -> None:
    """Draw faces under every kind of occluder: a row per kind and face, a column per share hidden."""
    from unveil.drawing.contact_sheet import contact_sheet
    from unveil.occluders import load_pool
    from unveil.occluders.base import hidden_share, sample_generator
    from unveil.photos.detect import SMALLEST_FACE
    from unveil.photos.io import find_images, require_picture, write_image
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.files import printable
    from unveil.storage.names import printable_stem
    from unveil.storage.outputs import result_file, results_in

    require_picture(out)
    shares = percentages(severities, "--severities")
    pool = load_pool(occluders, None if kinds is None else words(kinds))
    pictures = find_images(photos, recursive=recursive, note=complain)
    with ExitStack() as writing:
        sheet = writing.enter_context(result_file(out, "occlude", inputs=pictures, force=force))
        crops = None
        if out_dir is not None:
            outputs = writing.enter_context(results_in(out_dir, "occlude", inputs=pictures, force=force))
            occlusions = [f"{occluder.kind}_{share:g}" for occluder in pool.occluders for share in shares]
            crops = _CropFiles(outputs, pictures, occlusions)
        failed: list[Exception] = []
        found = list(_find_faces(pictures, faces, Reconstructor(model, assets=assets), failed))
        if failed and len(failed) == len(pictures):  # each has been said
            raise typer.Exit(exit_status(failed))
        if not found:
            raise UnveilError(
                f"no face found in {printable(photos)}: give a photograph with a face at least "
                f"{SMALLEST_FACE:.0f} pixels wide that looks towards the camera"
            )
        rows = []
        jobs = [(occluder, *face) for occluder in pool.occluders for face in found]
        for occluder, photo, number, image, face in with_progress(iter(jobs), len(jobs), doing="occluding"):
            row = [(image, occluder.kind)]
            for share in shares:
                # The same lot in every column: one thing that hides more and more.
                rng = sample_generator(seed, f"{printable_stem(photo)}_{number} {occluder.kind}", 0)
                result = occluder.apply(image, face, rng, share / 100)
                row.append((result.image, f"{100 * hidden_share(result.mask, face):.0f} %"))
                if crops is not None:
                    crops.save(photo, f"{number}_{occluder.kind}_{share:g}", result)
            rows.append(row)
        write_image(sheet, contact_sheet(rows, TILE))
    unusable = f"; {count(len(failed), 'photograph')} failed" if failed else ""
    say(f"{out}: {count(len(found), 'face')}, {count(len(pool.occluders), 'kind')} of occluder{unusable}")
    if failed:
        raise typer.Exit(exit_status(failed))


def _find_faces(
    photos: Iterable[Path], most: int, reconstructor: Reconstructor, failed: list[Exception]
) -> Iterator[tuple[Path, int, Image, Face]]:
    """Photograph, number, crop [224, 224, 3] and place of the first faces, with their meshes.

    What is wrong with a photograph is said, and added to ``failed``.
    """
    from unveil.heads.layout import Coefficients
    from unveil.occluders.base import Face
    from unveil.occluders.head_surface import HeadSurface
    from unveil.photos.io import read_image
    from unveil.storage.files import printable

    surface = HeadSurface.of(reconstructor.morphable)
    found = 0
    for path in photos:
        try:
            image = read_image(path)
            seen_faces = reconstructor.reconstruct(image, max_faces=most - found)
        except Exception as error:  # one photograph is not to end the work on the others
            complain(about(printable(path), error), error)
            failed.append(error)
            continue
        for k, seen in enumerate(seen_faces):
            c = seen.coefficients
            crop = seen.crop.resized(TILE)
            (mesh,) = surface.place(Coefficients(c.layout, c.values[None]), TILE)
            yield path, k, crop.warp(image), Face.of(crop.to_crop(seen.landmarks2d), mesh)
            found += 1
        if found >= most:
            return


class _CropFiles:
    """Occluded crops as files, each with its mask beside it: white where the occluder is."""

    def __init__(self, outputs: Outputs, photos: Iterable[Path], occlusions: Sequence[str]) -> None:
        from unveil.storage.names import distinct_names, path_of

        def is_anothers(photo: Path, name: str) -> bool:
            return any(outputs.is_anothers(f"{name}_0_{end}.png", path_of(photo)) for end in occlusions)

        self._outputs, self._names = outputs, distinct_names(photos, is_anothers)

    def save(self, photo: Path, occlusion: str, result: Occlusion) -> None:
        """Write both files of a face of a photograph under an occluder."""
        import numpy as np

        from unveil.photos.io import write_image
        from unveil.storage.names import path_of

        name = f"{self._names[photo]}_{occlusion}"
        with self._outputs.part(path_of(photo)) as part:
            write_image(part / f"{name}.png", result.image)
            write_image(part / f"{name}_mask.png", np.where(result.mask, np.uint8(255), np.uint8(0)))
