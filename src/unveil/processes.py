"""Processor cores, and processes that share them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings


def core_count() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
