"""`unveil reconstruct` and `unveil demo`: photographs to heads."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unveil.cli.options import (
    AssetsOption,
    FolderOut,
    ForceOption,
    FormatsOption,
    HairOption,
    JsonOption,
    ModelOption,
    RayAddressOption,
    RecursiveOption,
    TextureOption,
    WrinklesOption,
    parse_formats,
    parse_texture,
)
from unveil.cli.printing import complain, count, say, say_json, with_progress
from unveil.errors import exit_status
from unveil.faces.formats import ALBEDO
from unveil.processes import share_one_heap

if TYPE_CHECKING:
    from unveil.output.batch import Outcome
    from unveil.output.clip_run import ClipOutcome


def reconstruct(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO_OR_FOLDER", help="Photographs, clips such as .mp4, or folders of both."),
    ],
    out: FolderOut,
    *,
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    formats: FormatsOption = None,
    texture: TextureOption = ALBEDO,
    max_faces: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="At most this many faces of a photograph: the largest that are not doubtful."
        ),
    ] = None,
    hair: HairOption = True,
    wrinkles: WrinklesOption = False,
    recursive: RecursiveOption = False,
    workers: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=256, help="Processes that share the photographs; best is one per core."),
    ] = 1,
    ray: Annotated[
        bool, typer.Option("--ray", help="Use all processors of a Ray cluster, or of this machine (needs Ray).")
    ] = False,
    ray_address: RayAddressOption = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Do again what an earlier run has finished, and replace files even if they are not from it or were "
            "changed since.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Reconstruct every face of photographs and clips: a textured, animatable head for each."""
    wanted, shown = parse_formats(formats), parse_texture(texture)
    share_one_heap()
    with _importing():
        from unveil.cli.heads.clips import follow_clips
        from unveil.output import batch, spreading
        from unveil.output.clip_target import name_clips
        from unveil.reconstruct.pipeline import Reconstructor
        from unveil.storage.outputs import results_in
        from unveil.video.clip import SUFFIXES as CLIPS
        from unveil.video.clip import clips_among

    clips = clips_among(inputs)
    others = [path for path in inputs if path not in clips]
    found, outcomes = batch.photos_in(others, out, recursive=recursive, also=CLIPS, note=complain)
    photos = [path for path in found if path.suffix.lower() not in CLIPS]
    filmed = [path for path in found if path.suffix.lower() in CLIPS and path not in clips]
    clips += _clips_in_folders(filmed, wanted, alone=not photos)
    followed: list[ClipOutcome] = []
    with ExitStack() as held:
        running: Iterator[Outcome] = iter(())
        if photos or clips:
            outputs = held.enter_context(results_in(out, "reconstruct", inputs=[*photos, *clips], force=force))
            reconstructor = Reconstructor(model, assets=assets, hair=hair, wrinkles=wrinkles)
            options = batch.options_for(reconstructor, batch.formats_for(reconstructor, wanted), max_faces, shown)
            targets = batch.name_targets(photos, outputs)
            spread = spreading.on_cluster(ray_address) if ray or ray_address else spreading.in_processes(workers)
            running = batch.reconstruct_photos(targets, reconstructor, options, again=force, spread=spread)
        everything, total = _chain(outcomes, running), len(outcomes) + len(photos)
        finished = _report(with_progress(everything, total, doing="reconstructing", quiet=as_json), quiet=as_json)
        if clips:
            followed = follow_clips(name_clips(clips, outputs), reconstructor, options, again=force, quiet=as_json)
    _summarise(finished, followed, out, as_json=as_json)
    causes = [*(outcome.cause for outcome in finished), *(outcome.cause for outcome in followed)]
    if status := exit_status(filter(None, causes)):
        raise typer.Exit(status)


