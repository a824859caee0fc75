"""A webcam in the page: a film takes its place, and moves the head."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import needs

needs("playwright")

from tools.chromium import browser, camera_options, chromium, write_film
from unveil.assets.store import packaged
from unveil.photos.io import read_image

HIDDEN = """() => window.unveil.then(({ head }) => {
    %s
    const { array } = head.skin.geometry.getAttribute("_hidden");
    return array.reduce((sum, one) => sum + one, 0) / array.length / (array instanceof Uint8Array ? 255 : 1);
})"""  # the mean over the vertices

if chromium() is None:
    pytest.skip("needs a Chromium or Chrome", allow_module_level=True)


def test_the_camera_moves_the_head_until_it_is_stopped(server: str, tmp_path: Path) -> None:
    face = read_image(packaged("demo.jpg"))[:320, 60:380]
    write_film(tmp_path / "film.y4m", [np.roll(face, shift, axis=1) for shift in (0, 6, 12, 6)])
    wrong: list[str] = []
    with browser(*camera_options(tmp_path / "film.y4m")) as running:
        page = running.new_page(viewport={"width": 860, "height": 480}, reduced_motion="reduce")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(server)
        page.get_by_role("button", name="Live").click()
        page.wait_for_selector("text=frames a second", timeout=120_000)
        page.get_by_role("heading", name="camera").wait_for()
        place = "window.unveil.then(({ frame, stage }) => frame.isOver && stage.eye.left)"
        before = page.wait_for_function(f"() => {place}").json_value()
        page.wait_for_function(f"(before) => {place}.then((now) => now && now !== before)", arg=before)
        assert page.locator("canvas.behind").is_visible()
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/api/live*", hold)  # an answer that takes long
        while not held:
            page.wait_for_timeout(20)
        behind = [page.locator("canvas.behind").evaluate("canvas => canvas.toDataURL()")]
        film = "document.querySelector('video').currentTime"
        page.wait_for_function(f"(seen) => {film} > seen + 0.5", arg=page.evaluate(f"() => {film}"))
        behind.append(page.locator("canvas.behind").evaluate("canvas => canvas.toDataURL()"))
        assert len(held) == 1
        assert behind[0] == behind[1]  # the head waits with the frame that it is in, while the camera goes on
        page.unroute("**/api/live*")  # lets it go on
        nobody = {"session": "", "image": {"width": 480, "height": 480}, "heads": []}
        page.route("**/api/live*", lambda route: route.fulfill(json=nobody))
        page.get_by_text("Live: no face to be seen").wait_for()
        assert (
            page.locator("[role=status]", has_text="frames a second").count() == 0
        )  # or it is read out again and again
        assert page.locator(".frame.unseen").count() == 1
        hide_all = "head.setHidden(btoa('\\xff'.repeat(head.shape.identity.vertices)))"
        assert page.evaluate(HIDDEN % hide_all) == 1
        page.get_by_role("button", name="Profile").click()
        assert page.locator("video.corner").is_visible()
        page.get_by_role("button", name="Stop the camera").click()
        page.get_by_text("The camera is off.").wait_for()
        assert page.locator("video:visible").count() == 0
        assert page.locator(".frame.unseen").count() == 0
        assert page.evaluate(HIDDEN % "") < 0.8  # what the photograph hides, and no longer what the camera did
    assert not wrong
