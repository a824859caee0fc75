"""The page in a real browser: heads that turn, sliders that move vertices, switches, downloads, and who can use it."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up
import made_up_families
import numpy as np
import pytest
from extras import needs
from PIL import Image, ImageSequence

needs("playwright")

import unveil
from unveil.assets.store import packaged
from unveil.heads.motion import Motion, expressing
from unveil.meshes.glb import glb_bytes, surface_bytes
from unveil.meshes.glb_file import GlbFile
from unveil.meshes.image_bytes import jpeg
from unveil.storage.files import write_text
from unveil.web.page import page_of
from unveil.web.results import ShownHead

AXE = Path(__file__).parents[2] / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
PRESSED = "button, a[href], input, select, summary, canvas[tabindex]"
# Words that are cut off, and what begins or ends beside the window, which phones show no bar to scroll to.
OUT_OF_REACH = """() => [...document.querySelectorAll(`button, a[href], label, select, summary`)].filter((one) => {
    const { left, right, width } = one.getBoundingClientRect();
    const cut = left < 0 || right > innerWidth || one.scrollWidth > Math.max(one.clientWidth, width) + 1;
    return one.checkVisibility() && cut;
}).map((one) => one.textContent).concat(document.documentElement.scrollWidth > innerWidth ? ["the page"] : [])"""
FOCUSED = """() => {
    const one = document.activeElement, place = (one.labels?.[0] ?? one).getBoundingClientRect();
    const shown = place.top < innerHeight && place.bottom > 0 && place.left < innerWidth && place.right > 0;
    return (shown ? "" : "hidden ") + (one.id === "file" ? "Choose a photograph" : one.id || one.textContent);
}"""
LOADED = """() => window.unveil.then(({ head }) => {
    return head.meshes.every(({ material }) => !material.map || material.map.image);
})"""


@pytest.fixture(scope="module")
def page(server: str, browser: Any) -> Iterator[Any]:
    """The page of the server with the head of the packaged photograph, which was uploaded there."""
    context = browser.new_context(
        viewport={"width": 860, "height": 480}, accept_downloads=True, reduced_motion="reduce"
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(server)
    page.set_input_files("#file", str(packaged("demo.jpg")))
    page.wait_for_selector("text=The server deletes these files", timeout=120_000)
    yield page
    assert not wrong
    context.close()


@pytest.fixture(autouse=True)
def _as_it_was(page: Any) -> None:
    page.get_by_role("button", name="As photographed").click()
    page.get_by_role("button", name="Front").click()
    page.locator("#surface-texture").check()


def canvas(page: Any) -> np.ndarray:
    """The pixels of the head, float [H, W, 3], as soon as its pictures are loaded."""
    page.wait_for_function(LOADED)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return np.asarray(Image.open(io.BytesIO(page.locator("canvas").first.screenshot())).convert("RGB"), np.float64)


def canvas_beside(page: Any) -> np.ndarray:
    """The same of a second head."""
    canvas(page)
    return np.asarray(Image.open(io.BytesIO(page.locator("canvas").last.screenshot())).convert("RGB"), np.float64)


def evaluate(page: Any, what: str) -> Any:
    return page.evaluate(f"() => window.unveil.then({what})")


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """The share of pixels that look different."""
    return float((np.abs(after - before).max(axis=-1) > 24).mean())


def test_the_photograph_became_a_head(page: Any) -> None:
    assert page.get_by_role("heading", name="demo").is_visible()
    shares = re.compile(r"^\d+ % of the face occluded, \d+ % turned away$")
    assert page.get_by_text(shares).is_visible()
    assert re.match(r"± \d\.\d mm where seen, ± \d\.\d mm where hidden$", page.get_by_text("where seen").text_content())
    assert page.get_by_alt_text("The photograph").is_visible()
    head = canvas(page)
    assert head.std() > 20


def test_a_slider_moves_vertices_on_the_screen(page: Any) -> None:
    page.get_by_text("Jaw", exact=True).click()
    before, still = canvas(page), canvas(page)
    assert changed(before, still) == 0
    page.locator("#unit-jawOpen").fill("1")
    opened = canvas(page)
    assert changed(before, opened) > 0.003
    assert evaluate(page, "viewer => viewer.head.unit('jawOpen')") == 1
    assert page.locator("output[for=unit-jawOpen]").text_content() == "1.00"
    page.get_by_role("button", name="As photographed").click()
    assert changed(before, canvas(page)) == 0


def test_every_unit_has_a_slider_and_every_turn(page: Any) -> None:
    units = evaluate(page, "viewer => viewer.head.units")
    assert len(units) == 52
    assert page.locator("input[id^=unit-]").count() == 52
    before = canvas(page)
    turns = evaluate(page, "viewer => viewer.head.turns")
    assert len(turns) == 6
    page.locator("summary", has_text="Neck, gaze, jaw").click()
    for turn in ("neckYaw", "jaw"):
        page.locator(f"#turn-{turn}").fill("15")
    assert changed(before, canvas(page)) > 0.02
    page.get_by_role("button", name="Reset the pose").click()
    assert changed(before, canvas(page)) == 0


def test_the_identity_changes_and_comes_back(page: Any) -> None:
    page.get_by_text("Shape", exact=True).click()
    assert page.locator("input[id^=shape-]").count() == 10
    before = canvas(page)
    for slider, value, back in (("strength", "0", "As photographed"), ("shape-1", "3", "Reset the identity")):
        page.locator(f"#{slider}").fill(value)
        assert changed(before, canvas(page)) > 0.005, slider
        page.get_by_role("button", name=back).click()
        assert changed(before, canvas(page)) == 0, slider


@pytest.mark.parametrize("name", ["Smile", "Surprise", "Blink", "Tongue out"])
def test_named_expressions(page: Any, name: str) -> None:
    page.get_by_role("button", name="Neutral").click()
    before = canvas(page)
    page.get_by_role("button", name=name).click()
    assert changed(before, canvas(page)) > 0.0003


def test_surfaces_and_switches(page: Any) -> None:
    pictures = {}
    for surface in ("texture", "albedo", "lit", "grey", "sure", "hidden"):
        page.locator(f"#surface-{surface}").check()
        pictures[surface] = canvas(page)
    names = list(pictures)
    assert all(changed(pictures[a], pictures[b]) > 0.003 for a in names for b in names if a < b)
    assert page.get_by_text("occluded or turned away").is_visible()
    page.locator("#wireframe").check()
    assert changed(pictures["hidden"], canvas(page)) > 0.01
    page.locator("#wireframe").uncheck()
    assert changed(pictures["hidden"], canvas(page)) == 0


def test_the_head_turns_by_mouse_and_by_keys(page: Any) -> None:
    page.locator("canvas").focus()
    page.keyboard.press("Home")
    front = canvas(page)
    for name in ("Three-quarter", "Profile", "Back"):
        page.get_by_role("button", name=name).click()
        assert changed(front, canvas(page)) > 0.02, name
    page.locator("canvas").focus()
    page.keyboard.press("Home")
    assert changed(front, canvas(page)) == 0
    page.keyboard.press("ArrowRight")
    assert changed(front, canvas(page)) > 0.01
    assert page.locator("main [aria-live]").text_content() == "front view, left side"


def test_downloads_are_whole(page: Any, tmp_path: Path) -> None:
    for name, suffix in (("GLB", "glb"), ("NPZ", "npz"), ("OBJ (ZIP)", "zip"), ("Picture (PNG)", "png")):
        with page.expect_download() as waiting:
            page.locator(".button, button", has_text=name).last.click()
        waiting.value.save_as(tmp_path / f"file.{suffix}")
    GlbFile.parse((tmp_path / "file.glb").read_bytes())
    with np.load(tmp_path / "file.npz") as arrays:
        assert arrays["vertices"].shape[1] == 3
    with zipfile.ZipFile(tmp_path / "file.zip") as together:  # one file for a person, as an OBJ alone has no colours
        assert {"face_0.obj", "face_0.mtl", "face_0.jpg"} <= set(together.namelist())
    assert page.get_by_role("link", name="MTL").count() == 0
    with Image.open(tmp_path / "file.png") as picture:
        assert picture.size[0] > 500


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_turntable(browser: Any, tmp_path: Path, kind: str) -> None:
    model = unveil.load_openhead()
    write_text(tmp_path / "page.html", page_of([ShownHead("bare", glb_bytes(model, model.zero()))]))
    page = browser.new_page(viewport={"width": 700, "height": 600}, reduced_motion="reduce")
    if kind == "gif":
        page.add_init_script("delete window.MediaRecorder")
    page.goto((tmp_path / "page.html").as_uri())
    evaluate(page, "() => true")
    if page.get_by_role("button", name=f"Turntable ({kind.upper()})").count() == 0:
        pytest.skip("this browser writes no MP4")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Turntable").click()
        page.get_by_role("button", name="Recording").wait_for()
    page.get_by_role("button", name="Turntable").and_(page.locator(":enabled")).wait_for()
    assert waiting.value.suggested_filename == f"bare.{kind}"
    waiting.value.save_as(tmp_path / "film")
    page.close()
    if kind == "mp4":
        assert (tmp_path / "film").read_bytes()[4:8] == b"ftyp"
        return
    with Image.open(tmp_path / "film") as film:
        frames = [np.asarray(frame.convert("RGB"), np.float64) for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 40
    assert changed(frames[0], frames[20]) > 0.02
    outlines = [np.abs(frame - frame[0, 0]).max(axis=-1) > 24 for frame in frames]
    assert (outlines[1] ^ outlines[39][:, ::-1]).mean() < 0.02  # left and right of the front are alike
    assert (outlines[1] ^ outlines[10]).mean() > 0.02


def test_the_head_lies_over_its_photograph(page: Any) -> None:
    before = canvas(page)
    page.get_by_role("button", name="Over the photograph").click()
    assert page.locator("#surface-lit").is_checked()
    assert page.locator("main [aria-live]").text_content() == "over the photograph"
    over = canvas(page)
    ends = evaluate(page, "viewer => viewer.head.meshes.filter(one => one.geometry.userData.part === 'hair ends')"
        ".map(one => [one.visible, one.material.transparent])")  # fmt: skip
    assert ends == [[True, True]]  # without them hair is cut along a line before the forehead
    page.locator("#opacity").fill("0")
    alone = canvas(page)
    assert page.get_by_alt_text("What the head lies over").is_visible()
    assert changed(before, over) > 0.1
    face = slice(*middle_of(over.shape[0], 0.2)), slice(*middle_of(over.shape[1], 0.05))
    # The photograph's face and the head's are at one place and have one light.
    assert np.abs(over[face] - alone[face]).mean() < 12
    page.locator("#opacity").fill("100")
    page.get_by_role("button", name="Open mouth").click()
    assert changed(over, canvas(page)) > 0.002
    page.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    assert not page.locator("#opacity").is_visible()
    assert page.locator("#surface-texture").is_checked()


def middle_of(whole: int, share: float) -> tuple[int, int]:
    return int(whole * (0.5 - share / 2)), int(whole * (0.5 + share / 2))


def put_before(page: Any, what: str) -> str:
    """Press the button for an occluder, and give back the painting as soon as it is another one."""
    paint = page.locator("canvas.paint")
    clear = paint.evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name=what).click()
    page.wait_for_function("([canvas, clear]) => canvas.toDataURL() !== clear", arg=[paint.element_handle(), clear])
    return str(paint.evaluate("canvas => canvas.toDataURL()"))


@pytest.mark.parametrize("what", ["Mask", "Dark glasses", "Hand"])
def test_what_is_put_before_the_face_can_be_taken_away(page: Any, what: str) -> None:
    page.get_by_role("button", name="Hide part of the face").click()
    paint = page.locator("canvas.paint")
    pixels = "canvas => canvas.toDataURL()"
    clear = paint.evaluate(pixels)
    occluded = put_before(page, what)
    assert 60 < paint.evaluate("canvas => canvas.width") < 400  # the face is shown large, of 512 pixels
    page.keyboard.press("ArrowUp")  # moves a hand
    assert (paint.evaluate(pixels) != occluded) == (what == "Hand")
    page.get_by_role("button", name="Clear").click()
    assert paint.evaluate(pixels) == clear
    page.get_by_role("button", name="Cancel").click()


def test_part_of_the_face_is_hidden_and_both_heads_compared(page: Any) -> None:
    page.get_by_role("button", name="Hide part of the face").click()
    put_before(page, "Hand")
    page.get_by_role("button", name="Reconstruct").click()
    caption = page.wait_for_selector(".two .caption", timeout=120_000)
    page.wait_for_function("() => document.querySelector('.caption').textContent.includes('mm apart on average')")
    apart = float(re.findall(r"([\d.]+) mm", caption.text_content())[0])
    assert 0.01 < apart < 20
    sent = page.get_by_alt_text("The photograph", exact=True)
    assert sent.evaluate_all("images => images.map(image => image.naturalWidth)") == [960, 960]
    units = "viewer => [viewer.head.unit('jawOpen'), viewer.head.twin.unit('jawOpen')]"
    page.get_by_role("button", name="Open mouth").click()
    assert evaluate(page, units) == pytest.approx([0.7, 0.7])
    page.get_by_role("button", name="Profile").click()
    assert evaluate(page, "viewer => viewer.stage.beside.describe()") == "profile view, left side"
    page.get_by_role("button", name="Over the photograph").click()
    assert page.get_by_alt_text("What the head lies over").count() == 2
    page.get_by_role("button", name="Front").click()
    before = canvas_beside(page)
    page.locator("#surface-apart").check()
    assert changed(before, canvas_beside(page)) > 0.05
    assert page.get_by_text("4+ mm").is_visible()
    page.get_by_label("Compare with").select_option("")
    assert not page.locator(".caption").is_visible()
    assert not page.locator("#surface-apart").is_visible()  # there is nothing to be apart from
    assert page.locator("#surface-texture").is_checked()


def test_a_page_from_the_disk_fetches_nothing_and_hides_hair(browser: Any, tmp_path: Path) -> None:
    model = unveil.load_openhead()
    bumps = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    texture = np.full((8, 8, 3), 150, np.uint8)
    glbs = [
        glb_bytes(replace(model, hair=made_up.a_hat()), model.zero(), texture, normal_map=bumps),
        glb_bytes(model, model.zero()),
        surface_bytes(np.asarray(model.head.template), model, texture),
    ]
    heads = [ShownHead("hat", glbs[0], "openhead"), ShownHead("bare", glbs[1]), ShownHead("still", glbs[2])]
    write_text(tmp_path / "page.html", page_of(heads))
    page = browser.new_page(viewport={"width": 700, "height": 600}, reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    evaluate(page, "() => true")
    assert {address.partition(":")[0] for address in asked} <= {"file", "blob", "data"}
    hat = canvas(page)
    page.locator("#hair").uncheck()
    bald = canvas(page)
    assert changed(hat, bald) > 0.01
    page.locator("#wrinkles").uncheck()
    assert changed(bald, canvas(page)) > 0.01
    assert page.get_by_role("button", name="Over the photograph").count() == 0  # there is none
    assert page.locator("#surface-sure").is_disabled()  # these files do not say it
    page.get_by_label("Compare with").select_option("1")
    page.get_by_text("bare: 0.0 mm apart on average").wait_for()
    page.get_by_role("button", name="bare").click()
    page.get_by_role("heading", name="bare").wait_for()
    assert page.locator("#hair").count() == 0
    assert page.get_by_role("heading", name="Expression").count() == 1
    page.get_by_role("button", name="still").click()
    page.get_by_role("heading", name="still").wait_for()
    assert page.get_by_role("heading", name="Expression").count() == 0
    page.close()


def test_two_heads_open_beside_each_other_and_both_are_in_sight(browser: Any, tmp_path: Path) -> None:
    model = unveil.load_openhead()
    bare, hat = glb_bytes(model, model.zero()), glb_bytes(replace(model, hair=made_up.a_hat()), model.zero())
    page = browser.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce")
    away = []
    for first, second in ((bare, hat), (hat, bare)):
        both = [ShownHead("a", first, "openhead"), ShownHead("b", second, "openhead")]
        write_text(tmp_path / "page.html", page_of(both, beside=True))
        page.goto((tmp_path / "page.html").as_uri())
        page.get_by_text("b: 0.0 mm apart on average").wait_for()
        canvas(page)
        places = "[stage, stage.beside].map((one) => one.camera.position.length())"
        away += evaluate(page, f"({{ stage }}) => {places}")
    assert away == pytest.approx([away[0]] * 4)  # as far as the larger of both needs, whichever it is
    page.close()


def test_the_photograph_is_that_of_the_last_head_whichever_comes_first(browser: Any, tmp_path: Path) -> None:
    model = unveil.load_openhead()
    shown = ShownHead("a", glb_bytes(model, model.zero()), "openhead")
    write_text(tmp_path / "page.html", page_of([shown]))
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator("canvas").first.wait_for()
    show = """async ({ head, frame }, pictures) => {
        const held = [];
        HTMLImageElement.prototype.decode = () => new Promise((done) => held.push(done));
        for (const picture of pictures) frame.show(head, { picture, facts: {} });
        for (const done of held.reverse()) done();
        await new Promise((done) => setTimeout(done));
        return document.querySelector("img.corner").getAttribute("src");
    }"""
    pictures = ["data:image/png;base64,first", "data:image/png;base64,last"]
    found = page.evaluate(f"(pictures) => window.unveil.then((viewer) => ({show})(viewer, pictures))", pictures)
    assert found == pictures[1]
    page.close()


def test_a_motion_is_played_until_it_is_stopped(browser: Any, tmp_path: Path) -> None:
    model = unveil.load_openhead()
    motion = Motion(expressing(model, model.zero(), {"jawOpen": 1.0}, 20), 10)
    moving = ShownHead("moving", glb_bytes(model, model.zero(), motion=motion))
    write_text(tmp_path / "page.html", page_of([moving, ShownHead("bare", glb_bytes(model, model.zero()))]))
    page = browser.new_page(viewport={"width": 700, "height": 600}, reduced_motion="reduce")
    page.goto((tmp_path / "page.html").as_uri())
    page.get_by_role("button", name="Play the motion").click()
    page.wait_for_function("() => window.unveil.then((viewer) => viewer.head.unit('jawOpen') > 0.5)")
    page.get_by_text("Jaw", exact=True).click()
    page.get_by_role("button", name="Stop the motion").click()
    assert evaluate(page, "viewer => viewer.head.unit('jawOpen')") == 0
    assert page.locator("output[for=unit-jawOpen]").text_content() == "0.00"
    page.get_by_role("button", name="bare").click()
    page.get_by_role("heading", name="bare").wait_for()
    assert not page.get_by_role("button", name="Play the motion").is_visible()  # it has none
    page.close()


def test_heads_of_every_family(browser: Any, tmp_path: Path) -> None:
    models = [made_up_families.model(name) for name in ("deca", "3ddfa")]
    colours = [np.full((8, 8, 3) if m.textured else (len(m.head.template), 3), 150, np.uint8) for m in models]
    heads = [glb_bytes(m, m.zero(), colour) for m, colour in zip(models, colours, strict=True)]
    shown = [ShownHead(m.name, head, m.name) for m, head in zip(models, heads, strict=True)]
    write_text(tmp_path / "page.html", page_of(shown))
    page = browser.new_page(viewport={"width": 700, "height": 600}, reduced_motion="reduce")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    for model in models:
        page.get_by_role("button", name=model.name).click()
        page.get_by_role("heading", name=model.name).wait_for()
        units = page.locator("input[id^=unit-]")
        assert units.count() == len(model.unit_names)
        assert units.first.get_attribute("min") == "-3"  # of a statistical basis, to either side
        assert page.locator("#strength").count() == 0
    assert not wrong
    page.close()


def test_on_a_phone_the_head_stays_in_sight(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 700})
    page.get_by_role("heading", name="Download").scroll_into_view_if_needed()
    place = page.locator("canvas").first.bounding_box()
    head = page.locator(".upload").bounding_box()
    page.set_viewport_size({"width": 860, "height": 480})
    page.evaluate("() => scrollTo(0, 0)")
    assert 0 <= place["y"] < 40
    assert place["height"] > 250
    assert head["height"] < 120  # of a phone 700 high


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_that_can_be_pressed_is_out_of_reach(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    page.locator("details").evaluate_all("all => all.forEach((details) => (details.open = true))")
    outside = page.evaluate(OUT_OF_REACH)
    page.evaluate("() => { scrollTo(0, 0); document.activeElement.blur(); }")
    wanted = page.locator(PRESSED).evaluate_all("all => all.filter((one) => one.checkVisibility()).length")
    pressed = set()
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        pressed.add(page.evaluate(FOCUSED))
    page.locator("details").evaluate_all("all => all.forEach((details) => (details.open = false))")
    page.set_viewport_size({"width": 860, "height": 480})
    assert not outside
    assert {"with-wrinkles", "Choose a photograph", "Download the head", "surface-texture", "hair"} <= pressed
    assert not {name for name in pressed if name.startswith("hidden")}


def test_a_newcomer_without_a_photograph_and_movements_that_take_a_moment(server: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 700, "height": 500})
    page.goto(server)
    page.get_by_role("button", name="Or try this one").click()
    page.get_by_role("heading", name="example").wait_for(timeout=120_000)
    page.wait_for_function("() => document.activeElement.ariaLabel === 'Head example'")  # the button is gone
    hide = page.get_by_role("button", name="Hide part of the face")
    hide.press("Enter")
    page.get_by_role("button", name="Mask").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert hide.evaluate("button => button === document.activeElement")
    page.get_by_role("button", name="Profile").click()
    page.get_by_role("button", name="Open mouth").click()
    page.wait_for_function("() => window.unveil.then((v) => v.head.unit('jawOpen') === 0.7)", timeout=60_000)
    page.wait_for_function("() => window.unveil.then((v) => v.stage.describe() === 'profile view, left side')")
    page.close()


def test_a_photograph_is_compared_with_one_before(server: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 700, "height": 500}, reduced_motion="reduce")
    page.goto(server)
    for _ in range(2):
        page.set_input_files("#file", [])
        page.set_input_files("#file", str(packaged("demo.jpg")))
        page.wait_for_selector("text=The server deletes these files", timeout=120_000)
    page.get_by_role("heading", name="demo (2)").wait_for()
    page.get_by_label("Compare with").select_option(label="demo")
    page.get_by_text("demo: 0.0 mm apart on average").wait_for()
    glb = evaluate(page, "() => performance.getEntriesByType('resource').map((one) => one.name)"
        ".find((name) => name.endsWith('.glb'))")  # fmt: skip
    page.request.delete(glb.partition("/files")[0], headers={"Origin": server})
    page.get_by_label("Compare with").select_option(label="nothing")
    page.get_by_label("Compare with").select_option(label="demo")
    page.get_by_text("The server has deleted this head.").wait_for()
    page.close()


def test_the_head_that_is_shown_gets_wrinkles_too(server: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 700, "height": 500}, reduced_motion="reduce")
    page.goto(server)
    page.get_by_label("with wrinkles").check()
    page.get_by_label("with wrinkles").uncheck()
    page.set_input_files("#file", str(packaged("demo.jpg")))
    page.get_by_role("heading", name="demo").wait_for(timeout=120_000)
    assert page.locator("#wrinkles").count() == 0
    page.get_by_label("with wrinkles").check()
    page.get_by_role("heading", name="demo (2)").wait_for(timeout=120_000)
    assert page.locator("#wrinkles").is_checked()
    page.close()


def test_what_is_no_photograph_is_answered_in_words(server: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(server)
    page.set_input_files("#file", {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"some text"})
    alert = page.wait_for_selector("[role=alert]")
    assert alert.text_content().startswith("The file is not a picture that can be read")
    page.set_input_files("#file", {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": b"some film"})
    page.get_by_text("To follow everybody in a clip: unveil reconstruct walk.mp4 -o out").wait_for()
    refused = {"status": 401, "json": {"detail": "the token is missing or wrong; send the header Authorization"}}
    page.route("**/api/jobs*", lambda route: route.fulfill(**refused))
    page.get_by_role("button", name="Or try this one").click()
    page.get_by_text("The token is missing or wrong. Enter the one").wait_for()  # who sees the page sends no headers
    page.close()


def test_of_several_faces_one_is_chosen_on_the_photograph(server: str, browser: Any, tmp_path: Path) -> None:
    with Image.open(packaged("demo.jpg")) as one:
        two = np.hstack([np.asarray(one), np.asarray(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT))])
    page = browser.new_page()
    page.goto(server)
    page.set_input_files("#file", {"name": "two.jpg", "mimeType": "image/jpeg", "buffer": jpeg(two)})
    page.wait_for_selector("text=The server deletes these files", timeout=120_000)
    faces = page.get_by_role("button", name="on the photograph")
    assert faces.count() == 2
    faces.nth(1).click()
    page.get_by_role("heading", name="two 2").wait_for()
    assert faces.nth(1).get_attribute("aria-current") == "true"
    assert faces.nth(1).text_content() == "2"
    assert page.locator("canvas").first.bounding_box()["height"] > 400  # of a window 720 high
    page.close()


def test_of_a_photograph_that_ends_at_the_head_nothing_is_shown_beyond(server: str, browser: Any) -> None:
    with Image.open(packaged("demo.jpg")) as whole:
        part = np.asarray(whole.convert("RGB"))[:, 150:300]
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.goto(server)
    page.set_input_files("#file", {"name": "part.jpg", "mimeType": "image/jpeg", "buffer": jpeg(part)})
    page.wait_for_selector("text=The server deletes these files", timeout=120_000)
    page.wait_for_selector("img.corner:visible")
    sizes = "image => [image.naturalWidth, image.naturalHeight]"
    width, height = page.locator("img.corner").evaluate(sizes)
    assert width < 0.95 * height
    assert page.locator("img.behind").evaluate(sizes) == [960, 960]  # where the head is put over it
    page.close()


def test_how_far_a_photograph_is_stays_in_sight(page: Any) -> None:
    page.set_viewport_size({"width": 1100, "height": 700})
    page.get_by_role("heading", name="Download").scroll_into_view_if_needed()
    assert page.locator(".status").bounding_box()["y"] >= 0
    assert page.locator("canvas").first.bounding_box()["y"] >= 0
    page.set_viewport_size({"width": 860, "height": 480})
    page.evaluate("() => scrollTo(0, 0)")


@pytest.mark.parametrize(("scheme", "width"), [("light", 860), ("dark", 390)])
def test_axe_finds_no_serious_fault(page: Any, scheme: str, width: int) -> None:
    if not AXE.is_file():
        pytest.skip("needs the packages of viewer (make test installs them)")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 700})
    faults = faults_of(page)
    page.get_by_role("button", name="Over the photograph").click()
    faults += faults_of(page)
    page.get_by_role("button", name="Hide part of the face").click()
    faults += faults_of(page)
    page.get_by_role("button", name="Cancel").click()
    page.set_viewport_size({"width": 860, "height": 480})
    page.emulate_media(color_scheme="light")
    assert not faults, json.dumps(faults, indent=1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def faults_of(page: Any) -> list[tuple[str, str]]:
    """What axe finds that keeps people from using the page as it is now, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in found if fault["impact"] in SERIOUS]
