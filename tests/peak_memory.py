"""The largest memory that this process has had, for tests that start one to see how much a file makes it take."""

import re
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
needs_peak_memory = pytest.mark.skipif(not STATUS.exists(), reason="memory is measured by Linux's means")


def peak_memory() -> int:
    """Bytes; not the resource module's number, which begins with that of the process that started this one."""
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    assert found
    return 1024 * int(found[1])


def run_command(code: str) -> list[str]:
    """A command that runs code in which `peak_memory` is known."""
    place = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from peak_memory import peak_memory\n"
    return [sys.executable, "-c", place + code]
