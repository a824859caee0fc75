"""Hair from made-up photographs and class maps on openhead's own geometry."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil.appearance.hair.ends import away_from_hair
from unveil.appearance.hair.frame import COLUMNS, DOME, ROWS, above_hairline, ear_faces, frame_of
from unveil.appearance.hair.look import HairLook, look_of
from unveil.appearance.hair.noise import smooth_noise
from unveil.appearance.hair.photographed import join
from unveil.appearance.hair.picture import HEIGHT, WIDTH, hair_picture
from unveil.appearance.hair.shape import HairShape, hair_shape
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.strands import strands_like
from unveil.appearance.hair.surroundings import SHADES, Surroundings, hair_view, not_skin
from unveil.appearance.hair.tone import HairTone, hair_tone
from unveil.appearance.hair.view import FARTHEST, HairView
from unveil.appearance.hair.worn import HairForm, hair_form
from unveil.assets.store import packaged
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.heads.parts import HairCap
from unveil.heads.surroundings import SEGMENTED_SIZE, SEGMENTS, SURROUNDINGS, SurroundingsNetworks
from unveil.heads.surroundings import SIZE as SURROUNDINGS_SIZE
from unveil.meshes.glb import glb_bytes
from unveil.meshes.obj import write_obj
from unveil.models.classes import BACKGROUND, BROWS, CLASS_SIZE, CLASSES, CLOTH, HAIR, OCCLUDER, SKIN
from unveil.models.openhead import head as openhead
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.photos.detection import eyes_nose_mouth
from unveil.typing import Bools, Float32s, Floats, Image, Int64s

WORN = (30, 60, 230)  # the colour of what lies on a head or is held before it
COLOURS = {
    BACKGROUND: (20, 200, 30),
    SKIN: (210, 160, 140),
    HAIR: (90, 60, 40),
    CLOTH: (40, 40, 200),
    OCCLUDER: WORN,
}
SIZE, SCALE = 600, 1500  # pixels, and pixels per metre
THICK = 0.02  # metres that the made-up hair stands out
BROW, PALE_BROW = (40, 25, 15), (130, 90, 70)
OF_SURROUNDINGS = np.array([COLOURS[SKIN], COLOURS[HAIR], COLOURS[CLOTH], WORN, COLOURS[BACKGROUND], BROW])


def by_colour(channels: Float32s) -> Float32s:
    """Surroundings by the nearest colour: a network for made-up photographs."""
    colours = 255 * (np.moveaxis(channels[:3], 0, -1) + 0.5)
    nearest = np.linalg.norm(colours[..., None, :] - OF_SURROUNDINGS, axis=-1).argmin(axis=-1)
    nearest[nearest == len(SURROUNDINGS)] = SURROUNDINGS.index("skin")
    nearest[channels[8] > 0.5] = SURROUNDINGS.index("occluder")
    return np.moveaxis(0.01 + 0.95 * np.eye(len(SURROUNDINGS), dtype=np.float32)[nearest], -1, 0)


def no_segments(_: Image) -> Float32s:
    """A network that says nothing."""
    return np.full((len(SEGMENTS), SEGMENTED_SIZE, SEGMENTED_SIZE), 1 / len(SEGMENTS), np.float32)


MODEL = replace(
    openhead.load(packaged("openhead.npz")),
    surroundings=SurroundingsNetworks(no_segments, by_colour),
)


def sighted(neutral: Floats, on_scalp: int = HAIR, thick: float = THICK) -> Sighted:
    """A photograph of a head from the front, with something on its scalp."""
    projected = neutral * [SCALE, -SCALE, -SCALE] + [SIZE / 2, SIZE / 2 - 20, 0]
    shown = rasterize(projected, MODEL.faces, SIZE, SIZE)
    scalp = (above_hairline(np.asarray(MODEL.head.template)) > 0)[MODEL.faces].all(axis=1)
    side = 2 * round(thick * SCALE) + 1
    around = cv2.dilate((shown.covered & scalp[shown.triangle]).astype(np.uint8), np.ones((side, side))) > 0
    labels = np.where(shown.covered, SKIN, np.where(around, on_scalp, BACKGROUND))
    labels[shown.covered & scalp[shown.triangle]] = on_scalp
    strands = np.random.default_rng(0).normal(size=(1, SIZE, 1))
    noise = strands * np.where(labels == HAIR, 25, 3)[..., None]
    image = np.array([COLOURS.get(k, (0, 0, 0)) for k in range(len(CLASSES))])[labels] + noise
    crop = Crop.from_landmarks(np.asarray(MODEL.landmarks68(projected))[:, :2], CLASS_SIZE)
    cells = [crop.warp(((labels == k) * 255).astype(np.uint8)) / 255 for k in range(len(CLASSES))]
    classes = np.maximum(np.array(cells, np.float32), 0.001)
    return Sighted(np.clip(image, 0, 255).astype(np.uint8), projected, neutral, classes / classes.sum(axis=0), crop)


def surroundings(head: Sighted) -> Surroundings:
    assert MODEL.surroundings is not None
    return Surroundings.of(head, MODEL, MODEL.surroundings)


def hair_of(head: Sighted) -> HairCap | None:
    form = hair_form(surroundings(head), MODEL)
    return None if form is None else form.painted(MODEL)


@lru_cache(maxsize=1)
def hair() -> HairCap:
    made = hair_of(sighted(np.asarray(MODEL.head.template)))
    assert made is not None
    return made


def ears() -> Int64s:
    """Vertices of the ears, whose roots rise sharply from the skin."""
    return np.unique(MODEL.faces[ear_faces(MODEL)])


@pytest.mark.parametrize("seed", range(4))
def test_hair_lies_outside_of_skin_of_any_shape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.standard_normal(100).astype(np.float32)
    shape[rng.integers(8)] = rng.choice([-3, 3])
    neutral = np.asarray(MODEL.head.neutral(shape), np.float64)
    made = hair_of(sighted(neutral))
    assert made is not None
    assert len(made.vertices) > 1000
    normals = vertex_normals(neutral, MODEL.faces)
    scalp = np.flatnonzero(above_hairline(np.asarray(MODEL.head.template)) > -0.01)
    away = np.linalg.norm(made.vertices[:, None] - neutral[None, scalp], axis=2)
    foot = scalp[away.argmin(axis=1)]
    beside_ears = np.linalg.norm(neutral[foot][:, None] - neutral[ears()], axis=2).min(axis=1) < 0.012
    height = ((made.vertices - neutral[foot]) * normals[foot]).sum(axis=1)
    assert height[(away.min(axis=1) < 0.03) & ~beside_ears].min() > -0.001, "planes at vertices are not quite the skin"


def test_hair_stands_out_as_far_as_the_photograph_shows() -> None:
    low, high = hair().vertices.min(axis=0), hair().vertices.max(axis=0)
    top = np.asarray(MODEL.head.template)[:, 1].max()
    assert top + 0.6 * THICK < high[1] < top + 1.4 * THICK
    assert abs(low[0] + high[0]) < 0.01, "the same on both sides"


def test_nothing_of_the_wall_or_of_skin_is_on_the_hair() -> None:
    picture = hair().picture.astype(int)
    assert (picture[..., 1] - picture[..., 0]).max() < 60, "green is the wall"
    assert np.abs(np.median(picture, axis=(0, 1)) - COLOURS[HAIR]).max() < 15
    assert picture.std(axis=(0, 1)).min() > 4, "strands, not one flat colour"


def test_what_lies_on_the_hair_is_not_part_of_it() -> None:
    head = sighted(np.asarray(MODEL.head.template))
    image = head.photograph.copy()
    top = int(head.projected[:, 1].min())
    image[top - 5 : top + 40, SIZE // 2 - 60 : SIZE // 2 + 60] = (20, 60, 230)  # a bow, above the class map
    made = hair_of(replace(head, photograph=image))
    assert made is not None
    picture = made.picture.astype(int)
    assert (picture[..., 2] - picture[..., 0]).max() < 40, "none of its blue"


def test_hair_in_full_light_counts_for_the_colour_of_all() -> None:
    template = np.asarray(MODEL.head.template)
    head, frame = sighted(template), frame_of(template, MODEL)
    view = hair_view(surroundings(head), MODEL)
    assert view is not None
    shape = hair_shape(frame, view)
    assert shape is not None
    image = head.photograph.copy()
    is_hair = np.abs(image.astype(int) - COLOURS[HAIR]).max(axis=2) < 90
    image[is_hair] = COLOURS[HAIR]
    image[: SIZE // 4][is_hair[: SIZE // 4]] = (np.array(COLOURS[HAIR]) + 4 * np.array(COLOURS[SKIN])) // 5
    lit = replace(head, photograph=image)
    tone = HairTone(to_cielab(np.float64(COLOURS[HAIR])), np.array([8.0, 4, 5]), view.tone.skin)
    picture, _ = hair_picture(lit, frame, shape, away_from_hair(shape), replace(view, tone=tone), MODEL.faces)
    behind = np.median(picture[: len(picture) // 2, :100], axis=(0, 1))
    assert (behind - COLOURS[HAIR]).mean() > 25


def test_hair_beyond_the_photograph_is_said_to_be_hidden() -> None:
    """Crops are black there, and a learner takes black for hair."""
    tight = cut(sighted(np.asarray(MODEL.head.template)), temples(-12))
    made = hair_of(replace(tight, classes=sighted(np.asarray(MODEL.head.template)).classes))
    assert made is not None
    assert made.hidden.min() > 0.99


def cut(head: Sighted, box: tuple[int, int, int, int]) -> Sighted:
    """The same in the part of the photograph between left, top, right and bottom; the learner sees nothing else."""
    left, top, right, bottom = box
    matrix = head.crop.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ [left, top]
    crop = Crop(matrix, CLASS_SIZE)
    photograph = np.ascontiguousarray(head.photograph[top:bottom, left:right])
    inside = crop.warp(np.full(photograph.shape[:2], 255, np.uint8)) / np.float32(255)
    classes = head.classes * inside
    classes[BACKGROUND] += 1 - inside
    return replace(head, photograph=photograph, projected=head.projected - [left, top, 0], classes=classes, crop=crop)


def temples(margin: int = 25) -> tuple[int, int, int, int]:
    """A part of the photograph that the face fills, with some hair of the temples."""
    marks = np.asarray(MODEL.landmarks68(sighted(np.asarray(MODEL.head.template)).projected))[:, :2]
    (left, top), (right, bottom) = marks.min(axis=0).astype(int), marks.max(axis=0).astype(int)
    return left - margin, top - margin, right + margin, bottom + 20


def test_a_face_of_which_no_hair_is_seen_and_no_brows_gets_some_of_its_own_tone() -> None:
    head = cut(sighted(np.asarray(MODEL.head.template)), temples(-12))
    classes = np.zeros_like(head.classes)
    classes[SKIN] = 1
    made = hair_of(replace(head, classes=classes))
    assert made is not None
    assert np.isfinite(made.vertices).all()
    assert np.abs(np.median(made.picture.astype(int), axis=(0, 1)) - COLOURS[SKIN]).max() < 40


def beside_brows() -> tuple[int, int, int, int]:
    """A part of the photograph with the brows and no hair."""
    left, top, right, bottom = temples(-12)
    return left, top - 18, right, bottom


def test_hair_that_the_photograph_cuts_off_goes_on() -> None:
    box = temples()
    made = hair_of(cut(sighted(np.asarray(MODEL.head.template)), box))
    assert made is not None
    crown = made.vertices[np.abs(made.vertices[:, [0, 2]]).max(axis=1) < 0.05]
    top_of_skull = np.asarray(MODEL.head.template)[:, 1].max()
    assert 0.004 < crown[:, 1].max() - top_of_skull < 0.025, "as thick as hair is"
    assert np.abs(np.median(made.picture.astype(int), axis=(0, 1)) - COLOURS[HAIR]).max() < 25
    left, top, right, bottom = box
    bald = cut(sighted(np.asarray(MODEL.head.template), SKIN, 0.0), (left, top - 60, right, bottom))
    assert hair_of(bald) is None, "much of the scalp is seen"


def beside_face(head: Sighted) -> Sighted:
    """The same with hair that hangs before the ears, down to the chin."""
    marks = np.asarray(MODEL.landmarks68(head.projected))[:, :2].astype(int)
    hangs = np.zeros(head.photograph.shape[:2], np.bool_)
    hangs[marks[17:27, 1].min() : marks[8, 1]] = True
    hangs[:, marks[0, 0] + 12 : marks[16, 0] - 12] = False
    image = np.where(hangs[..., None], np.array(COLOURS[HAIR], np.uint8), head.photograph)
    share = head.crop.warp((hangs * 255).astype(np.uint8)) / np.float32(255)
    classes = head.classes * (1 - share)
    classes[HAIR] += share
    return replace(head, photograph=image, classes=classes)


@pytest.mark.parametrize("hangs", [True, False])
def test_ears_beyond_the_photograph_are_covered_where_hair_hangs_before_them(*, hangs: bool) -> None:
    head = sighted(np.asarray(MODEL.head.template))
    left, top, right, bottom = temples()
    head = cut(beside_face(head) if hangs else head, (left + 12, top, right - 12, bottom))
    view, frame = hair_view(surroundings(head), MODEL), frame_of(head.neutral, MODEL)
    assert view is not None
    shape = hair_shape(frame, view)
    assert shape is not None
    share = (shape.cover[frame.on_ears] > 0).mean()
    assert (share > 0.9) == hangs, share


def on_shoulders(head: Sighted, above_ears: int = 40) -> Sighted:
    """The same with hair that falls on the shoulders, seen from so many pixels above the ears on."""
    marks = np.asarray(MODEL.landmarks68(head.projected))[:, :2].astype(int)
    falls = np.zeros((SIZE, SIZE), np.bool_)
    falls[marks[0, 1] - above_ears :, marks[0, 0] - 70 : marks[16, 0] + 70] = True
    falls[:, marks[5, 0] : marks[11, 0]] = False
    near = np.abs(head.photograph.astype(int) - COLOURS[BACKGROUND]).max(axis=2) < 20
    image = head.photograph.copy()
    image[near & falls] = COLOURS[HAIR]
    return replace(head, photograph=image)


def test_hair_that_is_seen_below_bare_cheeks_hangs_behind_them() -> None:
    head = on_shoulders(sighted(np.asarray(MODEL.head.template)), above_ears=-40)
    form = hair_form(surroundings(head), MODEL)
    assert form is not None
    beside = np.rint(np.arange(50, 80) * COLUMNS / 360).astype(int)  # degrees from the front, on both sides
    for columns in (COLUMNS // 2 - beside, COLUMNS // 2 + beside):
        covered = form.shape.cover[DOME:, columns] > 0
        assert (covered[1:] <= covered[:-1]).all(), "none begins below skin"


def test_hair_that_falls_on_the_shoulders_is_long() -> None:
    short = sighted(np.asarray(MODEL.head.template))
    made, before = hair_of(on_shoulders(short)), hair_of(short)
    assert made is not None
    assert before is not None
    assert before.vertices[:, 1].min() - made.vertices[:, 1].min() > 0.03
    chin = np.asarray(MODEL.landmarks68(np.asarray(MODEL.head.template)))[8]
    low = made.vertices[made.vertices[:, 1] < chin[1] - 0.02]
    assert np.abs(low[low[:, 2] > chin[2] - 0.02, 0]).min(initial=1) > 0.03, "none before the neck"


def test_hair_of_which_next_to_nothing_is_seen_has_strands_all_the_same() -> None:
    made = hair_of(cut(sighted(np.asarray(MODEL.head.template)), temples()))
    assert made is not None
    behind = made.picture[: len(made.picture) // 2, :100].mean(axis=2)  # the picture begins in the middle of the back
    light = np.log(behind)
    assert 0.08 < light.std() < 0.3, "as strands differ in photographs"
    across, along = (np.abs(np.diff(light, axis=axis)).mean() for axis in (1, 0))
    assert across > 3 * along


MADE_UP, WHOLE = (60, 240), (HEIGHT, WIDTH)  # texels
SHOWS = np.pad(np.ones((100, 100), bool), 20)  # hair in a picture


def strands_seen(contrast: float, along: float = 40.0) -> Float32s:
    """Logarithms [140, 140] of hair of strands so long."""
    return 4 + contrast * smooth_noise(SHOWS.shape, 1.5, along, seed=0)


def test_hair_looks_as_the_photograph_shows_it() -> None:
    faint, strong = (look_of(strands_seen(contrast), SHOWS).contrast for contrast in (0.03, 0.12))
    assert (strong[:4] > 1.3 * faint[:4]).all()
    tousled, straight = look_of(strands_seen(0.12, along=1.5), SHOWS).curl, look_of(strands_seen(0.12), SHOWS).curl
    assert tousled > straight == 0


def test_hair_of_which_little_is_seen_looks_as_usual_and_what_is_too_strong_is_none() -> None:
    nothing, little = np.zeros(SHOWS.shape, bool), np.zeros(SHOWS.shape, bool)
    little[60:75, 60:75] = True
    usual, seen = look_of(strands_seen(0.3), nothing), look_of(strands_seen(0.3, along=1.5), little)
    assert usual.curl == seen.curl == 0
    assert np.allclose(seen.contrast, usual.contrast, atol=0.02)
    assert np.array_equal(look_of(strands_seen(2), SHOWS).contrast, look_of(strands_seen(4), SHOWS).contrast)


def test_made_up_strands_are_as_strong_as_what_is_seen_and_shorter_in_short_hair_and_in_curls() -> None:
    look = look_of(strands_seen(0.1), SHOWS)
    twice = HairLook(2 * look.contrast, look.curl)
    straight = strands_like(look, WHOLE, short=False)
    assert np.allclose(strands_like(twice, WHOLE, short=False), 2 * straight, atol=1e-5)
    short, curly = strands_like(look, WHOLE, short=True), strands_like(look._replace(curl=3), WHOLE, short=False)
    alike = [np.corrcoef(of[200:310].ravel(), of[220:330].ravel())[0, 1] for of in (straight, short, curly)]
    assert alike[0] > 1.2 * max(alike[1:]), "twenty texels on"


def test_strands_are_no_thinner_at_the_crown_where_columns_meet() -> None:
    strands = strands_like(HairLook(np.array([0.04, 0.03, 0.02, 0, 0]), 0), WHOLE, short=False)
    turns = [
        np.abs(np.diff(strands[rows], axis=1)).mean() / strands[rows].std()
        for rows in (slice(15, 35), slice(-99, None))
    ]
    assert turns[0] < 0.5 * turns[1], "from column to column"


def test_hair_that_is_seen_goes_over_into_what_is_made_up_along_locks() -> None:
    shown, made_up = np.ones(MADE_UP, np.float32), np.zeros(MADE_UP, bool)
    made_up[:30] = True
    join(shown, made_up, strands_like(HairLook(np.full(5, 0.06), 0), WHOLE, short=False)[100:160, :240])
    mean = shown.mean(axis=1)
    assert (mean[55:] > 0.99).all(), "far from what is made up all is as it is seen"
    assert (np.abs(np.diff(mean[31:])) < 0.2).all(), "and goes over gradually"
    assert mean[31] < 0.4
    assert shown[35].std() > 0.1, "nearer in some locks"
    alone = np.ones(MADE_UP, np.float32)
    join(alone, np.zeros(MADE_UP, bool), np.zeros(MADE_UP, np.float32))
    assert (alone == 1).all()


def with_brows(head: Sighted, colour: tuple[int, int, int] = BROW) -> Sighted:
    """The same with brows."""
    image, classes = head.photograph.copy(), head.classes.copy()
    marks = np.asarray(MODEL.landmarks68(head.projected))[17:27, :2]
    drawn = np.zeros(image.shape[:2], np.uint8)
    for side in (marks[:5], marks[5:]):
        cv2.polylines(drawn, [np.rint(side).astype(np.int32)], isClosed=False, color=255, thickness=12)
    image[drawn > 0] = colour
    share = head.crop.warp(drawn) / np.float32(255)
    classes = classes * (1 - share)
    classes[BROWS] += share
    return replace(head, photograph=image, classes=classes)


def off_brows(made: HairCap | None) -> float:
    """How far the colour of hair is from that of the brows, of 255."""
    assert made is not None
    return float(np.abs(np.median(made.picture.astype(int), axis=(0, 1)) - BROW).max())


def test_where_no_hair_is_seen_the_brows_give_its_colour() -> None:
    head = cut(sighted(np.asarray(MODEL.head.template)), beside_brows())
    dark, plain = off_brows(hair_of(with_brows(head))), off_brows(hair_of(head))
    assert dark < 40
    assert dark < plain - 30


def hairline(made: HairCap) -> tuple[Floats, Floats]:
    """Rows at which hair above the forehead is half opaque: their mean over 9 columns, and what is finer."""
    assert made.ends is not None
    opacity = made.ends.picture[..., 3]
    middle = opacity.shape[1] // 2
    rows = [np.flatnonzero(opacity[: len(opacity) // 2, k] > 127).max() for k in range(middle - 45, middle + 45)]
    broad = np.convolve(rows, np.ones(9) / 9, "valid")
    return broad, rows[4:-4] - broad


def fades_at_forehead(made: HairCap) -> float:
    """Over how many rows of its picture hair fades into the forehead."""
    assert made.ends is not None
    opacity = made.ends.picture[..., 3]
    middle = opacity.shape[1] // 2
    forehead = opacity[: len(opacity) // 2, middle - 45 : middle + 45]
    return float(((forehead > 25) & (forehead < 230)).sum(axis=0).mean())


def test_a_hairline_that_no_photograph_shows_is_uneven_and_the_same_every_time() -> None:
    head = cut(sighted(np.asarray(MODEL.head.template)), temples())
    made, again = hair_of(head), hair_of(head)
    assert made is not None
    assert again is not None
    broad, fine = hairline(made)
    assert np.abs(broad - broad[::-1]).mean() > 0.9, "its sides are not alike"
    assert fades_at_forehead(made) > 2 * fades_at_forehead(hair()), "nor has it an edge"
    assert 0.3 < fine.std() < 0.9, "single strands, and no teeth of a saw"
    assert np.array_equal(made.vertices, again.vertices)
    assert np.array_equal(made.picture, again.picture)


def begins(form: HairForm, degrees: float) -> tuple[float, float]:
    """Metres above the usual hairline at which hair is half opaque, so far from the front on either side.

    The second is how far it stands out there, as a share of how far it does three centimetres behind that.
    """
    ends = form.painted(MODEL).ends
    assert ends is not None
    above = above_hairline(form.frame.at(form.frame.skin) - form.frame.middle)
    height, heights, shares = form.shape.distance - form.frame.skin, [], []
    for column in (np.array([-1, 1]) * degrees / 360 * COLUMNS).round().astype(int) + COLUMNS // 2:
        opacity = ends.picture[: DOME * HEIGHT // (ROWS - 1), column * WIDTH // COLUMNS, 3]
        edge = np.flatnonzero(opacity > 127).max() * (ROWS - 1) / HEIGHT
        heights.append(np.interp(edge, np.arange(ROWS), above[:, column]))
        there, behind = np.interp([edge - 1, edge - 7], np.arange(ROWS), height[:, column])
        shares.append(there / behind)
    return float(np.mean(heights)), float(np.mean(shares))


@pytest.mark.parametrize("above_brows", [10, 40])
def test_a_hairline_that_no_photograph_shows_is_high_and_hair_lies_flat_at_it(above_brows: int) -> None:
    head = sighted(np.asarray(MODEL.head.template))
    left, top, right, bottom = temples(0)
    below = cut(head, (left - 25, top - above_brows, right + 25, bottom))
    shown, made_up = (hair_form(surroundings(one), MODEL) for one in (head, below))
    assert shown is not None
    assert made_up is not None
    assert abs(begins(shown, 8)[0]) < 0.006, "where the photograph shows it"
    high, flat = begins(made_up, 8)
    assert 0.015 < high < 0.028, "wherever the photograph ends"
    assert flat < 0.65, "no rim"


def with_hat(head: Sighted, lowest: float) -> Sighted:
    """The same with a hat on all that is higher in the photograph than a share of the way from brows to crown."""
    image, classes = head.photograph.copy(), head.classes.copy()
    brows = np.asarray(MODEL.landmarks68(head.projected))[17:27, 1].mean()
    row = int(brows + lowest * (head.projected[:, 1].min() - brows))
    image[:row, 100:-100] = WORN
    hidden = np.zeros(image.shape[:2], np.uint8)
    hidden[:row, 100:-100] = 255
    share = head.crop.warp(hidden) / np.float32(255)
    classes = classes * (1 - share)
    classes[OCCLUDER] += share
    return replace(head, photograph=image, classes=classes)


def test_a_line_of_hair_along_a_bald_crown_is_none_unless_it_stands_off_the_head() -> None:
    around = surroundings(sighted(np.asarray(MODEL.head.template), SKIN, 0.0)).around
    on_head = around.depth < FARTHEST
    rows = np.arange(SURROUNDINGS_SIZE)[:, None] * np.ones((SURROUNDINGS_SIZE, SURROUNDINGS_SIZE))
    top = float(rows[on_head].min())
    line = on_head & (rows < top + 4)

    def view_of(hair: Bools) -> HairView | None:
        classes = np.where(hair, SURROUNDINGS.index("hair"), np.where(on_head, 0, SURROUNDINGS.index("background")))
        probability = np.stack([np.where(classes == kind, 0.96, 0.01) for kind in range(5)]).astype(np.float32)
        return hair_view(Surroundings(around, probability), MODEL)

    assert view_of(line) is None
    beside = on_head & (around.above_line > 0.005) & (around.above_line < 0.025)
    receding = view_of(line | beside)
    assert receding is not None, "hair below a bald crown stays"
    assert (receding.odds[line] < 0).all()
    tuft = view_of(
        line | (~on_head & (rows > top - 4) & (rows < top + 4) & (np.abs(rows.T - SURROUNDINGS_SIZE / 2) < 12))
    )
    assert tuft is not None
    assert (tuft.odds[line] > 0).all()


@pytest.mark.parametrize(
    ("sure", "held", "kind"), [(0.5, False, "occluder"), (0.5, True, "hair"), (0.8, True, "occluder")]
)
def test_above_something_held_only_a_clear_hat_is_one(sure: float, held: bool, kind: str) -> None:
    head = sighted(np.asarray(MODEL.head.template))
    around = surroundings(head).around
    on_head = around.depth < FARTHEST
    hat = on_head & (around.above_line > 0)
    classes = np.where(hat, SURROUNDINGS.index("occluder"), np.where(on_head, 0, SURROUNDINGS.index("background")))
    found = np.stack([np.where(classes == one, sure, 0.01) for one in range(len(SURROUNDINGS))]).astype(np.float32)
    found[SURROUNDINGS.index("hair")] += 0.96 - sure
    if held:
        of_learner = head.classes.copy()
        of_learner[:, CLASS_SIZE // 2 :] = 0.001
        of_learner[OCCLUDER, CLASS_SIZE // 2 :] = 0.99
        head = replace(head, classes=of_learner)
    networks = SurroundingsNetworks(no_segments, lambda _: found)
    seen = Surroundings.of(head, MODEL, networks).probability.argmax(axis=0)
    assert (seen[hat & around.scalp] == SURROUNDINGS.index(kind)).mean() > 0.9


def empty_picture(lightness: float) -> tuple[Float32s, Float32s, Float32s]:
    """CIELAB [W, W, 3] of a grey picture, no hair [W, W], and that all is known [W, W]."""
    none = np.zeros((SURROUNDINGS_SIZE, SURROUNDINGS_SIZE), np.float32)
    return np.full((*none.shape, 3), (lightness, 0, 0), np.float32), none, np.ones_like(none)


def test_hair_has_the_colour_inside_of_it_and_little_of_it_or_none_that_of_the_brows() -> None:
    around = surroundings(with_brows(sighted(np.asarray(MODEL.head.template)))).around
    picture, hair, known = empty_picture(90)
    of_brows = hair_tone(around.head, picture, hair, known).hair
    dark = float(to_cielab(np.array([BROW], np.uint8))[0, 0])
    assert of_brows[0] < 1.5 * dark
    hair[::4] = 1
    np.testing.assert_array_equal(hair_tone(around.head, picture, hair, known).hair, of_brows)
    few = hair_tone(around.head, picture * 0.01, hair, known).hair
    assert few[0] < 0.5 * of_brows[0], "if that is darker"
    hair[20:40, 20:40] = 1
    picture[22:38, 22:38] = 30.0, 5, 9
    np.testing.assert_array_equal(hair_tone(around.head, picture, hair, known).hair, [30, 5, 9])


def test_the_more_of_little_hair_is_seen_and_the_paler_the_brows_are_the_less_these_tell() -> None:
    bare, told = sighted(np.asarray(MODEL.head.template)), []
    for brow in (BROW, PALE_BROW):
        head = with_brows(bare, brow)
        picture, hair, known = empty_picture(60)
        of_brows = hair_tone(head, picture, hair, known).hair[0]
        lightness = [of_brows]
        for side in (4, 5, 6):
            hair[20 : 20 + side, 20 : 20 + side] = 1
            lightness.append(hair_tone(head, picture, hair, known).hair[0])
        assert (np.diff(lightness) > 0).all()
        told.append((60 - lightness[-1]) / (60 - of_brows))
        picture[22:24, 20:26] = 40, 0, 0
        assert hair_tone(head, picture, hair, known).hair[0] <= of_brows + (1 - told[-1]) * (40.001 - of_brows)
        picture[:] = 90, 0, 0
        assert hair_tone(head, picture, hair, known).hair[0] == of_brows, "it is the wall"
    assert told[0] > 0.7
    assert told[1] < 0.45


def test_little_hair_between_brows_and_skin_may_be_shorn_dark_hair() -> None:
    head = with_brows(sighted(np.asarray(MODEL.head.template)))
    picture, hair, known = empty_picture(45)
    of_brows = hair_tone(head, picture, hair, known).hair
    hair[20:25, 20:25] = 1
    np.testing.assert_array_equal(hair_tone(head, picture, hair, known).hair, of_brows)
    assert hair_tone(head, picture + 20, hair, known).hair[0] > of_brows[0], "skin hardly shines through so much"
    assert hair_tone(head, picture - 40, hair, known).hair[0] < of_brows[0]


def test_what_is_mixed_with_skin_makes_no_hair_lighter_but_what_the_photograph_ends_at_may() -> None:
    head = with_brows(sighted(np.asarray(MODEL.head.template)), PALE_BROW)
    picture, hair, known = empty_picture(60)
    of_brows = hair_tone(head, picture, hair, known).hair[0]
    hair[20:35, 20:22] = 1
    assert hair_tone(head, picture, hair, known).hair[0] == of_brows
    known[:, :20] = 0
    assert hair_tone(head, picture, hair, known).hair[0] > of_brows + 0.5 * (60 - of_brows)


def test_a_hat_becomes_neither_hair_nor_the_colour_of_hair() -> None:
    template = np.asarray(MODEL.head.template)
    made = hair_of(with_hat(sighted(template), 0.3))
    assert made is not None, "hair is seen below it"
    picture = made.picture.astype(int)
    assert (picture[..., 2] - picture[..., 0]).max() < 40, "none of its blue"
    high = made.vertices[:, 1].max() - template[:, 1].max()
    assert high < 0.02, "as high as hair is, whatever the hat's height"
    bald = sighted(template, SKIN, 0.0)
    assert hair_of(with_hat(bald, 0.6)) is None, "the scalp below it is bare"


def test_hair_under_a_hat_of_which_none_is_seen_has_the_colour_of_the_brows() -> None:
    made = hair_of(with_brows(sighted(np.asarray(MODEL.head.template), OCCLUDER)))
    assert made is not None
    assert made.hidden.min() > 0.9
    assert off_brows(made) < 40


def test_a_hat_that_the_class_map_calls_hair_says_nothing_of_its_colour() -> None:
    head = with_brows(sighted(np.asarray(MODEL.head.template), OCCLUDER))
    classes = head.classes.copy()
    classes[[HAIR, OCCLUDER]] = classes[[OCCLUDER, HAIR]]
    assert off_brows(hair_of(replace(head, classes=classes))) < 40


def with_held(head: Sighted, share: float) -> Sighted:
    """The same with a thing before a share of the forehead, from its left, that ends a little above the crop."""
    image, classes = head.photograph.copy(), head.classes.copy()
    marks = np.asarray(MODEL.landmarks68(head.projected))[:, :2]
    left, right = marks[[0, 16], 0]
    edge = int(np.linalg.inv(np.vstack([head.crop.matrix, [0, 0, 1]]))[1, 2])  # row of the upper edge of the crop
    rows, columns = slice(edge - 15, int(marks[17:27, 1].mean())), slice(int(left), int(left + share * (right - left)))
    image[rows, columns] = WORN
    hidden = np.zeros(image.shape[:2], np.uint8)
    hidden[rows, columns] = 255
    share_of_cell = head.crop.warp(hidden) / np.float32(255)
    classes = classes * (1 - share_of_cell)
    classes[OCCLUDER] += share_of_cell
    return replace(head, photograph=image, classes=classes)


def at_crown(head: Sighted) -> tuple[float, float]:
    """How far the photograph tells of the crown's front, and the log odds of hair there."""
    view = hair_view(surroundings(head), MODEL)
    assert view is not None
    template = np.asarray(MODEL.head.template)
    front = template[(above_hairline(template) > 0.04) & (template[:, 2] > 0) & (np.abs(template[:, 0]) < 0.05)]
    odds, known = view.sample(view.places(front[None]))
    return float(known.mean()), float(odds.mean())


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_hair_above_what_is_held_before_the_forehead_is_seen(share: float) -> None:
    known, odds = at_crown(with_held(sighted(np.asarray(MODEL.head.template)), share))
    assert known > 0.9
    assert odds > 2


