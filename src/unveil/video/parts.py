"""The measurements of a clip, kept in parts on disk, so that a run that was killed can continue.

A part is an npz file named after the frames that it covers: ``000000000-000000128.npz``, and so on without a gap. It
has one row for each frame and one for each face in them, with all that the tracker has to remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.photos.crop import Crop
from unveil.reprs import short_repr
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.names import part_from, part_name
from unveil.storage.npz import write_npz
from unveil.video.people import SeenFace

PART = 128  # frames: what a run that is killed loses at most
KIND = FileKind("part of a clip", "remove it; its frames are then looked at again", 2**28)


@dataclass(frozen=True, eq=False)
class FrameFaces:
    """The faces in one frame, by the numbers of their people."""

    seconds: float  # since the first frame
    faces: Mapping[int, SeenFace]
    error: str = ""  # why it could not be used
    __repr__ = short_repr


class ClipParts:
    """The parts of one clip.

    Args:
        folder: where they are; there is nothing else in it.
        layout: of all coefficients.
    """

    def __init__(self, folder: Path, layout: CoefficientLayout) -> None:
        self.folder, self._layout = folder, layout

    def read(self) -> Iterator[FrameFaces]:
        """The frames, from the first, that were written earlier."""
        done = 0
        while path := part_from(self.folder, done):
            try:
                frames = list(self._frames(path))
            except UnveilError:  # a power failure may leave a part without its content; it is made again
                return
            done += len(frames)
            yield from frames

    def keep(self, frames: Iterable[FrameFaces], done: int) -> Iterator[FrameFaces]:
        """Write frames, from number ``done`` on, to parts, and pass them on."""
        waiting: list[FrameFaces] = []
        for frame in frames:
            waiting.append(frame)
            if len(waiting) == PART:
                done = self._write(waiting, done)
                waiting = []
            yield frame
        if waiting:
            self._write(waiting, done)

    def _write(self, frames: list[FrameFaces], done: int) -> int:
        rows = [(k, number, face) for k, frame in enumerate(frames) for number, face in frame.faces.items()]
        stop = done + len(frames)
        columns = {
            "seconds": np.array([frame.seconds for frame in frames]),
            "error": np.array([frame.error for frame in frames]),
            "frame": np.array([k for k, _, _ in rows], np.int64),
            "person": np.array([number for _, number, _ in rows], np.int64),
        }
        write_npz(self.folder / part_name(done, stop), columns | _columns([face for _, _, face in rows]))
        return stop

    def _frames(self, path: Path) -> Iterator[FrameFaces]:
        arrays = read_arrays(path, KIND)
        with KIND.checking(path):
            faces: list[dict[int, SeenFace]] = [{} for _ in arrays["seconds"]]
            for row, (frame, person) in enumerate(zip(arrays["frame"], arrays["person"], strict=True)):
                faces[frame][int(person)] = self._face(arrays, row)
            for seconds, error, found in zip(arrays["seconds"], arrays["error"], faces, strict=True):
                yield FrameFaces(float(seconds), found, str(error))

    def _face(self, arrays: Mapping[str, NDArray[Any]], row: int) -> SeenFace:
        deviations = arrays["deviations"][row] if "deviations" in arrays else None
        return SeenFace(
            crop=Crop(arrays["crop_matrix"][row], int(arrays["crop_size"][row])),
            coefficients=Coefficients(self._layout, arrays["coefficients"][row]),
            deviations=None if deviations is None else Coefficients(self._layout, deviations),
            occlusion=arrays["occlusion"][row] if "occlusion" in arrays else None,
            landmarks=arrays["landmarks2d"][row],
            score=float(arrays["score"][row]),
        )


def _columns(faces: list[SeenFace]) -> dict[str, NDArray[Any]]:
    """The faces as arrays by name, a row for each; without what their learner does not say."""
    if not faces:
        return {}
    columns: dict[str, list[Any]] = {
        "crop_matrix": [face.crop.matrix for face in faces],
        "crop_size": [face.crop.size for face in faces],
        "coefficients": [face.coefficients.values for face in faces],
        "deviations": [face.deviations and face.deviations.values for face in faces],
        "occlusion": [face.occlusion for face in faces],
        "landmarks2d": [face.landmarks for face in faces],
        "score": [face.score for face in faces],
    }
    return {name: np.stack(column) for name, column in columns.items() if column[0] is not None}
