"""The codes of a long run, kept in parts beside the output, so that a run that is killed goes on where it was.

While ``codes.npz`` is being made, ``codes.npz.parts`` holds codes files named after the crops that they cover:
``000000000-000001024.npz``, and so on without a gap. At the end they become one file and are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.imaging.io import printable
from unveil.morphable.layout import Coefficients
from unveil.reconstruct.codes import Codes, Encoded, read_codes, write_codes
from unveil.reconstruct.crops import Crops
from unveil.reconstruct.encoder import Encoder, identity
from unveil.reconstruct.heads import head_name

PART = 1024  # crops: what a run that is killed loses at most
AGAIN = "choose another output, or begin anew with --force"


class Parts:
    """What there is of the codes of one run.

    Attributes:
        folder: where the parts are.
        done: number of crops, from the first, that need not be encoded any more.
        finished: the content of the output where an earlier run has written it.

    Args:
        out: the codes file to be made.
        crops: what is encoded.
        encoder: what encodes it.
        anew: pass over the output and parts that are there.

    Raises:
        UnveilError: the output or its parts hold other codes.
    """

    def __init__(self, out: Path, crops: Crops, encoder: Encoder, *, anew: bool = False) -> None:
        none = Coefficients(encoder.layout, np.empty((0, encoder.layout.size), np.float32))
        self._out = out
        self._wanted = Codes((), none, head_name(encoder.layout), identity(encoder), crops.fingerprint)
        self.folder = out.with_name(out.name + ".parts")
        self.finished = None if anew else self._read_output()
        if anew or self.finished:
            self._remove()
        self._paths: list[Path] = []
        self.done = 0
        while (path := self._next_path()) and self._is_whole(path):
            self._paths.append(path)
            self.done = int(path.stem[10:])

    def keep(self, batches: Iterable[Encoded]) -> Iterator[Encoded]:
        """Write batches, in the order of the crops from number `done` on, to parts, and pass them on."""
        waiting: list[Encoded] = []
        for batch in batches:
            waiting.append(batch)
            if batch.stop - self.done >= PART:
                self._write(waiting)
                waiting = []
            yield batch
        self._write(waiting)

    def merge(self) -> Codes:
        """Write the output and remove the parts.

        Raises:
            UnveilError: no crop could be used, or the output cannot be written.
        """
        if self._paths:
            codes = self._joined()
            write_codes(self._out, codes)
        self._remove()
        if not self._paths:
            raise UnveilError(
                "there is no usable crop, so nothing is written; give pictures of faces, cropped and square"
            )
        return codes

    def _write(self, batches: list[Encoded]) -> None:
        names = tuple(name for batch in batches for name in batch.names)
        if not names:
            return
        values = np.concatenate([batch.values for batch in batches])
        stop = batches[-1].stop
        path = self.folder / f"{self.done:09d}-{stop:09d}.npz"
        layout = self._wanted.coefficients.layout
        write_codes(path, replace(self._wanted, names=names, coefficients=Coefficients(layout, values)))
        self._paths.append(path)
        self.done = stop

    def _joined(self) -> Codes:
        parts = [read_codes(path) for path in self._paths]
        values = np.concatenate([part.coefficients.values for part in parts])
        names = tuple(name for part in parts for name in part.names)
        return replace(self._wanted, names=names, coefficients=Coefficients(self._wanted.coefficients.layout, values))

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next_path(self) -> Path | None:
        return next(self.folder.glob(f"{self.done:09d}-{'[0-9]' * 9}.npz"), None)

    def _is_whole(self, path: Path) -> bool:
        try:
            part = read_codes(path)
        except UnveilError:  # a power failure may leave a part without its content; it is made again
            return False
        self._require_wanted(part, self.folder)
        return True

    def _read_output(self) -> Codes | None:
        if not self._out.exists():
            return None
        try:
            codes = read_codes(self._out)
        except UnveilError as error:
            raise UnveilError(f"{printable(self._out)} is there and is no codes file; {AGAIN}") from error
        self._require_wanted(codes, self._out)
        return codes

    def _require_wanted(self, codes: Codes, where: Path) -> None:
        wanted = self._wanted
        if (codes.teacher, codes.coefficients.layout) != (wanted.teacher, wanted.coefficients.layout):
            found = f"by {codes.teacher}" if codes.teacher else "of a teacher that it does not name"
            raise UnveilError(f"{printable(where)} holds codes {found}, not by {wanted.teacher}; {AGAIN}")
        if codes.crops != wanted.crops:
            raise UnveilError(f"{printable(where)} holds codes of other crops; {AGAIN}")
