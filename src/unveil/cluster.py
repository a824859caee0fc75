"""Work that is shared out to the processors of a Ray cluster, or of this machine, where nothing else is to be had.

Everything comes back in order, so that who asks goes on as if there were no cluster. Files must be where every machine
finds them under the same path.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from unveil.errors import UnveilError, reason_of

Item = TypeVar("Item")
Result = TypeVar("Result")

BLOCK = 16  # items in a task: few enough that all workers have some to the end


def each_on_cluster(
    work: Callable[[Item], Result], items: Sequence[Item], address: str | None = None
) -> Iterator[Result]:
    """The results of ``work`` for each item, in the order of the items.

    Args:
        work: is sent to each worker once. What it raises ends all; what may fail alone it gives back.
        items: are sent as they are.
        address: as `connected` takes it.

    Raises:
        UnveilError: Ray is not installed, does not get to the cluster, or cannot go on.
    """
    if not items:
        return
    with connected(address) as ray, ray_errors(ray):
        rows = [{"item": pickle.dumps(item)} for item in items]
        data = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // BLOCK))
        made = data.map_batches(
            _Worker, fn_constructor_args=(work,), batch_size=1, num_cpus=1, compute=one_worker_a_core(ray)
        )
        for columns in made.iter_batches(batch_size=1, batch_format="numpy"):
            yield from (pickle.loads(result) for result in columns["result"])  # noqa: S301 - of our own workers


class _Worker:
    """A process that keeps its work; Ray calls it with columns of items."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        made = [pickle.dumps(self._work(pickle.loads(item))) for item in batch["item"]]  # noqa: S301 - as above
        return {"result": np.array(made, object)}


def one_worker_a_core(ray: Any) -> Any:
    """The workers of a cluster: as many as it has processor cores."""
    return ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, int(ray.cluster_resources().get("CPU", 1))))


@contextmanager
def ray_errors(ray: Any) -> Iterator[None]:
    """Say in one line why Ray could not go on."""
    try:
        yield
    except ray.exceptions.RayError as error:
        raise UnveilError(f"Ray could not go on ({_cause_of(error)}); run the command again to continue") from error


@contextmanager
def connected(address: str | None = None) -> Iterator[Any]:
    """Ray, connected and quiet.

    Args:
        address: of a running cluster; None for that of the environment variable RAY_ADDRESS, the one that runs on this
            machine, or else this machine alone.

    Raises:
        UnveilError: Ray is not installed or does not get to the cluster.
    """
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