@pytest.mark.parametrize("lowest", [0.1, 0.3])
def test_a_hat_hides_all_above_its_edge(lowest: float) -> None:
    assert at_crown(with_hat(sighted(np.asarray(MODEL.head.template)), lowest))[0] < 0.05


def hair_in(head: Sighted) -> Bools:
    """Which pixels of a made-up photograph show hair."""
    image = head.photograph.astype(int)
    return np.asarray(
        (np.abs(image - COLOURS[HAIR]).max(axis=2) < 90) & (np.abs(image - COLOURS[SKIN]).max(axis=2) > 40)
    )


def test_black_bars_are_no_part_of_a_photograph() -> None:
    """Hair is the same beside the bars of a film or of a phone's screen, though it is nearly as dark."""
    head = sighted(np.asarray(MODEL.head.template))
    left, right = 130, SIZE - 130
    narrow = cut(head, (left, 0, right, SIZE))
    barred = head.photograph.copy()
    barred[:, :left] = barred[:, right:] = 0
    known = [
        hair_view(surroundings(one), MODEL)
        for one in (narrow, replace(head, photograph=barred, classes=narrow.classes))
    ]
    assert known[0] is not None
    assert known[1] is not None
    assert np.abs(known[0].known - known[1].known).mean() < 0.03


