"""One photograph on its way through the server, and its outcome."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["waiting", "working", "done", "failed"]
FRAME_PIXELS = 2**21  # of a webcam
ID_BYTES = 16  # random, so that nobody finds another's results by trying


@dataclass(frozen=True)
class Problem:
    """Why there is no result, with the HTTP status that says whose fault it is."""

    status: int
    detail: str


@dataclass(frozen=True)
class Task:
    """A task for a worker process."""

    photo: Path
    folder: Path  # for the files
    faces: int  # at most
    pixels: int  # at most
    wrinkles: bool = False  # whether heads get those that the photograph shows, where the model has a texture


@dataclass(frozen=True)
class LiveFrame:
    """A frame of a webcam on its way to the process."""

    session: str
    seconds: float  # rises from frame to frame
    picture: bytes
    others: frozenset[str]  # sessions that are not over


@dataclass(eq=False)
class PhotoJob:
    """A photograph and its progress.

    Attributes:
        folder: has the photograph, and later its results; of this job alone.
        client: address of who sent it.
        faces: at most so many are reconstructed.
        wrinkles: whether heads get those of the photograph.
    """

    folder: Path
    client: str
    faces: int
    wrinkles: bool = False
    id: str = field(default_factory=lambda: secrets.token_urlsafe(ID_BYTES))
    status: Status = "waiting"
    stage: str = "waiting"
    result: dict[str, Any] = field(default_factory=dict)  # what `work.reconstruct_files` gives
    problem: Problem | None = None
    ended_at: float | None = None  # seconds since the epoch
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def photo(self) -> Path:
        """The file that was sent."""
        return self.folder / "upload"

    @property
    def ended(self) -> bool:
        """Whether the job is over."""
        return self.status in ("done", "failed")

    def begin(self) -> None:
        """A worker has it."""
        self._now("working", "reading")

    def at(self, stage: str) -> None:
        """The worker has reached another stage."""
        self._now(self.status, stage)

    def finish(self, result: dict[str, Any]) -> None:
        """All files are there."""
        self.result = result
        self._now("done", "done")

    def fail(self, problem: Problem) -> None:
        """There will be no files."""
        self.problem = problem
        self._now("failed", "failed")

    async def changes(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Now, after each change, and at the latest every ``seconds``, until the job has ended."""
        while True:
            changed = self._changed
            yield
            if self.ended:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), seconds)

    async def wait(self) -> None:
        """Wait until the job has ended."""
        async for _ in self.changes():
            pass

    def _now(self, status: Status, stage: str) -> None:
        self.status, self.stage = status, stage
        if self.ended:
            self.ended_at = time.time()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
