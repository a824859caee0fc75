"""Crops to coefficients on the processors of a Ray cluster, or of this machine.

Each worker opens the crops and the network for itself and is sent numbers of crops only, so the files must be where
every machine finds them under the same path. What comes back is kept as that of a run without Ray
(`unveil.codes.partial`), which is also what makes it go on after a stop.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unveil.codes.crops import Crops
from unveil.codes.encode import BATCH, Encoded, encode_batch
from unveil.errors import UnveilError, reason_of
from unveil.models.encoder import Encoder, identity

BLOCK = 8 * BATCH  # crops in a task: few enough that all workers have some to the end

BatchColumns = dict[str, NDArray[Any]]


class Job(NamedTuple):
    """What every worker does."""

    open_crops: Callable[[], Crops]
    open_encoder: Callable[[], Encoder]
    expected: tuple[str, str]  # fingerprint of the crops and identity of the encoder on the machine that asks
    size: int  # M


def encode(job: Job, start: int, count: int, address: str | None = None) -> Iterator[Encoded]:
    """Coefficients of the crops from number ``start`` up to but not including ``count``, in order, a batch at a time.

    Args:
        job: what to encode and how; its functions are sent to the workers.
        start, count: which crops.
        address: of a running cluster; None for that of the environment variable RAY_ADDRESS, the one that runs on this
            machine, or else this machine alone.

    Raises:
        UnveilError: Ray is not installed or does not get to the cluster, or a worker cannot open the files.
    """
    if start == count:
        return
    with _cluster(address) as ray:
        numbers = ray.data.range(count - start, override_num_blocks=-(-(count - start) // BLOCK))
        workers = ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, int(ray.cluster_resources().get("CPU", 1))))
        rows = numbers.map_batches(
            Worker, fn_constructor_args=(job, start), batch_size=BATCH, num_cpus=1, compute=workers
        )
        try:
            for columns in rows.iter_batches(batch_size=BATCH, batch_format="numpy"):
                yield encoded_of(columns)
        except ray.exceptions.RayError as error:
            raise UnveilError(f"Ray could not go on ({_cause_of(error)}); run the command again to continue") from error


class Worker:
    """A process that keeps crops and network open; called by Ray with ``id`` [B], numbers that follow one another."""

    def __init__(self, job: Job, start: int) -> None:
        self.job, self.start = job, start
        self.opened: tuple[Crops, Encoder] | None = None

    def __call__(self, batch: BatchColumns) -> BatchColumns:
        """Columns ``number`` [B], ``values`` [B, M], and the texts ``error`` [B], of a crop, and ``failure`` [B]."""
        numbers = range(self.start + int(batch["id"][0]), self.start + int(batch["id"][-1]) + 1)
        values = np.zeros((len(numbers), self.job.size), np.float32)
        errors: Mapping[int, str] = {}
        failure = ""
        try:
            if self.opened is None:
                self.opened = self._open()
            encoded = encode_batch(*self.opened, numbers)
            errors = encoded.errors
            values[[k not in errors for k in numbers]] = encoded.values
        except UnveilError as error:  # as a value, for Ray would wrap an exception in pages of its own
            failure = str(error)
        texts = np.array([errors.get(k, "") for k in numbers])
        return {
            "number": np.array(numbers),
            "values": values,
            "error": texts,
            "failure": np.full(len(numbers), failure),
        }

    def _open(self) -> tuple[Crops, Encoder]:
        crops, encoder = self.job.open_crops(), self.job.open_encoder()
        if (crops.fingerprint, identity(encoder)) != self.job.expected:
            raise UnveilError(
                f"{platform.node()} has other crops or another model under these paths than this machine; "
                "give paths on a disk that all machines share, and install the same unveil on them"
            )
        return crops, encoder


def encoded_of(columns: BatchColumns) -> Encoded:
    """What a worker's columns say; UnveilError where it could not open the files."""
    failed = [text for text in columns["failure"] if text]
    if failed:
        raise UnveilError(str(failed[0]))
    numbers = [int(number) for number in columns["number"]]
    errors = {number: str(text) for number, text in zip(numbers, columns["error"], strict=True) if text}
    return Encoded(numbers[0], numbers[-1] + 1, columns["values"][columns["error"] == ""], errors)


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected and quiet."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # unveil sends nothing to anybody
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UnveilError("Ray is not installed: run pip install 'unveil[ray]', or leave out --ray") from error
    handler = signal.getsignal(signal.SIGTERM)  # which Ray replaces with its own
    try:
        _knock(address or os.environ.get("RAY_ADDRESS", ""))
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        reason = reason_of(error)
        raise UnveilError(f"cannot get to a Ray cluster ({reason}); check address and Ray's settings") from error
    signal.signal(signal.SIGTERM, handler)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT; Ray would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


def _cause_of(error: Exception) -> str:
    """The line of Ray's pages that names an exception of Python's, or else the last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return next((line for line in lines if re.match(r"[A-Za-z]+Error: ", line)), lines[-1])[:200]
