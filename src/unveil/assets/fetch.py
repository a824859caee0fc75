"""Downloads of the model files that are free: resumed after an interruption, checked by hash, never half written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unveil.assets.model_file import ModelFile
from unveil.errors import UnveilError, reason_of

CHUNK = 2**18  # bytes
LARGEST = 2**30  # bytes; a server that sends more sends something else
SILENCE = 30  # seconds without a byte after which the connection is given up

Progress = Callable[[int, int], None]  # bytes there, bytes in all (0: not known)


def download(file: ModelFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download a free file into a folder; give back its path.

    What has arrived stays in ``.<name>.part`` when the run is stopped, and the next run asks only for the rest. The
    file gets its name once its SHA-256 is right.

    Raises:
        UnveilError: the server cannot be reached, the disk cannot be written, or what came is not the file, or has no
            end.
    """
    final, part = folder / file.name, folder / f".{file.name}.part"
    try:
        _complete(file, part, progress or (lambda done, total: None))
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        cause = getattr(error, "reason", error)  # of a URLError: another error, or text
        reason = reason_of(cause if isinstance(cause, Exception) else Exception(cause))
        raise UnveilError(
            f"cannot download {file.url} to {final}: {reason}; run the command again to continue"
        ) from error
    digest = _sha256(part)
    if digest != file.sha256:
        part.unlink()
        raise UnveilError(
            f"{file.url} gave a file with sha256 {digest[:12]} instead of {file.sha256[:12]}: "
            "it was changed or a proxy stands between; try again or elsewhere"
        )
    part.replace(final)
    return final


def _complete(file: ModelFile, part: Path, progress: Progress) -> None:
    """Download the rest of the part."""
    if part.is_symlink():
        part.unlink()
    there = part.stat().st_size if part.exists() else 0
    if there and _sha256(part) == file.sha256:
        return
    request = Request(file.url, headers={"Range": f"bytes={there}-"} if there else {})  # noqa: S310 (registry's address)
    try:
        response: HTTPResponse = urlopen(request, timeout=SILENCE)  # noqa: S310
    except HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not there:
            raise
        part.unlink()  # longer than the file: what is there is something else
        _complete(file, part, progress)
        return
    with response:
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        done = there if resumed else 0
        total = done + int(response.headers.get("Content-Length") or -done)
        with _opened(part, resumed=resumed) as stream:
            while chunk := response.read(CHUNK):
                done += len(chunk)
                if max(done, total) > LARGEST:
                    part.unlink()
                    raise UnveilError(
                        f"{file.url} gives more than {LARGEST} bytes, which is not the file; try elsewhere"
                    )
                stream.write(chunk)
                progress(done, total)
    if done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _opened(part: Path, *, resumed: bool) -> BinaryIO:
    """The part to write to, at its end or from the beginning; never through a link that lies in its place."""
    if not resumed:
        part.unlink(missing_ok=True)
    how = os.O_APPEND if resumed else os.O_CREAT | os.O_EXCL
    for name in ("O_NOFOLLOW", "O_BINARY"):  # of Linux and of Windows
        how |= getattr(os, name, 0)
    return os.fdopen(os.open(part, os.O_WRONLY | how, 0o666), "ab")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
