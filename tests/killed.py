"""The command line in a process that is killed at a chosen moment: when a file is to get its name."""

import signal
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, signal, sys
from pathlib import Path
from unveil import cli

replace, left = Path.replace, int(sys.argv[1])

def rename(path, destination):
    global left
    if not Path(destination).parent.name.startswith(".unveil-"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, destination)

Path.replace = rename
sys.exit(cli.main(sys.argv[2:]))
"""


def run_killed(after: int, *arguments: str | Path) -> int:
    """Exit status of a command that is killed once so many files have got their names."""
    call = [sys.executable, "-c", SCRIPT, str(after), *map(str, arguments)]
    return subprocess.run(call, capture_output=True, check=False).returncode


def require_whole_or_nothing(folder: Path, *arguments: str | Path) -> None:
    """Kill a command before its first file gets its name: the folder shows no new file, and the next run makes them."""
    before = visible(folder)
    assert run_killed(0, *arguments) == -signal.SIGKILL
    assert visible(folder) == before
    assert run_killed(10**6, *arguments) == 0
    assert visible(folder) > before


def visible(folder: Path) -> set[Path]:
    """The files below a folder that have no hidden name."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path for path in found if not any(part.startswith(".") for part in path.parts)}
