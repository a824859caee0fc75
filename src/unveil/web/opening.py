"""The user's browser, opened where a person sits at a terminal with a screen."""

from __future__ import annotations

import os
import sys
import webbrowser

from unveil.storage.files import on_terminal


def open_page(address: str) -> None:
    """Open an address in the user's browser; does nothing in scripts and where there is no screen."""
    on_a_screen = sys.platform in ("win32", "darwin") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    if on_terminal(sys.stdout) and on_a_screen:
        webbrowser.open(address)
