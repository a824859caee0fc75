"""CelebA's lists: a row of whole numbers for each picture, as text or, from Kaggle, as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_text

AGAIN = "get it again from where CelebA is published"
LIST = FileKind("list of CelebA", AGAIN, 2**28)


@dataclass(frozen=True)
class CelebaList:
    """One of the lists."""

    path: Path
    titles: tuple[str, ...]  # of the columns, where the list names them
    columns: int
    rows: dict[str, list[int]]

    @classmethod
    def read(cls, path: Path, columns: int | None = None) -> CelebaList:
        """Read a list; as text and without ``columns`` it begins with the number of rows and the columns' titles."""
        is_csv = path.suffix.lower() == ".csv"
        lines = [line for line in read_text(path, LIST).splitlines() if line.strip()]
        with LIST.checking(path):
            stated, titles, body = len(lines), list[str](), lines
            if is_csv:
                stated, titles, body = len(lines) - 1, _words(lines[0])[1:], lines[1:]
            elif columns is None:
                stated, titles, body = int(lines[0]), lines[1].split(), lines[2:]
            count = columns or len(titles)
            rows = dict(_row(_words(line) if is_csv else line.split(), count) for line in body)
            if len(rows) != stated or not rows:
                raise ValueError(f"it should have {stated} pictures but has {len(rows)}")
        return cls(path, tuple(titles), count, rows)

    def check_names(self, other: CelebaList) -> None:
        """UnveilError where the two lists are not about the same pictures."""
        if odd := sorted(self.rows.keys() ^ other.rows.keys()):
            raise UnveilError(
                f"{printable(self.path)} and {other.path.name} differ in {len(odd)} pictures, such as {odd[0]}; "
                "get both again from where CelebA is published"
            )

    def number(self, name: str, column: int, allowed: range) -> int:
        """A value that must be one of those allowed."""
        value = self.rows[name][column]
        if value not in allowed:
            raise UnveilError(
                f"{printable(self.path)} has {value} for {name}, not one of {list(allowed)}; get it again"
            )
        return value


def _words(line: str) -> list[str]:
    """The cells of a line of CSV; those of CelebA have neither commas nor quotes in them."""
    return [cell.strip() for cell in line.split(",")]


def _row(words: Sequence[str], count: int) -> tuple[str, list[int]]:
    name, *values = words
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values, not {count}")
    return name, [int(value) for value in values]
