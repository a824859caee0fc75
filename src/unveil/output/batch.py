"""Many photographs: which, under what names, by how many processes, and on after a bad one or a stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from unveil.errors import UnveilError, about
from unveil.faces.formats import ALBEDO, ALL_FORMATS, FORMATS, RELIT_FORMAT
from unveil.models.encoder import weights_sha256
from unveil.output.photo_files import Options, Target
from unveil.output.photo_work import PhotoTask, PhotoWork, RecordOrError
from unveil.photos.io import find_images
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable, resolved
from unveil.storage.leftovers import remove
from unveil.storage.names import distinct_names, path_of
from unveil.storage.outputs import OutputError, Outputs

FARTHEST_AWAY = 60.0  # degrees between the view and where a face looks
Spread: TypeAlias = Callable[[Callable[[PhotoTask], RecordOrError], Sequence[PhotoTask]], Iterable[RecordOrError]]


@dataclass(frozen=True)
class Outcome:
    """The outcome for one photograph, or for an input that leads to none."""

    photo: Path
    status: Literal["done", "skipped", "failed"]
    record: dict[str, Any] | None = None  # the photograph's JSON, None where it failed
    error: str = ""
    cause: Exception | None = None  # of the failure

    def warnings(self) -> Iterator[str]:
        """A line for each face that is turned away further than the learners know faces."""
        for face in self.record["faces"] if self.record else ():
            pitch, yaw = (np.radians(face["pose_degrees"][name]) for name in ("pitch", "yaw"))
            away = float(np.degrees(np.arccos(np.cos(pitch) * np.cos(yaw))))
            away = max(away, face.get("detector_turn_degrees") or 0.0)  # of a profile, learners say too little
            if away > FARTHEST_AWAY and not face.get("doubtful"):
                yield (
                    f"{printable(self.photo)}: face {face['index']} looks {away:.0f} degrees away from the camera; "
                    "learners know little of such views, expect a wrong head"
                )

    def to_json(self) -> dict[str, Any]:
        """As it stands in the answer of ``unveil reconstruct --json``."""
        return {
            "photo": printable(self.photo),
            "status": self.status,
            "error": self.error or None,
            "faces": self.record["faces"] if self.record else [],
            "timings_ms": self.record["timings_ms"] if self.record else {},
        }


def photos_in(
    inputs: Iterable[Path],
    out: Path,
    *,
    recursive: bool = False,
    also: Collection[str] = (),
    note: Callable[[str], None] | None = None,
) -> tuple[list[Path], list[Outcome]]:
    """The photographs in files and folders, without those in the output folder, and the inputs that have none.

    ``recursive``, ``also`` and ``note`` are those of `find_images`.
    """
    photos: dict[Path, None] = {}  # a set that keeps the order
    failures = []
    results = resolved(out)
    for path in inputs:
        try:
            if resolved(path) == results and path.is_dir():
                raise UnveilError(f"{printable(path)} is both input and output: choose another folder with -o")
            found = find_images(path, recursive=recursive, without=results, also=also, note=note)
        except UnveilError as error:
            failures.append(Outcome(path, "failed", error=str(error), cause=error))
            continue
        photos |= dict.fromkeys(photo for photo in found if photo == path or results not in resolved(photo).parents)
    return list(photos), failures


def name_targets(photos: Sequence[Path], outputs: Outputs) -> list[Target]:
    """A name for the results of each photograph, as `distinct_names` gives it.

    A name is also taken when the output folder holds results of something else under it.
    """
    names = distinct_names(photos, lambda photo, name: Target(photo, outputs, name).belongs_to_another())
    return [Target(photo, outputs, name) for photo, name in names.items()]


def formats_for(reconstructor: Reconstructor, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The formats to write: those wanted, or the basic ones, and all of a model that gives details of the skin.

    Raises:
        UnveilError: a format is wanted that needs details of the skin or a texture, and the model gives none.
    """
    possible: tuple[str, ...] = FORMATS
    if reconstructor.skin.has_details:
        possible = ALL_FORMATS
    elif reconstructor.morphable.textured:
        possible = (*FORMATS, RELIT_FORMAT)
    if wanted is None:
        return ALL_FORMATS if reconstructor.skin.has_details else FORMATS
    impossible = [kind for kind in wanted if kind not in possible]
    if impossible:
        textured = reconstructor.morphable.textured
        lacks = "details of the skin" if textured else "texture coordinates"
        raise UnveilError(
            f"{reconstructor.encoder.name} gives no {lacks}, so there is no {' and no '.join(impossible)}: "
            f"choose from {', '.join(possible)}, or a model such as deca{', or --wrinkles' * textured}"
        )
    return wanted


def options_for(
    reconstructor: Reconstructor, formats: tuple[str, ...], max_faces: int | None, texture: str = ALBEDO
) -> Options:
    """The options of a run with this model."""
    encoder = reconstructor.encoder
    # Names and sizes: a colour space is a gigabyte, and hashing it would take as long as many photographs.
    assets = tuple(f"{printable(path.name)} {path.stat().st_size}" for path in reconstructor.skin.files)
    return Options(
        model=encoder.name,
        model_sha256=weights_sha256(encoder),
        formats=formats,
        max_faces=max_faces,
        hair=reconstructor.hair,
        wrinkles=reconstructor.wrinkles,
        texture=texture,
        assets=assets,
    )


def reconstruct_photos(
    targets: Sequence[Target],
    reconstructor: Reconstructor,
    options: Options,
    *,
    again: bool = False,
    spread: Spread = map,
) -> Iterator[Outcome]:
    """Reconstruct photographs and yield what became of each: first those that are done already, unless ``again``.

    Whatever is wrong with one of them, the others are reconstructed. Whoever does the work, files come into the output
    folder from this process alone, all of a photograph together: each once, and a run that was stopped goes on.

    Args:
        targets: the photographs, and where to.
        reconstructor: what to do it with.
        options: of the run.
        again: also what is done.
        spread: how work is shared out, such as `processes.each_in_processes` with a number.

    Raises:
        OutputError: the output folder cannot be written; what was done stays.
    """
    left: list[tuple[Target, dict[str, Any] | None]] = []  # with the JSON of an earlier run
    for target in targets:
        try:
            record, earlier = None if again else target.done(options), target.earlier(options)
        except Exception as error:
            yield _failed(target, error)
            continue
        if record is None:
            left.append((target, earlier))
        else:
            yield Outcome(target.photo, "skipped", record)
    if not left:
        return
    with left[0][0].outputs.staging() as staging:
        tasks = [PhotoTask(target.photo, target.name, staging / target.name, earlier) for target, earlier in left]
        for (target, _), task, made in zip(left, tasks, spread(PhotoWork(reconstructor, options), tasks), strict=True):
            yield _taken_in(target, task, made)


def _taken_in(target: Target, task: PhotoTask, made: RecordOrError) -> Outcome:
    """Let the files of a photograph come into the output folder."""
    if isinstance(made, OutputError):
        raise made
    if isinstance(made, Exception):  # also a fault of ours, which one photograph in a thousand may find
        return _failed(target, made)
    try:
        target.outputs.publish(task.part, path_of(target.photo), last=target.record_path.name)
    except OutputError:
        raise
    except UnveilError as error:
        return _failed(target, error)
    finally:
        remove(task.part)
    return Outcome(target.photo, "done", made)


def _failed(target: Target, error: Exception) -> Outcome:
    return Outcome(target.photo, "failed", error=about(printable(target.photo), error), cause=error)
