"""A checksum within a torch file, in the comment of its zip archive, which torch ignores.

Torch itself does not compare the sums of a zip file, so a disk that loses a bit would go unnoticed.
"""

import hashlib
import io
import struct
from pathlib import Path

END = b"PK\x05\x06"  # with what begins the last record of a zip file without a comment
END_SIZE = 22  # bytes; the last two are the comment's length (APPNOTE.TXT, 4.3.16)
MARK = b"sha256 "
SIZE = len(MARK) + 64  # bytes of the comment
CHUNK = 2**20


def add_checksum(file: io.BytesIO) -> None:
    """Give a zip file without a comment the checksum of what comes before the comment as its comment.

    It is changed in place, because it may be gigabytes large.
    """
    with file.getbuffer() as data:
        if data[-END_SIZE:][:4] != END or data[-2:] != bytes(2):
            raise ValueError("it is no zip file without a comment")
        data[-2:] = struct.pack("<H", SIZE)
        digest = hashlib.sha256(data).hexdigest()
    file.seek(0, io.SEEK_END)
    file.write(MARK + digest.encode())


def require_checksum(path: Path) -> None:
    """Raise ValueError where a file does not match its checksum; a file without one, from an older version, passes."""
    left = path.stat().st_size - SIZE
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while left > 0 and (part := stream.read(min(CHUNK, left))):
            digest.update(part)
            left -= len(part)
        comment = stream.read()
    if comment.startswith(MARK) and comment[len(MARK) :] != digest.hexdigest().encode():
        raise ValueError("it has changed since it was written: its checksum is another")
