"""The pictures of a folder in natural order, and in one line what else is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from unveil.storage.files import printable, resolved

# HEIC is among them also where its reader is not installed: such a picture is wanted, and reading it says what to do.
SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif",
    ".bmp", ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc",
    ".psd", ".sgi", ".pcx", ".qoi",
})  # fmt: skip
MOST_KINDS = 6  # named in the line


@dataclass(frozen=True)
class PictureFolder:
    """The content of a folder."""

    folder: Path
    pictures: list[Path] = field(default_factory=list)  # in natural order, those of inner folders after its own
    other: Counter[str] = field(default_factory=Counter)  # number of other things by kind
    inner: list[Path] = field(default_factory=list)  # folders that were not looked into
    also: Collection[str] = ()  # suffixes of other files that count as pictures

    def left_out(self) -> str:
        """One line on what is not among the pictures; "" where they are all there is, but for hidden files."""
        parts = [f"{number} {kind}" for kind, number in self.other.most_common(MOST_KINDS)]
        if rest := self.other.total() - sum(number for _, number in self.other.most_common(MOST_KINDS)):
            parts.append(f"{rest} of other kinds")
        if self.inner:
            folders = "1 folder" if len(self.inner) == 1 else f"{len(self.inner)} folders"
            parts.insert(0, f"{folders} (--recursive looks inside)")
        return f"left out of {printable(self.folder)}: {', '.join(parts)}" if parts else ""

    def add(self, child: Path, *, recursive: bool) -> bool:
        """Put a child where it belongs; whether it is a folder to be looked into."""
        suffix = child.suffix.lower()
        if child.is_dir():
            if recursive and not child.is_symlink():
                return True
            if recursive:  # a link may lead in circles
                self.other["link to a folder"] += 1
            else:
                self.inner.append(child)
        elif suffix not in SUFFIXES and suffix not in self.also:
            self.other[printable(suffix) or "without a suffix"] += 1
        elif child.is_file():
            self.pictures.append(child)
        else:  # a link that leads nowhere, a pipe, a device
            self.other[f"{suffix} (no file)"] += 1
        return False


def look_through(
    folder: Path, *, recursive: bool = False, without: Path | None = None, also: Collection[str] = ()
) -> PictureFolder:
    """The pictures directly in a folder, or also in those inside; what is hidden is passed over.

    Args:
        folder: where to look.
        recursive: look into inner folders as well.
        without: a folder to pass over, such as that of the results; resolved.
        also: suffixes of other files to take for pictures, in small letters.

    Raises:
        OSError: the folder cannot be listed. An inner one that cannot is left out.
    """
    found = PictureFolder(folder, also=also)
    pending = [folder]
    while pending:
        current = pending.pop()
        try:
            visible = [child for child in current.iterdir() if not child.name.startswith(".")]
            if without is not None:
                visible = [child for child in visible if not (child.is_dir() and resolved(child) == without)]
            within = [child for child in sorted(visible, key=natural) if found.add(child, recursive=recursive)]
        except OSError:
            if current == folder:
                raise
            found.other["folder that cannot be read"] += 1
        else:
            pending += reversed(within)
    return found


def natural(path: Path) -> tuple[list[str | int], list[str | int], str]:
    """Sorts names as people do: frame before frame_2, that before frame_10, and capitals beside small letters."""

    def parts(text: str) -> list[str | int]:
        return [int(part) if k % 2 else part for k, part in enumerate(re.split(r"([0-9]+)", text.casefold()))]

    return parts(path.stem), parts(path.suffix), path.name
