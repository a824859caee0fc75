"""Crops to coefficients on the processors of a Ray cluster, or of this machine.

Each worker opens the crops and the network for itself and is sent numbers of crops only, so the files must be where
every machine finds them under the same path. What comes back is kept as that of a run without Ray
(`unveil.codes.partial`), which is also what makes it go on after a stop.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unveil.cluster import connected, one_worker_a_core, ray_errors
from unveil.codes.crops import Crops
from unveil.codes.encode import BATCH, Encoded, encode_batch
from unveil.errors import UnveilError
from unveil.models.encoder import Encoder, identity

BLOCK = 8 * BATCH  # crops in a task: few enough that all workers have some to the end

BatchColumns = dict[str, NDArray[Any]]


class Job(NamedTuple):
    """The work of each worker."""

    open_crops: Callable[[], Crops]
    open_encoder: Callable[[], Encoder]
    expected: tuple[str, str]  # fingerprint of the crops and identity of the encoder on the machine that asks
    size: int  # M


def encode(job: Job, start: int, count: int, address: str | None = None) -> Iterator[Encoded]:
    """Coefficients of the crops from number ``start`` up to but not including ``count``, in order, a batch at a time.

    Args:
        job: what to encode and how; its functions are sent to the workers.
        start, count: which crops.
        address: as `cluster.connected` takes it.

    Raises:
        UnveilError: Ray is not installed or does not get to the cluster, or a worker cannot open the files.
    """
    if start == count:
        return
    with connected(address) as ray, ray_errors(ray):
        numbers = ray.data.range(count - start, override_num_blocks=-(-(count - start) // BLOCK))
        rows = numbers.map_batches(
            Worker, fn_constructor_args=(job, start), batch_size=BATCH, num_cpus=1, compute=one_worker_a_core(ray)
        )
        for columns in rows.iter_batches(batch_size=BATCH, batch_format="numpy"):
            yield encoded_of(columns)


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
    """The codes in a worker's columns; UnveilError where it could not open the files."""
    failed = [text for text in columns["failure"] if text]
    if failed:
        raise UnveilError(str(failed[0]))
    numbers = [int(number) for number in columns["number"]]
    errors = {number: str(text) for number, text in zip(numbers, columns["error"], strict=True) if text}
    return Encoded(numbers[0], numbers[-1] + 1, columns["values"][columns["error"] == ""], errors)
