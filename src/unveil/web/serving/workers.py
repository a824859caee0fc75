"""Processes that reconstruct, one job at a time each: a job that crashes or hangs takes down only its own process."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.web.serving.job import PhotoJob, Problem, Task

START_SECONDS = 300.0  # to import, to open the models and to compile, on a busy machine
STATUS = {"large": 413, "refused": 422, "failed": 500}  # of HTTP, by a worker's answer
CRASHED = "the process that worked on this photograph ended; no other photograph is affected"

Call = Callable[..., object]  # runs a function in the server's thread


def run_worker(connection: Connection, model: str, assets: Path | None) -> None:
    """Answer tasks in a worker process; imports happen here, as the server itself does not need them."""
    from unveil.web.serving.work import answer_tasks

    answer_tasks(connection, model, assets)


@dataclass(eq=False)
class WorkerProcess:
    """A process with its models, seen from the server, which uses it in a thread of its own.

    Attributes:
        model: name of the learner, or the path of its file.
        assets: folder with a research model's files.
        seconds: that a job may take.
        pixels: that a photograph may have.
        target: what runs in the process.
    """

    model: str
    assets: Path | None
    seconds: float
    pixels: int
    target: Callable[..., None] = run_worker
    _process: SpawnProcess | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process and wait until it can work; UnveilError where it cannot."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=self.target, args=(theirs, self.model, self.assets), daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is an end of the pipe
        kind, why = "", "it ended"
        with suppress(EOFError, OSError):
            if self._connection.poll(START_SECONDS):
                kind, why = self._connection.recv()
        if kind != "ready":
            self.stop()
            raise UnveilError(why if kind else f"a worker process could not start: {why}; try `unveil doctor`")

    def run(self, job: PhotoJob, call: Call) -> None:
        """Do a job; whatever happens, the job ends. Its methods are called through ``call``."""
        outcome: tuple[Any, ...] = job.fail, Problem(500, CRASHED)
        try:
            if self._process is None or not self._process.is_alive():
                self.stop()
                self.start()
            if self._connection is not None:
                outcome = self._work(self._connection, job, call)
        except Exception:  # the process is gone, or cannot be started
            self.stop()
        call(*outcome)

    def ask(self, question: object, seconds: float) -> Any | Problem:
        """The process's answer to something other than a job; the process is started if need be."""
        try:
            if self._process is None or not self._process.is_alive():
                self.stop()
                self.start()
            if self._connection is not None:
                self._connection.send(question)
                if self._connection.poll(seconds):
                    kind, said = self._connection.recv()
                    return said if kind == "done" else Problem(STATUS[kind], said)
        except UnveilError as error:
            return Problem(500, str(error))
        except (EOFError, OSError):  # the process is gone
            pass
        self.stop()
        return Problem(500, "the process that worked on this ended; try again")

    def stop(self) -> None:
        """End the process, whatever its state."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            process.join()
        if connection is not None:
            connection.close()

    def _work(self, connection: Connection, job: PhotoJob, call: Call) -> tuple[Any, ...]:
        """What to tell the job in the end: one of its methods, with its argument."""
        connection.send(Task(job.photo, job.folder, job.faces, self.pixels, job.wrinkles))
        deadline = time.monotonic() + self.seconds
        while connection.poll(max(0.0, deadline - time.monotonic())):
            kind, said = connection.recv()
            if kind == "done":
                return job.finish, said
            if kind in STATUS:
                return job.fail, Problem(STATUS[kind], said)
            call(job.at, said)
        self.stop()
        too_long = f"this photograph takes more than {self.seconds:g} seconds; send a smaller one"
        return job.fail, Problem(422, too_long)
