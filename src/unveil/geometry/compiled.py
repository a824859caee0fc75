"""Loops over pixels and texels, compiled by numba when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile a function of arrays and numbers, and keep the result on disk for the next process where that works.

    It does not where neither the package's folder nor the user's cache folder can be written; numba calls that an
    error, we only compile again in each process.
    """
    try:
        return cast(Loop, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(Loop, njit(nogil=True)(function))
