"""The command line in a process that is killed at a chosen moment: when a file is to get its name."""

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
