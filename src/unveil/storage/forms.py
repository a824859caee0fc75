"""The form of a file by how it begins, whatever its name says: for messages about files that are something else."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

LOOK = 2**20  # bytes that are looked at
FEWEST_LINE_ENDS = 8  # by chance, one in 256 bytes before a line feed is a carriage return
FEWEST_REPLACED = 8
REPLACED = "\ufffd".encode()  # what text editors write for bytes that are no text


@dataclass(frozen=True)
class FileForm:
    """A form of files."""

    name: str
    begins: bytes  # a regular expression
    more: str = ""  # what it means that such a file is there


FORMS = (
    FileForm("an empty file", rb"\Z", "copy or download it again"),
    FileForm("a git-LFS pointer", rb"version https://git-lfs", "run `git lfs pull` where it was cloned"),
    FileForm("a saved web page", rb"\s*<(?i:!doctype html|html|head|body)", "the download needs a login or has moved"),
    FileForm("an SVG drawing", rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg", "export it as a PNG"),
    FileForm("XML", rb"\s*<(?:\?xml|[A-Za-z])", "perhaps the answer of a server that refused the download"),
    FileForm("JSON", rb'\s*[\[{]\s*(?:["\]}\[{\d.-]|null|true|false)', ""),
    FileForm("a zip file", rb"PK(?:\x03\x04|\x05\x06)", ""),
    FileForm("a gzip file", rb"\x1f\x8b", "unpack it"),
    FileForm("a bzip2 file", rb"BZh[1-9]1AY&SY", "unpack it"),
    FileForm("an xz file", rb"\xfd7zXZ\0", "unpack it"),
    FileForm("a 7z file", rb"7z\xbc\xaf\x27\x1c", "unpack it"),
    FileForm("a RAR file", rb"Rar!\x1a\x07", "unpack it"),
    FileForm("a tar", rb"(?s:.{257})ustar", ""),
    FileForm("an npy file", rb"\x93NUMPY", ""),
    FileForm("a pickle", rb"\x80[\x02-\x05]", ""),
    FileForm("an HDF5 file", rb"\x89HDF\r\n\x1a\n", ""),
    FileForm("a PDF", rb"%PDF-", ""),
    FileForm("a picture", rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|II\*\0|MM\0\*|RIFF(?s:.{4})WEBP", ""),
    FileForm("a clip", rb"(?s:.{4})ftyp(?:iso|mp4|avc1|dash|M4|MSNV|qt|3g)|\x1a\x45\xdf\xa3|RIFF(?s:.{4})AVI ", ""),
    FileForm("a GLB file", rb"glTF", ""),
    FileForm("a PLY file", rb"ply\r?\n", ""),
    FileForm("UTF-16 text", rb"\xff\xfe|\xfe\xff", "save it as UTF-8"),
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # of UTF-8, which some editors put before the text


def other_form(path: str | os.PathLike[str], *own: str) -> str:
    """Words for the form of a file in a message; "" for none of `FORMS`, for one of its ``own`` and the unreadable."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return ""
        with Path(path).open("rb") as stream:
            start = stream.read(LOOK)
    except (OSError, ValueError):
        return ""
    return damage_of(start) or other_form_of(start, *own)


def other_form_of(start: bytes, *own: str) -> str:
    """The same for a file that begins with these bytes."""
    form = form_of(start)
    if form is None or form.name in own:
        return ""
    return f"it is {form.name}" + (f": {form.more}" if form.more else "")


def form_of(start: bytes) -> FileForm | None:
    """The form of a file that begins with these bytes, None where it is none of `FORMS`."""
    text = start.removeprefix(BYTE_ORDER_MARK)
    return next((form for form in FORMS if re.match(form.begins, text)), None)


def damage_of(start: bytes) -> str:
    """How a binary file was damaged by a program that took it for text, "" where it was not."""
    if b"\0" not in start:
        return ""
    if start.count(REPLACED) >= FEWEST_REPLACED:
        return "a program has rewritten it as text; copy it again in binary"
    if start.count(b"\n") == start.count(b"\r\n") >= FEWEST_LINE_ENDS:
        return "it was copied as text: every line feed has a carriage return before it; copy it again in binary"
    return ""
