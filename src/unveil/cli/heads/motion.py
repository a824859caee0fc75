"""`unveil transfer` and `unveil animate`: faces that do what others do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import (
    AssetsOption,
    FolderOut,
    ForceOption,
    FormatsOption,
    HairOption,
    JsonOption,
    ModelOption,
    RecursiveOption,
    TextureOption,
    WrinklesOption,
    chosen,
    parse_formats,
    parse_texture,
)
from unveil.cli.printing import complain, count, say, say_json, with_progress
from unveil.errors import UnveilError, about, exit_status
from unveil.faces.formats import ALBEDO, LIT, MOTION_FORMATS

if TYPE_CHECKING:
    from unveil.output.follow import Follower


def transfer(
    face: Annotated[Path, typer.Argument(metavar="FACE", help="Photograph of the person.")],
    expression: Annotated[Path, typer.Argument(metavar="EXPRESSION", help="Photograph of the expression.")],
    out: FolderOut,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    formats: FormatsOption = None,
    texture: TextureOption = ALBEDO,
    hair: HairOption = True,
    wrinkles: WrinklesOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct one person with the expression of another; each photograph gives its largest face."""
    wanted, shown = parse_formats(formats), parse_texture(texture)
    from unveil.output import animate as animation
    from unveil.output import batch, photo_files
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.files import printable
    from unveil.storage.names import path_of, printable_stem, shortened
    from unveil.storage.outputs import results_in

    of = path_of(face) + path_of(expression)
    with results_in(out, "transfer", inputs=[face, expression], force=force) as outputs:
        name = shortened(f"{printable_stem(face)}_as_{printable_stem(expression)}")
        target = photo_files.Target(face, outputs, name)
        outputs.require_free([target.record_path.name], of)
        reconstructor = Reconstructor(model, assets=assets, hair=hair, wrinkles=wrinkles)
        options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), 1, shown)
        source, person = animation.see(reconstructor, expression), animation.see(reconstructor, face)
        moved = animation.with_expression(reconstructor, person, source)
        record = photo_files.write_photo(target, [moved], options, of=of)
    outcome = batch.Outcome(face, "done", record)
    for warning in outcome.warnings():
        complain(warning)
    if as_json:
        say_json({"out": printable(out), "photos": [outcome.to_json()]})
    else:
        say(f"{target.record_path}: {count(len(record['faces'][0]['files']), 'file')}")


def animate(
    head: Annotated[
        Path,
        typer.Argument(metavar="PHOTO", help="Photograph of the person, or a head: a GLB or an npz that unveil wrote."),
    ],
    out: FolderOut,
    *,
    follow: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Photograph, folder of video frames, clip, or npz of a person of a clip to follow; may be given "
            "several times.",
        ),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--arkit", metavar="FILE.csv", help="Take of Live Link Face that moves the head."),
    ] = None,
    expression: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Expression to make, such as smile; may be given several times."),
    ] = None,
    turntable: Annotated[bool, typer.Option("--turntable", help="Turn the head once around.")] = False,
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
        typer.Option(metavar="N", min=1, max=100, help="Frames per second: 30, or 12.5 with a GIF and no --arkit."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="N", min=64, max=2160, help="Pixels per side: 360 of a GIF, 720 of an MP4 if left out."),
    ] = None,
    texture: TextureOption = ALBEDO,
    hair: HairOption = True,
    wrinkles: WrinklesOption = False,
    formats: Annotated[
        str,
        typer.Option(metavar="LIST", help=f"Files to write, separated by commas: {', '.join(MOTION_FORMATS)}."),
    ] = "gif,glb,csv",
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    force: ForceOption = False,
) -> None:
    """Make a head move, as GIF, GLB, CSV or MP4: on its own, as in pictures or a take, or turning around."""
    from unveil.output import animate as animation
    from unveil.output import live_link
    from unveil.output.follow import Follower
    from unveil.output.moving_head import SUFFIXES, of_face, read_head
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.names import path_of
    from unveil.storage.outputs import results_in
    from unveil.video.clip import clips_among
    from unveil.video.movie import require_writer

    lit, is_head = parse_texture(texture) == LIT, head.suffix.lower() in SUFFIXES
    if not follow:
        of_follow = {"--recursive": recursive, "--head-pose": head_pose and not take, "--face": face}
        _refuse(of_follow, "name photographs to follow with --follow")
    if is_head:
        of_photo = {"--texture": lit, "--no-hair": not hair, "--wrinkles": wrinkles}
        _refuse(of_photo, "a saved head cannot be changed that way; give its photograph")
    ways = {"--follow": follow, "--arkit": take, "--expression": expression, "--turntable": turntable}
    if len(given := [name for name, value in ways.items() if value]) > 1:
        raise UnveilError(f"{' and '.join(given)} both say how the head moves: choose one")
    wanted = chosen(formats, MOTION_FORMATS)
    _refuse(
        {"--size": size and not {"gif", "mp4"} & {*wanted}}, "only a GIF or an MP4 has a size; add one with --formats"
    )
    _refuse({"--texture": lit and "glb" not in wanted}, "only a GLB has a texture; add one with --formats")
    if "mp4" in wanted:
        require_writer()
    usual = animation.RATE if "gif" in wanted else animation.FINE_RATE
    rate = rate or (live_link.RATE if take else usual)
    sources = animation.driving_photos(follow or (), out, recursive=recursive, note=complain)
    clips_among(sources)  # which says at once what is not installed
    copied = [take] if take else follow or ()
    copied_take = live_link.read_take(take) if take else None
    script = animation.Script(rate, copied_take, expression or (), turntable, head_pose, copied=copied)
    opened = cache(partial(Reconstructor, model, assets=assets, hair=hair, wrinkles=wrinkles))
    follower: Follower | None = None
    with results_in(out, "animate", inputs=[head, *sources, *([take] if take else [])], force=force) as outputs:
        name = animation.motion_name(head, outputs, script.name)
        moving = read_head(head, assets) if is_head else of_face(animation.see(opened(), head), lit=lit)
        if sources:
            follower = Follower(opened(), face, partial(with_progress, doing="following"))
            script = replace(script, driving=follower.follow(sources, rate))
            _complain_of(follower, len(sources))
        motion = script.motion(moving)
        with outputs.part(path_of(head)) as part:
            progress = partial(with_progress, doing="drawing")
            written = animation.write_motion(part / name, moving, motion, wanted, size, progress)
    failed = follower.failed if follower else {}
    unusable = f"; {len(failed)} failed" if failed else ""
    for path in written:
        say(f"{out / path.name}: {count(len(motion), 'frame')}{unusable}")
    if failed:
        raise typer.Exit(exit_status(failed.values()))


def _refuse(options: Mapping[str, object], why: str) -> None:
    """Raise an UnveilError where any of these options is given, as it would do nothing."""
    if given := [name for name, value in options.items() if value]:
        raise UnveilError(f"{' and '.join(given)} would do nothing: {why}")


def _complain_of(follower: Follower, total: int) -> None:
    from unveil.storage.files import printable

    for frame, error in follower.failed.items():
        complain(about(printable(frame), error), error)
    if filled := follower.filled:
        complain(
            f"the person was not found in {count(len(filled), 'frame')} of {total}, the first is "
            f"{printable(filled[0])}; there the head stays as it was"
        )
