"""Many photographs, one after the other: which, under what names, and on after a bad one or a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unveil.errors import UnveilError, about
from unveil.faces.formats import ALBEDO, ALL_FORMATS, FORMATS, RELIT_FORMAT
from unveil.models.encoder import weights_sha256
from unveil.output.photo_files import Options, Target, source_of, write_photo
from unveil.output.photo_record import is_file
from unveil.photos.detect import smallest_found
from unveil.photos.io import find_images, read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable, resolved
from unveil.storage.names import distinct_names
from unveil.storage.outputs import OutputError, Outputs
from unveil.typing import Image

FARTHEST_AWAY = 60.0  # degrees between the view and where a face looks


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph, or of an input that leads to none."""

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
    inputs: Iterable[Path], out: Path, *, recursive: bool = False, note: Callable[[str], None] | None = None
) -> tuple[list[Path], list[Outcome]]:
    """The photographs in files and folders, without those in the output folder, and the inputs that have none.

    ``recursive`` and ``note`` are those of `find_images`.
    """
    photos: dict[Path, None] = {}  # a set that keeps the order
    failures = []
    results = resolved(out)
    for path in inputs:
        try:
            if resolved(path) == results and path.is_dir():
                raise UnveilError(f"{printable(path)} is both input and output: choose another folder with -o")
            found = find_images(path, recursive=recursive, without=results, note=note)
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
    """The formats to write: those wanted, or everything that tells more of the model than the basic ones.

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
    targets: Iterable[Target], reconstructor: Reconstructor, options: Options, *, again: bool = False
) -> Iterator[Outcome]:
    """Reconstruct photograph after photograph and yield what became of each; done ones are skipped unless ``again``.

    Whatever is wrong with one of them, the others are reconstructed.

    Raises:
        OutputError: the output folder cannot be written; what was done stays.
    """
    for target in targets:
        try:
            record = None if again else target.done(options)
            if record is not None:
                outcome = Outcome(target.photo, "skipped", record)
            else:
                outcome = Outcome(target.photo, "done", _reconstruct_photo(target, reconstructor, options))
        except OutputError:
            raise
        except Exception as error:  # also a fault of ours, which one photograph in a thousand may find
            outcome = Outcome(target.photo, "failed", error=about(printable(target.photo), error), cause=error)
        yield outcome


def read_whole(photo: Path) -> tuple[Image, dict[str, Any]]:
    """A photograph, and its state, which was the same before it was read and afterwards.

    Raises:
        UnveilError: it cannot be read, or somebody else was writing or replacing it meanwhile.
    """
    before = source_of(photo) if is_file(photo) else None
    image = read_image(photo)
    if before is None or source_of(photo) != before:
        raise UnveilError(f"{printable(photo)} was changed while it was read; run again when nobody writes to it")
    return image, before


def _reconstruct_photo(target: Target, reconstructor: Reconstructor, options: Options) -> dict[str, Any]:
    image, source = read_whole(target.photo)
    faces = reconstructor.reconstruct(image, max_faces=options.max_faces)
    if not faces:
        raise UnveilError(
            f"no face found in {printable(target.photo)}: give a photograph with a face at least "
            f"{smallest_found(image.shape):.0f} pixels wide that looks towards the camera"
        )
    return write_photo(target, faces, options, source)
