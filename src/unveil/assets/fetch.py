"""Downloads of the model files that are free: resumed where a run was stopped, checked by hash, never half there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unveil.assets.model_file import ModelFile
from unveil.errors import UnveilError

CHUNK = 2**18  # bytes
SILENCE = 30  # seconds without a byte after which the connection is given up

Progress = Callable[[int, int], None]  # bytes there, bytes in all (0: not known)


def download(file: ModelFile, folder: Path, progress: Progress | None = None) -> Path:
    """Download a free file into a folder; give back its path.

    What has arrived stays in ``.<name>.part`` when the run is stopped, and the next run asks only for the rest. The
    file gets its name once its SHA-256 is right.

    Raises:
        UnveilError: the server cannot be reached, the disk cannot be written, or what came is not the file.
    """
    final, part = folder / file.name, folder / f".{file.name}.part"
    try:
        _complete(file, part, progress or (lambda done, total: None))
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UnveilError(
            f"cannot download {file.url} to {final}: {' '.join(str(reason).split())}; run the command again to continue"
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
    """Bring the part to its full length."""
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
        with part.open("ab" if resumed else "wb") as stream:
            while chunk := response.read(CHUNK):
                stream.write(chunk)
                done += len(chunk)
                progress(done, total)
    if done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
