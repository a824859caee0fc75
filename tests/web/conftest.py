"""One server for all tests of the page and its API, and a browser."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from extras import needs

from tools.chromium import browser as running_browser
from tools.chromium import chromium

LIMITS = ("--megabytes", "2", "--megapixels", "2", "--workers", "1")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of `unveil serve`, started as a user starts it, with small limits."""
    for package in ("fastapi", "uvicorn", "python_multipart"):
        needs(package)
    call = [sys.executable, "-m", "unveil.cli", "serve", "--port", "0", *LIMITS]
    own_group = {"start_new_session": True} if os.name == "posix" else {}
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True, **own_group) as process:
        line = process.stdout.readline() if process.stdout else ""
        found = re.fullmatch(r"unveil serves at (http://127\.0\.0\.1:\d+)/ \(Ctrl-C ends it\)\n", line)
        try:
            assert found, line
            yield found[1]
        finally:
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            process.wait(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, as Playwright has it: within the module, as Playwright keeps an event loop running."""
    needs("playwright")
    if chromium() is None:
        pytest.skip("needs a Chromium or Chrome")
    with running_browser() as running:
        yield running