def demo(out: FolderOut = Path("demo-output"), *, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Reconstruct the photograph that comes with unveil."""
    from unveil.assets.store import packaged

    reconstruct([packaged("demo.jpg")], out, force=force, as_json=as_json)


@contextmanager
def _importing() -> Iterator[None]:
    """Looks for no garbage among what stays as long as the process: a tenth of the time to a first result."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _clips_in_folders(clips: list[Path], wanted: tuple[str, ...] | None, *, alone: bool) -> list[Path]:
    """Those that are to be followed: all, unless they cannot be and are not alone, but among photographs."""
    from unveil.output.clip_run import CLIP_FORMATS
    from unveil.video.clip import clips_among

    why = ""
    if wanted is not None and not set(wanted) & set(CLIP_FORMATS):
        why = f"clips give no more than {', '.join(CLIP_FORMATS)}"
    elif find_spec("av") is None:
        why = "to read them, pip install 'unveil[video]'"
    if not why or alone:
        return clips_among(clips)
    if clips:
        complain(f"left out {count(len(clips), 'clip')}: {why}")
    return []


def _chain(outcomes: Iterable[Outcome], running: Iterator[Outcome]) -> Iterator[Outcome]:
    yield from outcomes
    yield from running


def _report(outcomes: Iterator[Outcome], *, quiet: bool) -> list[Outcome]:
    """Print each outcome as it comes: failures to stderr always, the rest to stdout unless a script is reading it."""
    finished = []
    for outcome in outcomes:
        finished.append(outcome)
        for warning in outcome.warnings():
            complain(warning)
        if outcome.status == "failed":
            complain(outcome.error, outcome.cause)
        elif not quiet:
            say(_line(outcome))
    return finished


def _line(outcome: Outcome) -> str:
    from unveil.storage.files import printable

    faces = outcome.record["faces"] if outcome.record else []
    what = count(len(faces), "face")
    if doubtful := sum(face.get("doubtful", False) for face in faces):
        what += f", {'' if doubtful == len(faces) else f'{doubtful} of them '}doubtful (perhaps no face)"
    already = " (already done)" if outcome.status == "skipped" else ""
    return f"{printable(outcome.photo)}: {what}{already}"


def _summarise(finished: list[Outcome], followed: list[ClipOutcome], out: Path, *, as_json: bool) -> None:
    from unveil.storage.files import printable

    counts: dict[str, Any] = _counts(finished)
    counts["faces"] = sum(len(outcome.record["faces"]) for outcome in finished if outcome.record)
    if as_json:
        answer = {"out": printable(out), "summary": counts, "photos": [outcome.to_json() for outcome in finished]}
        say_json(answer | ({"clips": [outcome.to_json() for outcome in followed]} if followed else {}))
        return
    if len(finished) > 1 or counts["faces"]:
        found = f"; {count(counts['faces'], 'face')} in {printable(out)}" if counts["faces"] else ""
        say(f"{count(len(finished), 'photograph')}: {_counted(finished)}{found}")
    if len(followed) > 1:
        where = f" in {printable(out)}" if any(outcome.record for outcome in followed) else ""
        say(f"{count(len(followed), 'clip')}: {_counted(followed)}{where}")
    heads = [face for outcome in finished if outcome.record for face in outcome.record["faces"]]
    heads += [person for outcome in followed if outcome.record for person in outcome.record["people"]]
    _say_what_next([head["files"].get("glb") for head in heads], out)


def _say_what_next(glbs: list[str | None], out: Path) -> None:
    """How to see heads by the names of their files, where a person is looking and a page can hold them."""
    import shlex
    import subprocess

    from unveil.storage.files import on_terminal
    from unveil.web.results import MOST_HEADS

    there = [name for name in glbs if name is not None]
    if on_terminal(sys.stdout) and 0 < len(there) <= MOST_HEADS:
        shown = str(out if len(there) > 1 else out / there[0])
        quoted = subprocess.list2cmdline([shown]) if os.name == "nt" else shlex.quote(shown)
        say(f"To turn {'them' if len(there) > 1 else 'it'} in the browser: unveil view {quoted}")


def _counts(outcomes: Sequence[Outcome | ClipOutcome]) -> dict[str, int]:
    """How many have each status."""
    return {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")}


def _counted(outcomes: Sequence[Outcome | ClipOutcome]) -> str:
    return ", ".join(f"{number} {status}" for status, number in _counts(outcomes).items() if number)
