"""The files of one photograph: per face meshes, coefficients and a picture, and one JSON that says it is done.

Everything is written into a hidden folder beside its destination and then renamed, the JSON last. Where
``<name>.json`` stands, every file it lists is whole; a run that was killed leaves at most the hidden folder, which
the next run of the same photograph removes.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from unveil.errors import UnveilError
from unveil.faces.files import PICTURE_ENDINGS
from unveil.faces.formats import FORMATS, OVERLAY
from unveil.faces.reconstruction import Reconstruction
from unveil.output.photo_record import RECORD_FORMAT, files_of, is_file, own_files, read_record
from unveil.storage.files import printable
from unveil.timing import StageTimes


class OutputError(UnveilError):
    """The output folder cannot be written, so that no other photograph would fare better."""


@dataclass(frozen=True)
class Options:
    """What besides the photograph decides about its files; a change of it makes them be written anew."""

    model: str  # name of the learner
    model_sha256: str  # of the learner's file
    formats: tuple[str, ...] = FORMATS
    max_faces: int | None = None
    assets: tuple[str, ...] = ()  # name and bytes of each of the user's files that heads are made with

    def to_json(self) -> dict[str, Any]:
        """As it stands in the photograph's JSON."""
        return asdict(self) | {"formats": list(self.formats), "assets": list(self.assets)}


@dataclass(frozen=True)
class Target:
    """A photograph and where its results go: ``<folder>/<name>.json``, ``<folder>/<name>_<k>.glb`` and so on."""

    photo: Path
    folder: Path
    name: str

    @property
    def record_path(self) -> Path:
        """The JSON whose presence says that the photograph is done."""
        return self.folder / f"{self.name}.json"

    @property
    def part_folder(self) -> Path:
        """Where files are written before they are whole."""
        return self.folder / f".{self.name}.part"

    def record(self) -> dict[str, Any] | None:
        """What the JSON of an earlier run says, or None where there is none of ours."""
        return read_record(self.record_path)

    def belongs_to_another(self) -> bool:
        """Whether files of this name are of another photograph that still exists, or not of unveil at all."""
        record = self.record()
        if record is None:
            left_by_a_killed_run = self.part_folder.exists()
            foreign = (self.record_path, *(self.folder / f"{self.name}_0{ending}" for ending in PICTURE_ENDINGS))
            return not left_by_a_killed_run and any(path.exists() for path in foreign)
        if record["photo"] == printable(self.photo.absolute()):
            return False
        return record["source"]["name"] != printable(self.photo.name) or is_file(Path(record["photo"]))

    def done(self, options: Options) -> dict[str, Any] | None:
        """The JSON of an earlier run of this very photograph with these options, if all its files are there."""
        record = self.record()
        if record is None or record["source"] != source_of(self.photo) or record["options"] != options.to_json():
            return None
        return record if all(is_file(self.folder / file) for file in files_of(record)) else None


def source_of(photo: Path) -> dict[str, Any]:
    """The state of a photograph: its name, size in bytes and time of change in nanoseconds."""
    status = photo.stat()
    return {"name": printable(photo.name), "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


def prepare_folder(folder: Path) -> None:
    """Create the output folder and try it out; OutputError where nothing can be written into it."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder, prefix=".unveil-"):
            pass


@dataclass(frozen=True)
class FaceFiles:
    """What was written for a face."""

    names: dict[str, str]  # file name by kind: a format, "mtl", "texture" or "overlay"
    timings: dict[str, float]  # milliseconds per stage


def write_photo(
    target: Target, faces: Sequence[Reconstruction], options: Options, source: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write the files of all faces of a photograph, all or nothing, and give back what its JSON says.

    Args:
        target: where to.
        faces: of the photograph.
        options: of the run.
        source: the state that the photograph had when it was read; its state now if left out.

    Raises:
        OutputError: a file could not be written, for example because the disk is full.
    """
    record = {"photo": printable(target.photo.absolute()), "source": source or source_of(target.photo)}
    part = target.part_folder
    with output_errors(target.folder):
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir()
            written = [_write_face(part / f"{target.name}_{k}", face, options) for k, face in enumerate(faces)]
            record |= _description(faces, written, options)
            (part / target.record_path.name).write_text(json.dumps(record, indent=1, allow_nan=False), "utf-8")
            _publish(part, target)
        finally:
            _remove(part)
    return record


def _write_face(stem: Path, face: Reconstruction, options: Options) -> FaceFiles:
    """Write the files of a face in each of the formats, and its overlay; their folder must exist."""
    clock = StageTimes()
    with clock.stage("texture"):
        face.texture()
    names: dict[str, str] = {}
    for kind in (*options.formats, OVERLAY):
        with clock.stage(kind):
            names |= face.write(stem, kind)
    return FaceFiles(names, clock.milliseconds)


def _remove(folder: Path) -> None:
    """Remove a folder and what is in it, also when the user stops the program in the middle of this."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _description(faces: Sequence[Reconstruction], written: Sequence[FaceFiles], options: Options) -> dict[str, Any]:
    height, width = faces[0].picture.shape[:2]
    timings = dict(faces[0].timings)
    for face_files in written:
        for stage, duration in face_files.timings.items():
            timings[stage] = timings.get(stage, 0.0) + duration
    return {
        "record_format": RECORD_FORMAT,
        "image": {"width": width, "height": height},
        "model": {"name": options.model, "layout": faces[0].coefficients.layout.name},
        "options": options.to_json(),
        "timings_ms": {stage: round(duration, 1) for stage, duration in timings.items()},
        "faces": [
            {"index": k, **face.to_json(), "files": face_files.names}
            for k, (face, face_files) in enumerate(zip(faces, written, strict=True))
        ],
    }


def _publish(part: Path, target: Target) -> None:
    """Move the finished files to their places, the JSON last; files of an earlier run go first."""
    earlier = target.record()
    target.record_path.unlink(missing_ok=True)
    for name in own_files(earlier, target.name) if earlier else ():
        (target.folder / name).unlink(missing_ok=True)
    files = sorted(part.iterdir(), key=lambda path: path == part / target.record_path.name)
    with ExitStack() as undo:  # a stop by the user too leaves either all files or none
        for file in files:
            destination = target.folder / file.name
            file.replace(destination)
            undo.callback(destination.unlink)
        undo.pop_all()


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the file system, also where a writer has put it into words, into an `OutputError`."""
    try:
        yield
    except (OSError, UnveilError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        why = cause.strerror or str(cause)
        hint = "free some space" if cause.errno in {errno.ENOSPC, errno.EDQUOT} else "choose another folder with -o"
        raise OutputError(f"cannot write into {printable(folder)}: {why}; {hint} and run again") from error
