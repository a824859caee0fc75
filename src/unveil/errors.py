"""The one exception that reaches users: one line: what is wrong, why, and how to fix it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UnveilError(Exception):
    """A mistake of the user's, or a file that cannot be used; the message is one line and needs no traceback.

    Programs print it and exit with ``exit_status``.
    """

    exit_status = 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Exit with an `UnveilError`'s message and exit status instead of a traceback."""
    try:
        yield
    except UnveilError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
