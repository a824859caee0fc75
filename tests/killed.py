"""The command line in a process that is killed at a chosen moment: when a file is to get its name."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

SCRIPT = """
import os, signal, sys
from pathlib import Path
from unveil import cli

replace, left = Path.replace, int(sys.argv[1])

def rename(path, destination):
    global left
    if not any(part.startswith(".unveil-") for part in Path(destination).parts):
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


def require_the_same_after(moved: int, folder: Path, arguments: Sequence[str | Path], run: Callable[..., int]) -> None:
    """Kill a command once so many files are in its output, its last argument; the next run makes what is missing.

    ``run`` makes a call in this process and gives its status. ``folder`` is for the outputs.
    """
    whole, out = folder / "whole", folder / "out"
    assert run(*arguments, whole) == 0
    assert run_killed(moved, *arguments, out) == -signal.SIGKILL
    assert len([path for path in out.iterdir() if not path.name.startswith(".")]) == moved
    assert run(*arguments, out) == 0
    first, second = ({path.name: path.read_bytes() for path in made.iterdir()} for made in (whole, out))
    assert first == second


def require_whole_or_nothing(folder: Path, *arguments: str | Path) -> None:
    """Kill a command before its first file gets its name, then after it; the next run makes or keeps all of them."""
    before = visible(folder)
    assert run_killed(0, *arguments) == -signal.SIGKILL
    assert visible(folder) == before
    status = run_killed(1, *arguments)  # one that writes a single file is done
    kept = {path: (folder / path).read_bytes() for path in visible(folder) - before}
    assert len(kept) == 1
    assert run_killed(10**6, *arguments) == 0
    after = visible(folder)
    assert after > before
    assert status == (0 if len(after - before) == 1 else -signal.SIGKILL)
    assert all((folder / path).read_bytes() == data for path, data in kept.items())


def visible(folder: Path) -> set[Path]:
    """The files below a folder that have no hidden name."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path for path in found if not any(part.startswith(".") for part in path.parts)}
