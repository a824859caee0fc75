"""The one exception that reaches users: a single line that says what, why and what to do."""


class UnveilError(Exception):
    """A mistake of the user's, or a file that cannot be used; the message is one line and needs no traceback.

    The command line prints it and leaves with ``exit_status``.
    """

    exit_status = 2
