"""`unveil encode` and `unveil decode`: crops to coefficients, coefficients to geometry, through files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import AssetsOption, ForceOption, ModelOption, NpzOut, RayAddressOption, RecursiveOption
from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import UnveilError
from unveil.storage.files import resolved

if TYPE_CHECKING:
    from unveil.codes.crops import Crops
    from unveil.codes.encode import Encoded
    from unveil.codes.partial import PartialCodes
    from unveil.models.encoder import Encoder


def encode(
    crops: Annotated[
        Path,
        typer.Argument(
            metavar="CROPS", help="Folder that `unveil prepare` wrote, or a folder, tar or npz of square face crops."
        ),
    ],
    out: NpzOut,
    *,
    recursive: RecursiveOption = False,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start from scratch, whatever an earlier run has kept.")
    ] = False,
    ray: Annotated[
        bool, typer.Option("--ray", help="Encode on all processors of a Ray cluster, or of this machine (needs Ray).")
    ] = False,
    ray_address: RayAddressOption = None,
) -> None:
    """Turn face crops into coefficients of a head model; a stopped run continues."""
    from unveil.codes import encode as encoding
    from unveil.codes import ray as ray_encode
    from unveil.codes.partial import PartialCodes, parts_in
    from unveil.models.encoder import identity
    from unveil.models.registry import open_encoder
    from unveil.storage.outputs import result_file

    source, encoder = open_crops(crops, complain, recursive=recursive), open_encoder(model, assets)
    total = len(source.names)
    with parts_in(out):
        parts = PartialCodes(out, source, encoder, anew=force)
        encoded = parts.finished
        if encoded is None:
            with result_file(out, "encode", inputs=[crops], force=force) as path, _saying_what_is_kept(parts, total):
                if ray or ray_address:
                    expected = (source.fingerprint, identity(encoder))
                    openers = _crops_opener(crops, recursive=recursive), _encoder_opener(model, assets)
                    job = ray_encode.Job(*openers, expected, encoder.layout.size)
                    batches = ray_encode.encode(job, parts.done, total, ray_address)
                else:
                    batches = encoding.encode(source, encoder, parts.done)
                for _ in with_progress(_numbers(parts.keep(batches)), total - parts.done, doing="encoding"):
                    pass
                encoded = parts.merge(path)
        parts.remove()
    failed = total - len(encoded.names)
    skipped = f"; {failed} failed" if failed else ""
    say(f"{out}: {count(len(encoded.names), 'crop')}, layout {encoder.layout.name}{skipped}")
    if failed:
        raise typer.Exit(2)


def open_crops(path: Path, note: Callable[[str], None] | None = None, *, recursive: bool = False) -> Crops:
    """The crops of a prepared folder, or what `unveil.codes.crops.open_crops` opens."""
    from unveil.codes import crops
    from unveil.training.crops import prepared

    if any((path / name).is_file() for name in (prepared.MANIFEST, prepared.shard_name(0))):
        folder = prepared.PreparedFolder.open(path)
        return crops.Crops(tuple(map(str, folder.names)), folder.fingerprint, folder.canonical)
    return crops.open_crops(path, note, recursive=recursive)


def _crops_opener(crops: Path, *, recursive: bool) -> Callable[[], Crops]:
    """A function that opens the crops in a process that is in another folder."""
    return partial(open_crops, resolved(crops), recursive=recursive)


def _encoder_opener(model: str, assets: Path | None) -> Callable[[], Encoder]:
    """The same for the network."""
    from unveil.models.registry import open_encoder

    learner = Path(model)
    model = str(resolved(learner)) if learner.is_file() else model
    return partial(open_encoder, model, assets and resolved(assets))


def _numbers(batches: Iterator[Encoded]) -> Iterator[int]:
    """The number of each crop that has been gone through; complains of those that cannot be used."""
    for batch in batches:
        for error in batch.errors.values():
            complain(error)
        yield from range(batch.start, batch.stop)


@contextmanager
def _saying_what_is_kept(parts: PartialCodes, total: int) -> Iterator[None]:
    from unveil.storage.files import printable

    try:
        yield
    except (UnveilError, SystemExit):
        if parts.done:
            complain(f"{parts.done} of {count(total, 'crop')} are kept in {printable(parts.folder)}")
        raise


def decode(
    codes_file: Annotated[Path, typer.Argument(metavar="CODES", help="The npz file that `unveil encode` wrote.")],
    out: NpzOut,
    *,
    assets: AssetsOption = None,
    landmarks_only: Annotated[
        bool, typer.Option("--landmarks-only", help="Leave out the vertices and the details of the skin.")
    ] = False,
    force: ForceOption = False,
) -> None:
    """Turn coefficients into vertices and landmarks."""
    import numpy as np

    from unveil.codes import decode as decoding
    from unveil.codes.file import read_codes
    from unveil.models.registry import family_of
    from unveil.storage.outputs import result_file

    encoded = read_codes(codes_file)
    layout, total = encoded.coefficients.layout, len(encoded.names)
    family = family_of(layout)
    head = family.load_head(assets)
    displacement = None if landmarks_only else family.open_displacement(layout, assets)
    batches = decoding.decode(head, encoded.coefficients, displacement, landmarks_only=landmarks_only)
    others = {"names": np.array(encoded.names)} | ({} if landmarks_only else {"faces": np.asarray(head.faces)})
    batches = with_progress(batches, -(-total // decoding.BATCH), doing="decoding")
    with result_file(out, "decode", inputs=[codes_file], force=force) as path:
        left_out = decoding.write_geometry(path, head, batches, others)
    what = "68 landmarks" if landmarks_only else f"{len(head.head.template)} vertices"
    for number in left_out:
        complain(f"{encoded.names[number]} is left out: its coefficients make no head of a sensible size")
    failed = f"; {len(left_out)} failed" if left_out else ""
    say(f"{out}: {count(total - len(left_out), 'head')} of {what}{failed}")
    if left_out:
        raise typer.Exit(2)
