"""One photograph of many, as another process or another computer may work on it: nothing is shared but the disk."""

from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from unveil.errors import UnveilError, line_of
from unveil.output.photo_files import Options, PhotoParts, source_of, write_parts
from unveil.output.photo_record import is_file
from unveil.photos.detect import smallest_found
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable
from unveil.storage.leftovers import remove
from unveil.storage.outputs import output_errors
from unveil.typing import Image

RecordOrError: TypeAlias = dict[str, Any] | Exception  # what a photograph's JSON says, or why there is none


class PhotoTask(NamedTuple):
    """The photographs to reconstruct, and where to."""

    photo: Path
    name: str  # of its results
    part: Path  # folder to be made for them; whoever gave the task takes them out of it
    earlier: dict[str, Any] | None  # the JSON of an earlier run, see `PhotoParts`


class PhotoWork:
    """Reconstructs photographs with one reconstructor; to be sent to a process once.

    Args:
        reconstructor: opened again where it is sent to.
        options: of the run.
    """

    def __init__(self, reconstructor: Reconstructor, options: Options) -> None:
        self._reconstructor, self._options = reconstructor, options

    def __call__(self, task: PhotoTask) -> RecordOrError:
        """Write all files of a photograph into the task's folder."""
        try:
            return self._reconstruct(task)
        except Exception as error:
            remove(task.part)
            return _sendable(error)

    def _reconstruct(self, task: PhotoTask) -> dict[str, Any]:
        image, source = read_whole(task.photo)
        faces = self._reconstructor.reconstruct(image, max_faces=self._options.max_faces)
        if not faces:
            raise UnveilError(
                f"no face found in {printable(task.photo)}: give a photograph with a face at least "
                f"{smallest_found(image.shape):.0f} pixels wide that looks towards the camera"
            )
        with output_errors(task.part.parent):
            task.part.mkdir()
        about = {"photo": printable(task.photo.absolute()), "source": source}
        return write_parts(PhotoParts(task.part, task.name, about, task.earlier), faces, self._options)


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


def _sendable(error: Exception) -> Exception:
    """The error, or one that says the same where it cannot be sent to another process."""
    with suppress(Exception):
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
        return error
    return RuntimeError(line_of(error))
