"""Pictures in sequence as one file that browsers and documents show moving."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import PIL.Image

from unveil.errors import UnveilError
from unveil.storage.files import atomic_path, printable
from unveil.typing import Image

SUFFIXES = (".gif", ".webp")


def write_animation(path: str | os.PathLike[str], frames: Iterable[Image], rate: float) -> None:
    """Write RGB uint8 pictures [H, W, 3] of one size as an animated GIF or WebP that repeats, by the name's suffix.

    Args:
        path: where to.
        frames: at least one picture.
        rate: pictures per second; GIF rounds the time of each to hundredths of a second.

    Raises:
        UnveilError: another suffix, or the file cannot be written; nothing is left half-written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UnveilError(f"cannot write {printable(path)} as an animation; end the name in {' or '.join(SUFFIXES)}")
    pictures = map(PIL.Image.fromarray, frames)  # of a GIF, Pillow keeps each with a byte a pixel instead of three
    first = next(pictures)
    with atomic_path(path) as temporary:
        first.save(temporary, save_all=True, append_images=pictures, duration=round(1000 / rate), loop=0)
