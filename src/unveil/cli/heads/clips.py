"""Clips given to `unveil reconstruct`: followed one after the other, with what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import about
from unveil.storage.files import printable

if TYPE_CHECKING:
    from unveil.output.clip_run import ClipOutcome
    from unveil.output.clip_target import ClipTarget
    from unveil.output.photo_files import Options
    from unveil.reconstruct.pipeline import Reconstructor


def follow_clips(
    targets: Iterable[ClipTarget], reconstructor: Reconstructor, options: Options, *, again: bool, quiet: bool
) -> list[ClipOutcome]:
    """Make the files of clips; whatever is wrong with one, the others are made.

    Raises:
        OutputError: the output folder cannot be written; what was done stays.
    """
    finished = []
    for target in targets:
        outcome = _follow(target, reconstructor, options, again=again, quiet=quiet)
        finished.append(outcome)
        if outcome.status == "failed":
            complain(outcome.error, outcome.cause)
        elif not quiet:
            say(_line(outcome))
        for problem in outcome.record["problems"] if outcome.record else ():
            complain(f"{printable(target.clip)}: {problem}")
    return finished


def _follow(
    target: ClipTarget, reconstructor: Reconstructor, options: Options, *, again: bool, quiet: bool
) -> ClipOutcome:
    from unveil.output.clip_run import ClipOutcome, ClipRun
    from unveil.storage.outputs import OutputError

    try:
        run = ClipRun(target, reconstructor, options, again=again)
        for _ in with_progress(run.steps(), run.expected, doing=printable(target.clip.name), quiet=quiet):
            pass
        return ClipOutcome(target.clip, "skipped" if run.skipped else "done", run.record)
    except OutputError:
        raise
    except Exception as error:  # as with photographs
        return ClipOutcome(target.clip, "failed", error=about(printable(target.clip), error), cause=error)


def _line(outcome: ClipOutcome) -> str:
    record = outcome.record or {}
    people, seconds = len(record["people"]), record["seconds"]
    already = " (already done)" if outcome.status == "skipped" else ""
    who = "1 person" if people == 1 else f"{people} people"
    return f"{printable(outcome.clip)}: {who} in {count(record['frames'], 'frame')}, {seconds:.1f} s{already}"
