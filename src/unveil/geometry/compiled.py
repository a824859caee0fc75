"""Loops over pixels and texels, compiled by numba when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import numba
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

Loop = TypeVar("Loop", bound=Callable[..., Any])

# Releases of numba, from the first to before the second, whose runtime is all that a compiled loop needs to run.
RUNTIME_IS_ENOUGH = ((0, 61), (0, 69))


def compiled(function: Loop) -> Loop:
    """Compile a function of arrays and numbers, and keep the result on disk for the next process where that works.

    It does not where neither the package's folder nor the user's cache folder can be written; numba calls that an
    error, we only compile again in each process.
    """
    loop: Any = njit(nogil=True)(function)
    with suppress(RuntimeError):
        if RUNTIME_IS_ENOUGH[0] <= numba.version_info.short < RUNTIME_IS_ENOUGH[1]:
            cache: Any = _QuickCache
            loop._cache = cache(function)
        else:
            loop.enable_caching()
    return cast(Loop, loop)


class _QuickCache(FunctionCache):
    """Loads compiled loops without everything that numba needs to compile others, which takes 0.2 seconds.

    Whoever compiles asks for that again.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled loop on disk for a signature, or None; as numba has it, but for the first line."""
        rtsys.initialize(target_context)
        load: Any = self._load_overload
        with self._guard_against_spurious_io_errors():
            return load(sig, target_context)
