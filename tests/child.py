"""Processes that tests start and that are to end well."""

import subprocess
from collections.abc import Sequence
from typing import Any


def finished(command: Sequence[Any], **options: Any) -> subprocess.CompletedProcess[str]:
    """A command that has ended with status 0; where it ends with another, the test shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **options)
    assert done.returncode == 0, f"status {done.returncode} of {command}:\n{done.stdout[-2000:]}\n{done.stderr[-8000:]}"
    return done
