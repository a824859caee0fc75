"""The one exception that reaches users: one line: what is wrong, why, and how to fix it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

MOST_LETTERS = 200  # of another library's error


class UnveilError(Exception):
    """A mistake of the user's, or a file that cannot be used; the message is one line and needs no traceback.

    Programs print it and exit with ``exit_status``.
    """

    exit_status = 2


def reason_of(error: BaseException) -> str:
    """What another library's error says, for one line of ours: without line breaks, and not too long."""
    if isinstance(error, KeyError):  # says no more than the name
        return f"it has no {error}"[:MOST_LETTERS]
    return " ".join(str(error).split())[:MOST_LETTERS] or type(error).__name__


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Exit with an `UnveilError`'s message and exit status instead of a traceback."""
    try:
        yield
    except UnveilError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
