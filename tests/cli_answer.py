"""One call of the command line in the process of the tests."""

import json
import signal
from pathlib import Path

import pytest

from unveil import cli


class Answer:
    """Exit status and output of one call of the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> None:
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        capsys.readouterr()
        self.status = cli.main([str(argument) for argument in arguments])
        self.out, self.err = capsys.readouterr()
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
            signal.signal(number, handler)

    @property
    def json(self) -> dict:
        return json.loads(self.out)
