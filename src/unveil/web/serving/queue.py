"""The jobs of a server: who may add one, which is next, and when its files are deleted."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from unveil.storage.leftovers import hidden_folder, sweep_folders
from unveil.web.serving.job import PhotoJob
from unveil.web.serving.limits import Limits
from unveil.web.serving.workers import WorkerProcess

SWEEP_SECONDS = 5.0  # between looks for results that are to go


class FullError(Exception):
    """No more photographs can be taken now.

    Attributes:
        status: 429 where the client has too many, 503 where all have.
        retry_after: seconds after which to try again.
    """

    def __init__(self, status: int, why: str, retry_after: int) -> None:
        super().__init__(why)
        self.status, self.retry_after = status, retry_after


class JobQueue:
    """Jobs in the order in which they came, workers that take them, and a folder that has their files.

    Args:
        workers: processes, not started yet.
        limits: of the server.
    """

    def __init__(self, workers: Sequence[WorkerProcess], limits: Limits) -> None:
        self.limits = limits
        self._workers = workers
        self._jobs: dict[str, PhotoJob] = {}
        self._next: asyncio.Queue[PhotoJob] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(len(workers))
        self._held = ExitStack()
        temporary = Path(tempfile.gettempdir())
        sweep_folders(temporary)  # of servers that were killed
        self._folder = self._held.enter_context(hidden_folder(temporary, 0o700))
        self._seconds = 2.0  # that a job takes, smoothed; a first guess

    def start(self) -> None:
        """Start the workers; UnveilError where one cannot be."""
        list(self._threads.map(WorkerProcess.start, self._workers))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let the workers take jobs within the block."""
        tasks = [asyncio.create_task(self._serve(worker)) for worker in self._workers]
        tasks.append(asyncio.create_task(self._sweep()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    def stop(self) -> None:
        """End all processes and delete all files."""
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._held.close()

    def new(self, client: str, faces: int, *, wrinkles: bool = False) -> PhotoJob:
        """A new job, whose photograph is still to be written to its folder.

        Raises:
            FullError: the client may not send another photograph now.
        """
        active = [job for job in self._jobs.values() if not job.ended]
        seconds = max(1, round(self._seconds))
        if sum(job.client == client for job in active) >= self.limits.per_client:
            raise FullError(429, "too many photographs of yours are waiting; try again later", seconds)
        if sum(job.status == "waiting" for job in active) >= self.limits.waiting:
            raise FullError(503, "too many photographs are waiting; try again later", seconds)
        job = PhotoJob(Path(tempfile.mkdtemp(dir=self._folder)), client, faces, wrinkles)
        self._jobs[job.id] = job
        return job

    def add(self, job: PhotoJob) -> None:
        """Queue a job whose photograph has been written."""
        self._next.put_nowait(job)

    def find(self, job_id: str) -> PhotoJob | None:
        """The job of this id, None where there is none, or no longer."""
        return self._jobs.get(job_id)

    def remove(self, job: PhotoJob) -> None:
        """Forget a job and delete its files; for one in progress, when it has ended."""
        self._jobs.pop(job.id, None)
        if job.ended or job.status == "waiting":
            shutil.rmtree(job.folder, ignore_errors=True)

    def ahead(self, job: PhotoJob) -> int:
        """How many jobs are ahead of this one."""
        waiting = [other for other in self._jobs.values() if other.status == "waiting"]
        return waiting.index(job) if job in waiting else 0

    async def _serve(self, worker: WorkerProcess) -> None:
        loop = asyncio.get_running_loop()
        while True:
            job = await self._next.get()
            if job.id not in self._jobs:
                continue
            job.begin()
            start = time.monotonic()
            await loop.run_in_executor(self._threads, worker.run, job, loop.call_soon_threadsafe)
            await job.wait()  # the last call of the thread may still be on its way
            job.photo.unlink(missing_ok=True)
            if job.id not in self._jobs:
                self.remove(job)
            self._seconds += 0.2 * (time.monotonic() - start - self._seconds)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            ended = sorted((job for job in self._jobs.values() if job.ended), key=lambda job: job.ended_at or 0.0)
            last = time.time() - 60 * self.limits.keep_minutes
            surplus = len(ended) - self.limits.kept
            for k, job in enumerate(ended):
                if k < surplus or (job.ended_at or 0.0) < last:
                    self.remove(job)
