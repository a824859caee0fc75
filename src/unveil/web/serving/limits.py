"""The limits of what a server takes, keeps and spends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a server; beyond them it answers 413, 422, 429 or 503."""

    megabytes: int = 24  # of an upload
    megapixels: int = 40  # of a photograph, which takes 3 bytes a pixel when it is unpacked
    faces: int = 12  # of a photograph
    seconds: float = 60.0  # of work on a photograph
    waiting: int = 32  # photographs that wait for a worker
    per_client: int = 16  # photographs of one address that wait or are worked on
    keep_minutes: float = 30.0  # until results are deleted
    kept: int = 200  # results at once; the oldest go first
