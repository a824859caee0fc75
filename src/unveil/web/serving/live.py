"""A webcam's frames as they come: heads of people who move, in a process of its own that starts with the first frame.

A client sends its next frame when the last one is answered, so the machine sets the rate. Frames are not kept;
of a session there is what `LiveHeads` knows, until no frame has come for a while.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from unveil.web.serving.job import LiveFrame, Problem
from unveil.web.serving.workers import WorkerProcess

SESSIONS = 4  # at once
IDLE_SECONDS = 20.0  # after which a session is forgotten
FRAME_BYTES = 2**20
FRAME_SECONDS = 60.0  # that a frame may take, also the first, for which the process starts


def run_live(connection: Connection, model: str, assets: Path | None) -> None:
    """Answer frames in a process; imports happen here, as the server itself does not need them."""
    from unveil.web.serving.frames import answer_frames

    answer_frames(connection, model, assets)


@dataclass(eq=False)
class Live:
    """The sessions of a server, and the process that works on their frames.

    Attributes:
        worker: runs `run_live`; not started yet.
    """

    worker: WorkerProcess
    _last: dict[str, float] = field(default_factory=dict)  # of each session: when its last frame came or was answered
    _busy: set[str] = field(default_factory=set)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def see(self, session: str, picture: bytes) -> dict[str, Any] | Problem:
        """The heads in a frame; ``session`` is "" for a new one, else that of the previous answer."""
        now = time.monotonic()
        self._forget(now)
        if session in self._busy:
            return Problem(429, "the frame before is not answered yet")
        if session not in self._last:
            if len(self._last) >= SESSIONS:
                return Problem(503, "too many cameras are live; try again later")
            session = secrets.token_urlsafe(16)
        self._last[session] = now
        frame = LiveFrame(session, now, picture, frozenset(self._last))
        self._busy.add(session)
        try:
            loop = asyncio.get_running_loop()
            said = await loop.run_in_executor(self._thread, self.worker.ask, frame, FRAME_SECONDS)
        finally:
            self._busy.discard(session)
            self._last[session] = time.monotonic()
        return said if isinstance(said, Problem) else said | {"session": session}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within the block the process ends where nobody needs it, and after it in any case."""
        sweeping = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            self._thread.shutdown(wait=False, cancel_futures=True)
            self.worker.stop()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            self._forget(time.monotonic())
            if not self._last:  # so that the thread has nothing to ask
                self.worker.stop()

    def _forget(self, now: float) -> None:
        for session, last in [*self._last.items()]:
            if now - last > IDLE_SECONDS and session not in self._busy:
                del self._last[session]
