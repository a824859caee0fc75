"""A running `unveil serve`, for tests of the page and its API, for pictures and for measurements."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

GOODBYE_SECONDS = 60.0  # that the server has to end


@contextmanager
def running_server(*options: str) -> Iterator[tuple[str, int]]:
    """Address and process of a server on a free port, started as a user starts it with these options.

    Raises:
        RuntimeError: it did not start; its message is on stderr.
    """
    call = [sys.executable, "-m", "unveil", "serve", "--port", "0", *options]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        line = process.stdout.readline() if process.stdout else ""
        found = re.fullmatch(r"unveil serves at (http://\S+:\d+)/\S* \(Ctrl-C ends it\)\n", line)
        try:
            if found is None:
                raise RuntimeError(f"the server did not start: {line!r}")
            yield found[1], process.pid
        finally:
            process.terminate()
            process.wait(GOODBYE_SECONDS)
