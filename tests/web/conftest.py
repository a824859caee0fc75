"""One server for all tests of the page and its API, and a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from extras import needs

from tools.chromium import browser as running_browser
from tools.chromium import chromium
from tools.running_server import running_server

LIMITS = ("--megabytes", "2", "--megapixels", "2", "--workers", "1")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of `unveil serve`, started as a user starts it, with small limits."""
    for package in ("fastapi", "uvicorn", "python_multipart"):
        needs(package)
    with running_server(*LIMITS) as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, as Playwright has it: within the module, as Playwright keeps an event loop running."""
    needs("playwright")
    if chromium() is None:
        pytest.skip("needs a Chromium or Chrome")
    with running_browser() as running:
        yield running
