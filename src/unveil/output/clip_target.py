"""A clip and the files of its results: ``<clip>_clip.json`` is written last, and says that all the others are whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.leftovers import sweep_files
from unveil.storage.made_with import note_settings
from unveil.storage.names import PART_NAMES, distinct_names, path_of
from unveil.storage.outputs import Outputs, output_errors
from unveil.storage.text import read_json

KIND = FileKind("record of a clip", "reconstruct the clip again", 2**24)
NOTE = "made_with.json"  # in the folder of the parts


@dataclass(frozen=True)
class ClipTarget:
    """A clip and where its results go: ``<folder>/<name>_clip.json``, ``<folder>/<name>_person0.glb`` and so on."""

    clip: Path
    outputs: Outputs
    name: str

    @property
    def record_path(self) -> Path:
        """The JSON whose presence says that the clip is done."""
        return self.outputs.folder / f"{self.name}_clip.json"

    def done(self, made_with: Mapping[str, Any]) -> dict[str, Any] | None:
        """The JSON of an earlier run of this very clip with the same settings, if all its files are there."""
        try:
            record: dict[str, Any] = read_json(self.record_path, KIND)
            same = all(record[name] == value for name, value in made_with.items())
            names = [record["overlay"], *(name for person in record["people"] for name in person["files"].values())]
            return record if same and all((self.outputs.folder / str(name)).is_file() for name in names) else None
        except (UnveilError, OSError, KeyError, TypeError, AttributeError):  # it is not there, or somebody else's
            return None

    @contextmanager
    def parts(self, made_with: Mapping[str, Any], *, again: bool = False) -> Iterator[Path]:
        """The folder of what was seen so far; removed when the block ends without an error, or with nothing seen.

        What was made with other settings is removed first, or ``again`` all that is there.
        """
        folder = self.outputs.folder / f"{self.name}_clip.parts"
        with output_errors(self.outputs.folder):
            folder.mkdir(exist_ok=True)
            sweep_files(folder)
            if again:
                _remove_parts(folder)
            self._note(folder, made_with)
        finished = False
        try:
            yield folder
            finished = True
        finally:
            if finished or not any(folder.glob(PART_NAMES)):
                _remove_parts(folder)
                with suppress(OSError):  # where something else is in it, too
                    folder.rmdir()

    def _note(self, folder: Path, made_with: Mapping[str, Any]) -> None:
        try:
            note_settings(folder / NOTE, made_with, what="holds parts of another clip", advice="remove it")
        except UnveilError:
            _remove_parts(folder)
            note_settings(folder / NOTE, made_with, what="holds parts of another clip", advice="remove it")


def name_clips(clips: Sequence[Path], outputs: Outputs) -> list[ClipTarget]:
    """A name for the results of each clip, as `distinct_names` gives it."""
    names = distinct_names(clips, lambda clip, name: outputs.is_anothers(f"{name}_clip.json", path_of(clip)))
    return [ClipTarget(clip, outputs, name) for clip, name in names.items()]


def _remove_parts(folder: Path) -> None:
    for path in (*folder.glob(PART_NAMES), folder / NOTE):
        path.unlink(missing_ok=True)
