"""`unveil transfer` and `unveil animate`: faces that do what others do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import (
    AssetsOption,
    FolderOut,
    ForceOption,
    FormatsOption,
    ModelOption,
    RecursiveOption,
    TextureOption,
    parse_formats,
    parse_texture,
)
from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import UnveilError, about, exit_status
from unveil.faces.formats import ALBEDO


def transfer(
    face: Annotated[Path, typer.Argument(metavar="FACE", help="Photograph of the person.")],
    expression: Annotated[Path, typer.Argument(metavar="EXPRESSION", help="Photograph of the expression.")],
    out: FolderOut,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    formats: FormatsOption = None,
    texture: TextureOption = ALBEDO,
    force: ForceOption = False,
) -> None:
    """Reconstruct one person with the expression of another; each photograph gives its largest face."""
    wanted, shown = parse_formats(formats), parse_texture(texture)
    from unveil.output import animate as animation
    from unveil.output import batch, photo_files
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.names import path_of, printable_stem, shortened
    from unveil.storage.outputs import results_in

    of = path_of(face) + path_of(expression)
    with results_in(out, "transfer", inputs=[face, expression], force=force) as outputs:
        name = shortened(f"{printable_stem(face)}_as_{printable_stem(expression)}")
        target = photo_files.Target(face, outputs, name)
        outputs.require_free([target.record_path.name], of)
        reconstructor = Reconstructor(model, assets=assets)
        options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), 1, shown)
        source, person = animation.see(reconstructor, expression), animation.see(reconstructor, face)
        moved = animation.with_expression(reconstructor, person, source)
        record = photo_files.write_photo(target, [moved], options, of=of)
    say(f"{target.record_path}: {count(len(record['faces'][0]['files']), 'file')}")


def animate(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="Photograph of the person.")],
    out: FolderOut,
    *,
    follow: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help="Photograph or folder of video frames to follow; may be given several times."
        ),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--arkit", metavar="FILE.csv", help="Take of Live Link Face that moves the head."),
    ] = None,
    recursive: RecursiveOption = False,
    head_pose: Annotated[
        bool, typer.Option("--head-pose", help="With --follow or --arkit: turn the head as well.")
    ] = False,
    face: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="With --follow: which face of the first frame to follow; 0 is the largest."
        ),
    ] = 0,
    rate: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, max=100, help="Frames per second: 12.5 if left out, with --arkit 30."),
    ] = None,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    force: ForceOption = False,
) -> None:
    """Make a head move, as GIF, GLB and CSV: it looks around and makes faces, or follows photographs or a take."""
    from unveil.output import animate as animation
    from unveil.output import live_link
    from unveil.output.follow import Follower
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.files import printable
    from unveil.storage.names import path_of
    from unveil.storage.outputs import results_in

    of_follow = {"recursive": recursive, "head-pose": head_pose and not take, "face": face}
    if not follow and (useless := [f"--{name}" for name, given in of_follow.items() if given]):
        raise UnveilError(f"{' and '.join(useless)} would do nothing: name photographs to follow with --follow")
    if follow and take:
        raise UnveilError("--follow and --arkit both say how the head moves: choose one")
    rate = rate or (live_link.RATE if take else animation.RATE)
    photos = animation.driving_photos(follow or (), out, recursive=recursive, note=complain)
    failed: dict[Path, Exception] = {}
    driving_take = live_link.read_take(take) if take else None
    inputs = [photo, *photos, *([take] if take else [])]
    with results_in(out, "animate", inputs=inputs, force=force) as outputs:
        name = animation.motion_name(photo, outputs)
        reconstructor = Reconstructor(model, assets=assets)
        seen = animation.see(reconstructor, photo)
        if follow:
            driving = with_progress(iter(photos), len(photos), doing="following")
            follower = Follower(reconstructor, face)
            motion = animation.driven_motion(follower, seen, driving, rate, head_pose=head_pose)
            failed = follower.failed
            for frame, error in failed.items():
                complain(about(printable(frame), error), error)
            if filled := follower.filled:
                complain(
                    f"the person was not found in {count(len(filled), 'frame')} of {len(photos)}, the first is "
                    f"{printable(filled[0])}; there the head stays as it was"
                )
        elif driving_take:
            motion = live_link.driven(seen, driving_take, rate, head_pose=head_pose)
        else:
            motion = animation.own_motion(seen, rate)
        with outputs.part(path_of(photo)) as part:
            written = animation.write_motion(part / name, seen, motion)
    unusable = f"; {len(failed)} failed" if failed else ""
    for path in written:
        say(f"{out / path.name}: {count(len(motion), 'frame')}{unusable}")
    if failed:
        raise typer.Exit(exit_status(failed.values()))
