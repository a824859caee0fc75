"""The files of one photograph: per face meshes, coefficients and a picture, and one JSON that says it is done.

They come into the output folder together, the JSON last: where ``<name>.json`` stands, every file it lists is whole.
What an earlier run has written in other formats stays, and stays in the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from unveil.faces.files import ENDINGS
from unveil.faces.formats import ALBEDO, ALL_FORMATS, FORMATS, LIT, OVERLAY
from unveil.faces.reconstruction import Reconstruction
from unveil.output.photo_record import RECORD_FORMAT, files_of, is_file, read_record
from unveil.processes import thread_count
from unveil.storage.files import json_text, printable, write_text
from unveil.storage.names import path_of
from unveil.storage.outputs import Outputs, output_errors
from unveil.timing import StageTimes


@dataclass(frozen=True)
class Options:
    """The settings that, besides the photograph, decide its files; when they change, the files are written anew."""

    model: str  # name of the learner
    model_sha256: str  # of the learner's file
    formats: tuple[str, ...] = FORMATS
    max_faces: int | None = None
    hair: bool = True  # whether heads get the hair that the photograph shows
    wrinkles: bool = False  # whether they get its wrinkles
    texture: str = ALBEDO  # of the GLB: one of `faces.formats.TEXTURES`
    assets: tuple[str, ...] = ()  # name and bytes of each of the user's files that heads are made with

    def to_json(self) -> dict[str, Any]:
        """As it stands in the photograph's JSON."""
        return asdict(self) | {"formats": list(self.formats), "assets": list(self.assets)}

    def with_formats(self, others: Sequence[str]) -> Options:
        """The same for a photograph that has other formats as well."""
        return replace(self, formats=tuple(kind for kind in ALL_FORMATS if kind in {*self.formats, *others}))


@dataclass(frozen=True)
class Target:
    """A photograph and where its results go: ``<folder>/<name>.json``, ``<folder>/<name>_<k>.glb`` and so on."""

    photo: Path
    outputs: Outputs
    name: str

    @property
    def folder(self) -> Path:
        """The folder of the results."""
        return self.outputs.folder

    @property
    def record_path(self) -> Path:
        """The JSON whose presence says that the photograph is done."""
        return self.folder / f"{self.name}.json"

    def record(self) -> dict[str, Any] | None:
        """The content of the JSON of an earlier run, or None where there is none of ours."""
        return read_record(self.record_path)

    def belongs_to_another(self) -> bool:
        """Whether files of this name are of another photograph that still exists, or not of unveil at all."""
        record = self.record()
        if record is None:
            names = (self.record_path.name, *(f"{self.name}_0{ending}" for ending in ENDINGS))
            return any(self.outputs.is_anothers(name, path_of(self.photo)) for name in names)
        if record["photo"] == printable(self.photo.absolute()):
            return False
        return record["source"]["name"] != printable(self.photo.name) or is_file(Path(record["photo"]))

    def done(self, options: Options) -> dict[str, Any] | None:
        """The JSON of an earlier run of this very photograph with these options, if all its files are there."""
        earlier = self.earlier(options)
        return earlier if earlier and {*options.formats} <= {*earlier["options"]["formats"]} else None

    def earlier(self, options: Options) -> dict[str, Any] | None:
        """The same whatever the formats."""
        record = self.record()
        if record is None or record["source"] != source_of(self.photo):
            return None
        if record["options"] != options.to_json() | {"formats": record["options"]["formats"]}:
            return None
        return record if all(is_file(self.folder / file) for file in files_of(record)) else None


def source_of(photo: Path) -> dict[str, Any]:
    """The state of a photograph: its name, size in bytes and time of change in nanoseconds."""
    status = photo.stat()
    return {"name": printable(photo.name), "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


@dataclass(frozen=True)
class FaceFiles:
    """The files that were written for a face."""

    names: dict[str, str]  # file name by kind: a format, "mtl", "texture" or "overlay"
    timings: dict[str, float]  # milliseconds per stage


def write_photo(
    target: Target,
    faces: Sequence[Reconstruction],
    options: Options,
    of: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write the files of all faces of a photograph, all or nothing, and give back what its JSON says.

    Args:
        target: where to.
        faces: of the photograph, at least one.
        options: what they were made with, and the formats to write.
        of: paths of the photographs that the results are of, where it is not only the target's.

    Raises:
        UnveilError: a file may not be written, because it is not one of an earlier run or was changed since.
        OutputError: a file could not be written, for example because the disk is full.
    """
    about = {"photo": printable(target.photo.absolute()), "source": source_of(target.photo)}
    earlier = None if of else target.earlier(options)
    with target.outputs.part(of or path_of(target.photo), last=target.record_path.name) as part:
        return write_parts(PhotoParts(part, target.name, about, earlier), faces, options)


@dataclass(frozen=True)
class PhotoParts:
    """Where the files of a photograph are written before they come into the output folder, and what is known of it."""

    folder: Path
    name: str  # of the target
    about: dict[str, Any]  # keys of the JSON about the photograph alone
    earlier: dict[str, Any] | None = None  # the JSON of an earlier run, whose files of other formats stay


def write_parts(parts: PhotoParts, faces: Sequence[Reconstruction], options: Options) -> dict[str, Any]:
    """Write the files of all faces into the folder of the parts, and give back what the JSON says.

    Raises:
        OutputError: a file could not be written.
    """
    with output_errors(parts.folder.parent):
        written = [_write_face(parts.folder / f"{parts.name}_{k}", face, options) for k, face in enumerate(faces)]
        if parts.earlier and len(parts.earlier["faces"]) == len(faces):
            options = options.with_formats(parts.earlier["options"]["formats"])
            for files, face in zip(written, parts.earlier["faces"], strict=True):
                files.names.update(face["files"] | files.names)
        record = parts.about | _description(faces, written, options)
        write_text(parts.folder / f"{parts.name}.json", json_text(record))
    return record


def _write_face(stem: Path, face: Reconstruction, options: Options) -> FaceFiles:
    """Write the files of a face in each of the formats, and its overlay; their folder must exist."""
    clock = StageTimes()
    with clock.stage("texture"):
        face.texture()

    def write(kind: str) -> dict[str, str]:
        with clock.stage(kind):
            return face.write(stem, kind, lit=options.texture == LIT)

    with ThreadPoolExecutor(thread_count(2)) as pool:
        overlay = pool.submit(write, OVERLAY)  # which takes as long as all formats
        names = dict(chain.from_iterable(files.items() for files in pool.map(write, options.formats)))
        return FaceFiles(names | overlay.result(), clock.milliseconds)


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
