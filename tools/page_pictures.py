"""The pictures of the page in the docs, and the film that opens the README, recorded from the real page.

    python -m tools.page_pictures [-o docs/images]

It serves the page, sends the bundled photograph, and does what a visitor would do. It needs the extras ``web`` and
``browser``, and a Chromium or Chrome.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL.Image

from tools.chromium import browser
from tools.running_server import running_server
from unveil.assets.store import packaged

DESKTOP, PHONE = {"width": 1180, "height": 760}, {"width": 390, "height": 780}
FILM = {"width": 1000, "height": 680}
FILM_WIDTH = 720  # pixels
PAUSE, STEP = 1300, 90  # milliseconds that a thing is shown, and a frame of a movement
COLOURS = 256  # of the film
DONE = "text=The server deletes these files"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with running_server() as (address, _), browser() as running:
        with visited(running, address, DESKTOP) as page:
            page.get_by_role("button", name="Three-quarter").click()
            save(page, out / "page.jpg")
            over(page)
            page.get_by_role("button", name="Surprise").click()
            save(page, out / "page-over.jpg")
            page.get_by_role("button", name="As photographed").click()
            occlude(page)
            save(page, out / "page-occluded.jpg")
        with visited(running, address, PHONE, scheme="dark") as page:
            page.locator("#surface-sure").check()
            save(page, out / "page-phone.jpg")
        with visited(running, address, FILM, upload=False) as page:
            record(page).save(out / "session.gif")


@contextmanager
def visited(
    running: Any, address: str, viewport: dict[str, int], *, scheme: str = "light", upload: bool = True
) -> Iterator[Any]:
    """The page, with the head of the bundled photograph if it is to be uploaded."""
    page = running.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page.goto(address)
    if upload:
        send(page)
    yield page
    page.close()


def send(page: Any) -> None:
    page.set_input_files("#file", str(packaged("demo.jpg")))
    page.wait_for_selector(DONE, timeout=120_000)


def occlude(page: Any) -> None:
    """Put a hand before the face and show both heads."""
    page.get_by_role("button", name="Hide part of the face").click()
    page.get_by_role("button", name="Hand").click()
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Reconstruct").click()
    page.wait_for_selector(".two .caption", timeout=120_000)
    page.wait_for_function("() => document.querySelector('.caption').textContent.includes('apart')")
    page.get_by_role("button", name="Three-quarter").click()


def over(page: Any) -> None:
    """Put the head over its photograph."""
    page.get_by_role("button", name="Over the photograph").click()
    page.wait_for_timeout(500)  # for the texture in the photograph's light


def seen(page: Any) -> PIL.Image.Image:
    """The page as a picture, once it has drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return PIL.Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def save(page: Any, path: Path) -> None:
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_timeout(300)
    seen(page).save(path, quality=88)


class Film:
    """Pictures of a page with how long each is shown."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._frames: list[tuple[PIL.Image.Image, int]] = []

    def show(self, milliseconds: int = PAUSE) -> None:
        """Add what the page shows now."""
        self._frames.append((seen(self._page), milliseconds))

    def save(self, path: Path) -> None:
        """Write an animated GIF with one palette, so that what stands still does not flicker."""
        small = [frame.resize((FILM_WIDTH, FILM_WIDTH * frame.height // frame.width)) for frame, _ in self._frames]
        together = PIL.Image.new("RGB", (small[0].width, small[0].height * len(small)))
        for k, frame in enumerate(small):
            together.paste(frame, (0, k * frame.height))
        # Colours that are far from all others are kept, though a few frames alone have them.
        palette = together.quantize(COLOURS, PIL.Image.Quantize.MAXCOVERAGE, 3, dither=PIL.Image.Dither.NONE)
        drawn = [frame.quantize(palette=palette, dither=PIL.Image.Dither.NONE) for frame in small]
        durations = [milliseconds for _, milliseconds in self._frames]
        drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=durations, loop=0, optimize=True)


def record(page: Any) -> Film:
    """Send the photograph, turn, make faces, on the photograph too, see what was guessed, hide part of the face."""
    film = Film(page)
    film.show()
    page.get_by_role("button", name="Or try this one").click()
    page.wait_for_selector(".preview:visible")
    film.show(PAUSE // 2)
    page.wait_for_selector(DONE, timeout=120_000)
    film.show()
    for degrees in [*range(0, 60, 10), *range(60, -60, -10), *range(-60, 1, 10)]:
        page.evaluate("(yaw) => window.unveil.then((viewer) => viewer.look([yaw, 4]))", degrees)
        film.show(STEP)
    for name in ("Surprise", "Kiss", "Wink"):
        page.get_by_role("button", name=name).click()
        film.show(PAUSE // 2)
    over(page)
    for name in ("As photographed", "Laugh", "Surprise"):
        page.get_by_role("button", name=name).click()
        film.show(PAUSE // 2)
    page.get_by_role("button", name="As photographed").click()
    page.get_by_role("button", name="Three-quarter").click()
    for surface in ("sure", "hidden"):
        page.locator(f"#surface-{surface}").check()
        film.show()
    page.locator("#surface-texture").check()
    occlude(page)
    film.show(2 * PAUSE)
    return film


if __name__ == "__main__":
    main()
