"""Processor cores, and the threads and processes that share them."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ContextDecorator, suppress
from functools import cached_property, lru_cache, partial
from multiprocessing.synchronize import Event
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from unveil.errors import UnveilError

ARENA_MAX = -8  # of malloc.h
AHEAD = 4  # items for each process that are on their way: it need not wait, and few are there at once

Item = TypeVar("Item")
Result = TypeVar("Result")


def core_count() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count(most: int) -> int:
    """Threads worth having for a computation that feeds so many: no more than cores, or than OMP_NUM_THREADS says."""
    cores = core_count()
    wanted = os.environ.get("OMP_NUM_THREADS", "")  # what other libraries keep to
    return min(cores, most, max(1, int(wanted)) if wanted.isdecimal() else cores)


class _NumpyOnOneThread(ContextDecorator):
    """Lets NumPy multiply matrices on one thread, and afterwards on as many as before; a context or a decorator.

    Ours are too small to share. The threads of OpenBLAS wait 30 ms for more of them, spinning, and take the cores from
    everything else: a texture then takes six times the time of the processor.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    @cached_property
    def _threads(self) -> ThreadpoolController:
        return ThreadpoolController()  # looks through all libraries that are loaded: 3 ms

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = self._threads.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


numpy_on_one_thread = _NumpyOnOneThread()


def begun(work: Callable[..., Result], *arguments: Any) -> Callable[[], Result]:
    """What waits for the result of some work, which begins on a second core.

    Where there is none, the work is done when the result is first asked for, so that nothing is done in vain.
    """
    if thread_count(2) == 1:
        return lru_cache(maxsize=1)(partial(work, *arguments))
    pool = ThreadPoolExecutor(1)
    result = pool.submit(work, *arguments).result
    pool.shutdown(wait=False)
    return result


def share_one_heap() -> None:
    """Let all threads of this process take memory from one heap, where it has the GNU C library.

    That gives each thread a heap of its own, and a photograph's threads then keep 28 MB that the others could use.
    """
    with suppress(OSError, AttributeError, TypeError):  # of other libraries, and of Windows, which has no CDLL(None)
        ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


def mute_warnings() -> None:
    """Print no Python warnings, which are for developers, unless Python's own options ask for them."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def become_worker() -> None:
    """Make this process, one of several that another one started, compute on one core and end with that one.

    Ctrl-C reaches every process of a terminal; the first one tells the others.
    """
    import cv2

    mute_warnings()
    share_one_heap()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def in_process(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of a function in a process of its own, which ends with the memory that it took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), mute_warnings) as pool:
        return pool.submit(work, *arguments).result()


def each_in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Generator[Result, None, None]:
    """The results of ``work`` for each item, in the order of the items, from so many processes; one is this one itself.

    ``work`` is sent to each process once, and made there again when the process knows that it has one core. Few items
    are on their way at once. What has not begun when the generator is closed is left undone, and work that takes long
    asks `no_longer_wanted` on the way.

    Raises:
        UnveilError: the system ended a process.
    """
    processes = min(processes, len(items))
    if processes <= 1:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")  # a forked process would inherit locks, but not who holds them
    closed = context.Event()
    pool = ProcessPoolExecutor(processes, context, _start_worker, (pickle.dumps(work), closed))
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            if len(running) == AHEAD * processes:
                yield running.popleft().result()
            running.append(pool.submit(_work_on, item))
        while running:
            yield running.popleft().result()
    except BrokenProcessPool as error:
        raise UnveilError(
            "the system ended a process, perhaps for want of memory; run again with fewer processes"
        ) from error
    finally:
        closed.set()
        pool.shutdown(cancel_futures=True)


def no_longer_wanted() -> bool:
    """Whether this process is one of `each_in_processes`, and nobody waits for its results any more."""
    return any(closed.is_set() for closed in _closed)


_work: list[Callable[[Any], Any]] = []  # what a worker process was started for
_closed: list[Event] = []  # which tells it that its results are no longer wanted


def _start_worker(work: bytes, closed: Event) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # before any library is loaded that starts its threads with it
    become_worker()
    _closed.append(closed)
    _work.append(pickle.loads(work))  # noqa: S301 - of the process that started this one


def _work_on(item: Any) -> Any:
    return _work[0](item)
