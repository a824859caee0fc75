"""The one exception that reaches users: one line: what is wrong, why, and how to fix it."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

DEBUG_VARIABLE = "UNVEIL_DEBUG"  # of the environment: explain errors
MOST_LETTERS = 200  # of another library's error


class UnveilError(Exception):
    """A mistake of the user's, or a file that cannot be used; the message is one line and needs no traceback.

    Programs print it and exit with ``exit_status``.
    """

    exit_status = 2


def reason_of(error: BaseException) -> str:
    """The message of another library's error, for one line of ours: without line breaks, and not too long.

    Of the system's errors it is the words alone, without the number and the path.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):  # says no more than the name
        return f"it has no {error}"[:MOST_LETTERS]
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    return " ".join(str(error).split())[:MOST_LETTERS] or type(error).__name__


def line_of(error: Exception) -> str:
    """One line for whatever went wrong with one thing among many, which must not end the work on the others."""
    if isinstance(error, UnveilError):
        return str(error)
    if isinstance(error, OSError):
        return reason_of(error)
    return unexpected(error)


def about(name: str, error: Exception) -> str:
    """That line with the name of the thing in it."""
    line = line_of(error)
    if name in line:
        return line
    return f"{name}: {line}" if is_users(error) else f"{line}, with {name}"


def unexpected(error: Exception) -> str:
    """One line for an error that is a fault of ours."""
    what = f"unexpected {type(error).__name__}: {reason_of(error)}"
    return f"{what} (set {DEBUG_VARIABLE}=1 for details and please report it)"


def exit_status(errors: Iterable[Exception]) -> int:
    """The status for work on many things of which some failed: 2, or 1 where something is a fault of ours; else 0."""
    return min((2 if is_users(error) else 1 for error in errors), default=0)


def is_users(error: Exception) -> bool:
    """Whether the user can mend what is wrong; else it is a fault of ours."""
    return isinstance(error, UnveilError | OSError)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Exit with an `UnveilError`'s message and exit status instead of a traceback."""
    try:
        yield
    except UnveilError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