def test_beyond_the_crop_only_what_is_coloured_like_skin_is_taken_for_it() -> None:
    head = with_hat(sighted(np.asarray(MODEL.head.template), SKIN, 0.0), 0.8)
    unlike = other_than_skin(head)
    middle = head.photograph[:, SIZE // 2].astype(int)
    hat = (middle == WORN).all(axis=1)
    rows = head.crop.to_crop(np.column_stack([np.full(SIZE, SIZE / 2), np.arange(SIZE)]))[:, 1]
    seen = seen_around(head)[:, SIZE // 2]
    above, below = (rows < -1) & seen, (np.arange(SIZE) > eyes_of(head)[:, 1].max()) & (rows < CLASS_SIZE - 2)
    assert unlike[:, SIZE // 2][hat & above].mean() > 0.9
    skin = above & (np.abs(middle - COLOURS[SKIN]).max(axis=1) < 20)
    below_hat, pixel = np.arange(SIZE) - np.flatnonzero(hat).max(), 1 / surroundings(head).around.crop.scale
    near, far = skin & (below_hat < SHADES * SCALE - pixel), skin & (below_hat > SHADES * SCALE + 2.5 * pixel)
    assert near.any()
    assert far.any()
    assert unlike[near, SIZE // 2].all(), "a hat shades and tints what is next to it"
    assert not unlike[far, SIZE // 2].any()
    assert not unlike[below, SIZE // 2].any(), "within it the class map tells"


def test_a_hat_that_the_network_calls_skin_is_none_by_its_colour() -> None:
    head = with_hat(sighted(np.asarray(MODEL.head.template), SKIN, 0.0), 0.3)
    found = surroundings(head)
    all_skin = np.zeros_like(found.probability)
    all_skin[SURROUNDINGS.index("skin")] = 1
    other = not_skin(replace(found, probability=all_skin), found.around.crop, head.photograph.shape, eyes_of(head))
    hat = (head.photograph == WORN).all(axis=2) & seen_around(head)
    assert other[hat].mean() > 0.9
    middle = slice(SIZE // 2 - 40, SIZE // 2 + 40)
    face = np.arange(SIZE) > eyes_of(head)[:, 1].max()
    assert not other[face, middle].any()


def test_a_fringe_and_a_lock_that_are_called_skin_are_none() -> None:
    """Above the brows and beside the eyes colours tell; a moustache of the same colour stays."""
    head = sighted(np.asarray(MODEL.head.template), SKIN, 0.0)
    photograph, (right, left) = head.photograph.copy(), eyes_of(head)
    apart, middle = left[0] - right[0], (right + left) / 2
    x, y = np.meshgrid(np.arange(SIZE) - middle[0], np.arange(SIZE) - middle[1])
    fringe, lock = (y < -0.5 * apart) & (abs(x) < 0.6 * apart), (x > 1.1 * apart) & (abs(y) < 0.5 * apart)
    moustache = (abs(y - 0.95 * apart) < 0.1 * apart) & (abs(x) < 0.4 * apart)
    photograph[fringe | lock | moustache] = COLOURS[HAIR]
    unlike = other_than_skin(replace(head, photograph=photograph))
    assert unlike[fringe & seen_around(head)].mean() > 0.9
    assert unlike[lock & seen_around(head)].mean() > 0.9
    assert not unlike[moustache].any()
    bare = (abs(x) < 0.8 * apart) & (abs(y) < 0.3 * apart)
    assert not unlike[bare].any()
    assert not other_than_skin(head)[fringe & (y > -0.8 * apart)].any()


def other_than_skin(head: Sighted) -> Bools:
    found = surroundings(head)
    return not_skin(found, found.around.crop, head.photograph.shape, eyes_of(head))


def seen_around(head: Sighted) -> Bools:
    """Which pixels [H, W] the network sees."""
    y, x = np.mgrid[:SIZE, :SIZE]
    places = surroundings(head).around.crop.to_crop(np.stack([x, y], axis=-1))
    return np.asarray(((places > 1) & (places < SURROUNDINGS_SIZE - 2)).all(axis=-1))


def eyes_of(head: Sighted) -> Floats:
    """The middles [2, 2] of the eyes in the photograph."""
    return eyes_nose_mouth(np.asarray(MODEL.landmarks68(head.projected), np.float64)[:, :2])[:2]


def test_ears_are_what_sticks_out_below_their_top() -> None:
    points = np.asarray(MODEL.head.template)[ears()]
    assert points[:, 1].max() < 0.01, "the side of the skull above them is none"
    np.testing.assert_allclose(points[:, 0].min(), -points[:, 0].max(), atol=1e-3)


def test_bald_heads_and_those_in_cloth_get_no_hair() -> None:
    template = np.asarray(MODEL.head.template)
    assert hair_of(sighted(template, SKIN, 0.0)) is None
    assert hair_of(sighted(template, CLOTH)) is None


def test_the_far_side_is_said_to_be_hidden() -> None:
    behind = hair().vertices[:, 2] < -0.06
    assert hair().hidden[behind].min() > 0.9
    assert hair().hidden[hair().vertices[:, 2] > 0.03].mean() < 0.6


def test_the_lowest_hair_fades_and_shows_nothing_of_the_highest() -> None:
    """Textures repeat: beyond its lower edge a picture begins again with the crown."""
    assert hair().uv[:, 1].min() * len(hair().picture) > 0.5
    whole = np.ones((ROWS, COLUMNS))
    everywhere = HairShape(whole, whole, whole, 0 * whole, short=False)
    away = away_from_hair(everywhere)
    assert away[-1].min() > -2
    assert away[0].max() < -50


def opacity_at(uv: Floats) -> Floats:
    """Of the ends of hair, at texture coordinates [N, 2]."""
    assert hair().ends is not None
    picture = hair().ends.picture[..., 3]
    rows, columns = (1 - uv[:, 1]) * len(picture) - 0.5, uv[:, 0] * picture.shape[1] - 0.5
    at = (np.clip(np.rint(places), 0, size - 1) for places, size in zip((rows, columns), picture.shape, strict=True))
    return np.asarray(picture[tuple(np.stack([*at]).astype(int))], np.float64)


def test_hair_ends_in_strands_and_not_in_a_line() -> None:
    ends, cap = hair().ends, hair()
    assert ends is not None
    edges = np.concatenate([cap.uv_faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    _, index, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    rim = cap.uv[np.unique(edges[index[count == 1]])]
    rim = rim[(rim[:, 0] > 0.05) & (rim[:, 0] < 0.95) & (rim[:, 1] < 0.9)]  # not where columns begin, nor at the crown
    assert len(rim) > 50
    assert np.percentile(opacity_at(rim), 5) > 245, "the cap ends where they are opaque, and shows no edge"
    outer = opacity_at(ends.uv)
    assert (outer == 0).mean() > 0.2, "they end where they are not"
    row = np.diff(ends.picture[..., 3].astype(int), axis=1)  # across strands
    column = np.diff(ends.picture[..., 3].astype(int), axis=0)
    assert np.abs(row).sum() > 0.8 * np.abs(column).sum(), "of different lengths"


NECK = (-0.07, -0.055)  # metres above the middle


def at_nape(made: HairCap) -> tuple[float, float]:
    """Over how many rows hair fades behind the head, and how many metres it stands out from the upper neck."""
    assert made.ends is not None
    opacity = np.roll(made.ends.picture[..., 3], 40, axis=1)[len(made.picture) // 2 :, :80]
    fades = ((opacity > 25) & (opacity < 230)).sum(axis=0).mean()
    farthest = [
        points[(points[:, 1] > NECK[0]) & (points[:, 1] < NECK[1]), 2].min()
        for points in (np.concatenate([made.vertices, made.ends.vertices]), np.asarray(MODEL.head.template))
    ]
    return float(fades), float(farthest[1] - farthest[0])


def test_short_hair_thins_out_at_the_nape_and_hair_that_hangs_does_not() -> None:
    hanging = hair_of(beside_face(sighted(np.asarray(MODEL.head.template))))
    assert hanging is not None
    (fades, away), (fades_less, farther) = at_nape(hair()), at_nape(hanging)
    assert fades > 1.5 * fades_less
    assert away < 0.6 * farther
    assert hair().vertices[:, 1].min() > hanging.vertices[:, 1].min() + 0.02


def test_ends_of_hair_go_over_into_what_the_photograph_shows() -> None:
    ends = hair().ends
    assert ends is not None
    middle = ends.picture.shape[1] // 2
    forehead = ends.picture[:, middle - 25 : middle + 25].reshape(-1, 4).astype(int)
    sheer, opaque = (
        forehead[(forehead[:, 3] > low) & (forehead[:, 3] < high), :3] for low, high in ((0, 80), (250, 256))
    )
    assert np.abs(np.median(sheer, axis=0) - COLOURS[SKIN]).max() < 25
    assert np.abs(np.median(opaque, axis=0) - COLOURS[HAIR]).max() < 25


def test_hair_follows_the_neck_and_no_expression() -> None:
    model = replace(MODEL, hair=hair())
    rest = model.zero().replace(pose=np.zeros(6, np.float32))
    smile = rest.replace(expression=np.eye(51, dtype=np.float32)[MODEL.expression_names.index("mouthSmileLeft")])
    whole, complete = model.complete(rest)
    still, moved = whole.vertices(complete), whole.vertices(model.complete(smile)[1])
    np.testing.assert_allclose(still[-len(hair().vertices) :], moved[-len(hair().vertices) :], atol=1e-6)
    turns = np.zeros((5, 3), np.float32)
    turns[1] = 0.2, 0.4, 0.1
    head = whole.head
    turned = head.vertices(whole.shape(complete), complete["expression"], turns)[-len(hair().vertices) :]
    before, after = (np.linalg.norm(v[1:] - v[:-1], axis=1) for v in (hair().vertices, turned))
    np.testing.assert_allclose(before, after, atol=1e-5)
    assert np.abs(turned - hair().vertices).max() > 0.02


def test_a_glb_has_hair_as_a_node_that_can_be_left_out(tmp_path: Path) -> None:
    texture = np.full((64, 64, 3), 128, np.uint8)
    data = glb_bytes(replace(MODEL, hair=hair()), MODEL.zero(), texture)
    document = Glb(data).document
    (node,) = [node for node in document["nodes"] if node["name"] == "hair"]
    assert document["nodes"].index(node) in document["scenes"][0]["nodes"]
    assert node["skin"] == 0
    primitives = document["meshes"][node["mesh"]]["primitives"]
    for primitive, (name, mode) in zip(primitives, (("hair", "OPAQUE"), ("hair ends", "BLEND")), strict=True):
        material = document["materials"][primitive["material"]]
        assert (material["name"], material["alphaMode"]) == (name, mode)
        source = document["textures"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]]["source"]
        assert document["images"][source]["name"] == name
    (tmp_path / "hair.glb").write_bytes(data)
    report = validator_report(tmp_path / "hair.glb")
    assert report["numErrors"] == report["numWarnings"] == 0, report["messages"]


def test_an_obj_has_hair_with_a_material_of_its_own(tmp_path: Path) -> None:
    model, complete = replace(MODEL, hair=hair()).complete(MODEL.zero())
    texture = np.full((64, 64, 3), 128, np.uint8)
    written = write_obj(tmp_path / "head.obj", model.vertices(complete), model, texture, model.parts)
    assert [path.name for path in written] == ["head.jpg", "head_hair.jpg", "head.mtl", "head.obj"]
    assert "g hair\nusemtl hair\n" in (tmp_path / "head.obj").read_text()
