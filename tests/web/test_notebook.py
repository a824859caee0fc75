"""Heads in a notebook."""

import html
import re
from typing import Any

import pytest

import unveil
from unveil.assets.store import packaged
from unveil.web.notebook import shown_face
from unveil.web.page import page_of


@pytest.fixture(scope="module")
def face() -> unveil.Reconstruction:
    (face,) = unveil.Reconstructor().reconstruct(packaged("demo.jpg"))
    return face


def test_the_cell_has_the_whole_page(face: unveil.Reconstruction) -> None:
    shown = unveil.show(face, height=400)
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown._repr_html_())
    assert html.unescape(page) == shown.page == page_of([shown_face(face)])
    assert "height:400px" in shown._repr_html_()
    assert len(shown._repr_html_()) < 5_000_000
    assert "MB" in repr(shown)


@pytest.mark.parametrize("wrong", [(), ([],), ("photo.jpg",)])
def test_what_is_no_face_is_not_shown(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"show takes faces.*show\(\*faces\)"):
        unveil.show(*wrong)


def test_the_frame_shows_the_head(face: unveil.Reconstruction, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    page.set_content(unveil.show(face)._repr_html_())
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name=face.name).wait_for()
    frame.get_by_role("button", name="Over the photograph").click()
    assert frame.locator("#surface-lit").is_checked()
    page.close()
