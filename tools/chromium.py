"""A Chromium that draws WebGL without a graphics card, for tests of the page and for pictures of heads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from unveil.typing import Image

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


def camera_options(film: Path) -> list[str]:
    """Options that let pages see a film, as `write_film` writes it, in place of a camera."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]


def write_film(path: Path, frames: Iterable[Image]) -> None:
    """Write frames RGB [H, W, 3] of one even size as YUV4MPEG2, 10 in a second."""
    with path.open("wb") as film:
        for k, frame in enumerate(frames):
            height, width = frame.shape[:2]
            if k == 0:
                film.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420\n".encode())
            film.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


@contextmanager
def browser(*options: str) -> Iterator[Any]:
    """A running browser, as Playwright has it, with a profile of its own; needs the extra ``browser``.

    Args:
        options: more of them, such as those of `camera_options`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=[*OPTIONS, *options])
        try:
            yield running
        finally:
            running.close()
