"""A Chromium that draws WebGL without a graphics card, for tests of the page and for pictures of heads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--no-sandbox",
    "--use-angle=swiftshader",
)
VARIABLE = "UNVEIL_CHROMIUM"  # of the environment: the browser to use


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome, None without one."""
    return next(filter(None, map(shutil.which, (os.environ.get(VARIABLE, ""), *NAMES))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A running browser, as Playwright has it, with a profile of its own; needs the extra ``browser``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=[*OPTIONS])
        try:
            yield running
        finally:
            running.close()
