"""The codes of a long run, kept in parts beside the output, so that a run that was killed can continue.

While ``codes.npz`` is being made, ``codes.npz.parts`` holds codes files named after the crops that they cover:
``000000000-000001024.npz``, and so on without a gap. At the end they become one file and are removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from unveil.codes.crops import Crops
from unveil.codes.encode import Encoded
from unveil.codes.file import Codes, read_codes, write_codes
from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Encoder, identity
from unveil.models.registry import family_of
from unveil.storage.files import printable
from unveil.storage.made_with import require_same
from unveil.storage.names import PART_NAMES, part_from, part_name
from unveil.storage.outputs import alone_in
from unveil.typing import Float32s

PART = 1024  # crops: what a run that is killed loses at most
AGAIN = "choose another output, or begin anew with --force"


def parts_folder(out: Path) -> Path:
    """Where the parts of a codes file are while it is being made."""
    return out.with_name(out.name + ".parts")


@contextmanager
def parts_in(out: Path) -> Iterator[None]:
    """Have the folder of the parts of a codes file until the block ends; where it is empty then, it is removed.

    Raises:
        UnveilError: another process is making the same file, it is a folder, or the folder cannot be written.
    """
    if out.is_dir():
        raise UnveilError(f"{printable(out)} is a folder; name a file to write")
    folder = parts_folder(out)
    try:
        with alone_in(folder, "encode"):
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()


class PartialCodes:
    """The codes of one run, as far as they have been made.

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
        self._names = crops.names
        self._wanted = Codes((), none, family_of(encoder.layout).name, identity(encoder), crops.fingerprint)
        self.folder = parts_folder(out)
        self.finished = None if anew else self._read_output(out)
        if anew or self.finished:
            self.remove()
        self._paths: list[Path] = []
        self.done = 0
        while (path := part_from(self.folder, self.done)) and self._is_whole(path):
            self._paths.append(path)
            self.done = int(path.stem[10:])

    def keep(self, batches: Iterable[Encoded]) -> Iterator[Encoded]:
        """Write batches, in the order of the crops from number `done` on, to parts, and pass them on."""
        waiting: list[Encoded] = []
        for batch in batches:
            waiting.append(batch)
            if batch.stop - self.done >= PART and any(len(b.values) for b in waiting):
                self._write(waiting)
                waiting = []
            yield batch
        if any(len(b.values) for b in waiting):
            self._write(waiting)

    def merge(self, path: Path) -> Codes:
        """Write the codes of all parts to one file.

        Raises:
            UnveilError: no crop could be used, or the file cannot be written.
        """
        if not self._paths:
            raise UnveilError(
                "there is no usable crop, so nothing is written; give pictures of faces, cropped and square"
            )
        parts = [read_codes(path) for path in self._paths]
        codes = self._with((name for p in parts for name in p.names), (p.coefficients.values for p in parts))
        write_codes(path, codes)
        return codes

    def remove(self) -> None:
        """Remove the parts, now that the output is there."""
        for path in self.folder.glob(PART_NAMES):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # where something else is in it, too
            self.folder.rmdir()

    def _write(self, batches: list[Encoded]) -> None:
        start, stop = self.done, batches[-1].stop
        failed = {number for batch in batches for number in batch.errors}
        names = [self._names[k] for k in range(start, stop) if k not in failed]
        path = self.folder / part_name(start, stop)
        write_codes(path, self._with(names, [batch.values for batch in batches]))
        self._paths.append(path)
        self.done = stop

    def _with(self, names: Iterable[str], values: Iterable[Float32s]) -> Codes:
        coefficients = Coefficients(self._wanted.coefficients.layout, np.concatenate(list(values)))
        return replace(self._wanted, names=tuple(names), coefficients=coefficients)

    def _is_whole(self, path: Path) -> bool:
        try:
            part = read_codes(path)
        except UnveilError:  # a power failure may leave a part without its content; it is made again
            return False
        self._require_wanted(part, self.folder)
        return True

    def _read_output(self, out: Path) -> Codes | None:
        if not out.exists():
            return None
        try:
            codes = read_codes(out)
        except UnveilError as error:
            raise UnveilError(f"{printable(out)} is there and is no codes file; {AGAIN}") from error
        self._require_wanted(codes, out)
        return codes

    def _require_wanted(self, codes: Codes, where: Path) -> None:
        found, wanted = (
            {"teacher": each.teacher, "layout": each.coefficients.layout, "crops": each.crops}
            for each in (codes, self._wanted)
        )
        require_same(where, found, wanted, what="holds other codes", advice=AGAIN)
