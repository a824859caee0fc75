"""One call of the command after the other, each in a folder of its own, and what became of each.

The calls of a command share a process, so that a crash ends no other's calls and memory is measured. It is forked from
a server that has imported what is slow to import and has computed nothing (`multiprocessing`'s forkserver).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pkgutil
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peak_memory import peak_memory
from robustness.bad_inputs import Case

import unveil
from unveil.storage.folder_log import LOG

LONGEST = 600  # seconds; nothing here takes more than a few, but the machine may have other work
MOST_MEMORY = 1.5e9  # bytes
# All of the package, but for what computes with Ray, and what its functions import when they are called.
PRELOADED = [
    *(module.name for module in pkgutil.walk_packages(unveil.__path__, "unveil.") if not module.name.endswith(".ray")),
    *("scipy.spatial", "torch.utils.tensorboard", "rich.progress"),
]


@dataclass(frozen=True)
class Tried:
    """What became of a call."""

    case: Case
    status: int
    err: str
    changed: list[str]  # files and folders of the input that are not as they were
    new: list[str]
    seconds: float
    memory: float  # bytes that the call took, at most
    odd_json: list[str]  # new files of JSON with NaN, or with text that UTF-8 cannot hold

    def faults(self) -> Iterator[str]:
        """Whatever no user should see."""
        lines = self.err.splitlines()
        if self.status not in (0, 2):
            yield f"status {self.status}"
        if self.status == 0 and self.case.wrong_for_sure:
            yield "status 0"
        if not all(line.startswith("unveil: ") for line in lines):
            yield "a line on stderr that is not ours"
        if "[Errno" in self.err:
            yield "a number of the system's, not its words"
        told = self.case.of_many or (self.case.command == "assets check" and not lines)  # on stdout, file by file
        if self.status == 2 and len(lines) != 1 and not told:
            yield f"{len(lines)} lines"
        if len(set(lines)) < len(lines):
            yield "a line twice"
        if self.odd_json:
            yield f"{self.odd_json} is no JSON that everybody reads"
        if self.changed:
            yield f"changed {self.changed}"
        hidden = [name for name in self.new if "/." in f"/{name}" and Path(name).name != LOG]
        if left := hidden + [name for name in self.new if self.status == 2 and not self.case.of_many]:
            yield f"left {left}"
        if self.memory > MOST_MEMORY:
            yield f"{self.memory / 1e9:.1f} GB"

    def __str__(self) -> str:
        return f"[{self.case.name}] status {self.status}, {self.seconds:.1f} s: {self.err.strip() or 'nothing said'}"


def run_all(cases: Sequence[Case], whole: Path, folder: Path, answers: Any) -> None:
    """Make each call in a new folder inside ``folder`` and put what became of it into a queue."""
    from unveil import cli

    for number, case in enumerate(cases):
        place = folder / str(number)
        case.prepare(whole, place)
        os.chdir(place)
        before = snapshot(place)
        Path("/proc/self/clear_refs").write_text("5")  # so that the peak begins with what is taken now
        taken = peak_memory()
        start = time.perf_counter()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, also within a library
        signal.alarm(LONGEST)
        with stderr_in(folder / "stderr") as said:
            status = cli.main(list(case.arguments))
            sys.stdout.flush()
        signal.alarm(0)
        seconds = time.perf_counter() - start
        taken = peak_memory() - taken
        changed, new = _differences(before, place)
        answers.put(Tried(case, status, said(), changed, new, seconds, taken, _odd_json(place, new)))
        shutil.rmtree(place, ignore_errors=True)


def run_plainly(case: Case, whole: Path, place: Path) -> Tried:
    """Make a call as a user does, in a process of its own, in a new folder; its memory is not measured."""
    case.prepare(whole, place)
    before = snapshot(place)
    call = [sys.executable, "-c", "import sys; from unveil.cli import main; sys.exit(main())", *case.arguments]
    start = time.perf_counter()
    ended = subprocess.run(call, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False)
    seconds = time.perf_counter() - start
    said = ended.stderr.decode("utf-8", errors="backslashreplace")
    changed, new = _differences(before, place)
    return Tried(case, ended.returncode, said, changed, new, seconds, memory=0, odd_json=_odd_json(place, new))


def _differences(before: dict[str, str], place: Path) -> tuple[list[str], list[str]]:
    """What is not as it was in a snapshot of a folder, and the files and folders that are new."""
    after = snapshot(place, before)
    changed = [name for name in before if after.get(name) != before[name]]
    return changed, sorted(set(after) - set(before))


def _odd_json(place: Path, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".json", ".jsonl")) and not _is_plain_json(place / name)]


def _is_plain_json(path: Path) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    text = path.read_text(encoding="utf-8")
    try:
        for part in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.dumps(json.loads(part, parse_constant=refuse), ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def stderr_in(path: Path) -> Iterator[Any]:
    """Let stdout and stderr, those of C libraries too, go to files; gives what reads stderr."""
    kept = os.dup(1), os.dup(2)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(path.with_name(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    try:
        yield lambda: path.read_text("utf-8", errors="backslashreplace")
    finally:
        sys.stderr.flush()
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def snapshot(folder: Path, known: Container[str] | None = None) -> dict[str, str]:
    """Kind and content of all that is in a folder. Of what is not ``known`` the kind."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            mode, place = path.lstat().st_mode, str(path.relative_to(folder))
            read = stat.S_ISREG(mode) and (known is None or place in known)
            found[place] = f"{mode:o} {hashlib.sha256(path.read_bytes()).hexdigest() if read else ''}"
    return found
