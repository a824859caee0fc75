import hashlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from made_up_face import CROP, SIZE, cutout, demo, demo_face, landmarks, photo

from unveil.occluders import ArbitraryPixels, Cutouts, DrawnGlasses, DrawnMask, MaskTemplates
from unveil.occluders.arbitrary import FILLS, FORMS
from unveil.occluders.base import Face, Occluder, hidden_share
from unveil.occluders.cutouts import Pieces
from unveil.occluders.eyewear.glasses import WornGlasses
from unveil.occluders.hair import Hair
from unveil.occluders.hands import ARM, HAND, SKINS, DrawnHands, heights, pose, random_hand
from unveil.occluders.light import Light
from unveil.occluders.masks import WornMask
from unveil.occluders.placing import matched
from unveil.occluders.things import SIDE, Things, cup, fruit, microphone, phone

PLAIN = DrawnMask(colour=(10, 20, 30))
FLAT: list[Occluder] = [
    *(ArbitraryPixels(forms=(form,), fills=(fill,)) for form in FORMS for fill in FILLS),
    DrawnMask(),
    PLAIN,
    DrawnGlasses(),
    MaskTemplates((cutout(),)),
    Cutouts((cutout(),)),
    Cutouts((cutout(),), held=True, kind="hand"),
    Hair(),
    Things(),
    DrawnHands(),
    Pieces(),
]
WORN: list[Occluder] = [WornMask(), WornGlasses(goggles=0), WornGlasses(goggles=1)]
DRAWN: list[Occluder] = [ArbitraryPixels(), WornMask(), WornGlasses(), Hair(), Things(), DrawnHands(), Pieces()]
LARGEST = {"mask": 0.4, "glasses": 0.4}  # hidden share that these are sure to reach


@pytest.mark.parametrize("occluder", [*FLAT, *WORN], ids=lambda occluder: occluder.kind)
def test_only_masked_pixels_change_and_the_generator_decides(occluder: Occluder) -> None:
    image, face = (demo()[0], demo_face()) if occluder in WORN else (photo(), Face.of(landmarks()))
    before = image.copy()
    results = [occluder.apply(image, face, np.random.default_rng(seed), 0.15) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(image, before)  # the argument is left alone
    np.testing.assert_array_equal(results[0].image, results[1].image)
    np.testing.assert_array_equal(results[0].mask, results[1].mask)
    if occluder != PLAIN:
        assert (results[0].image != results[2].image).any()
    for result in results:
        assert result.image.shape == image.shape
        assert result.image.dtype == np.uint8
        assert 0.005 < result.mask.mean() < 0.7
        assert (result.image[result.mask] != image[result.mask]).mean() > 0.8
        near = cv2.dilate(result.mask.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0  # its shadow too
        far = (result.image != image).any(axis=2) & ~near
        if occluder in WORN:
            assert_straps(far, result.mask, face)
        else:
            assert not far.any()


def assert_straps(changed: np.ndarray, worn: np.ndarray, face: Face) -> None:
    """What has changed, each pixel too little to count as hidden, is narrow and between what is worn and the ears."""
    width = round(0.12 * face.side)
    assert not cv2.erode(changed.astype(np.uint8), np.ones((width, width), np.uint8), borderValue=0).any()
    ends = np.concatenate([np.argwhere(worn)[:, ::-1], face.landmarks68[[0, 16]]]).astype(np.float32)
    between = cv2.fillConvexPoly(np.zeros(worn.shape, np.uint8), cv2.convexHull(ends).astype(np.int32), 1)
    assert not changed[cv2.dilate(between, np.ones((2 * width + 1,) * 2, np.uint8)) == 0].any()


@pytest.mark.parametrize("occluder", FLAT, ids=lambda occluder: occluder.kind)
@pytest.mark.parametrize("severity", [0.1, 0.3])
def test_the_wanted_share_is_hidden(occluder: Occluder, severity: float) -> None:
    face = Face.of(landmarks())
    for seed in range(3):
        result = occluder.apply(photo(), face, np.random.default_rng(seed), severity)
        assert hidden_share(result.mask, face) == pytest.approx(severity, abs=0.05)
        assert result.kind == occluder.kind


@pytest.mark.parametrize("occluder", DRAWN, ids=lambda occluder: occluder.kind)
@pytest.mark.parametrize("yaw", [-40.0, 0.0, 40.0])
def test_the_wanted_share_is_hidden_from_turned_heads(occluder: Occluder, yaw: float) -> None:
    image, face = demo()[0], demo_face(yaw)
    for severity in (0.1, 0.25, 0.4, 0.6):
        if severity > LARGEST.get(occluder.kind, 1):
            continue
        share = hidden_share(occluder.apply(image, face, np.random.default_rng(9), severity).mask, face)
        assert share == pytest.approx(severity, abs=0.05)


@pytest.mark.parametrize(
    "occluder", [WornMask(), WornGlasses(), DrawnMask(), DrawnGlasses()], ids=lambda occluder: occluder.kind
)
def test_what_cannot_be_reached_is_approached(occluder: Occluder) -> None:
    image, face = demo()[0], demo_face()
    shares = [
        hidden_share(occluder.apply(image, face, np.random.default_rng(2), severity).mask, face)
        for severity in (0.25, 0.9)
    ]
    assert shares[0] < shares[1] < 0.9


def test_masks_cover_mouth_and_nose_but_not_eyes() -> None:
    points = landmarks()
    for occluder in (DrawnMask(), DrawnMask(colour=(0, 0, 0)), MaskTemplates((cutout(),))):
        mask = occluder.apply(photo(), Face.of(points), np.random.default_rng(3)).mask
        x, y = np.rint(points).astype(int).T
        assert mask[y[48:], x[48:]].all()
        assert mask[y[30], x[30]]
        assert not mask[y[36:48] - 4, x[36:48]].any()


def test_glasses_cover_both_eyes() -> None:
    points = landmarks()
    mask = DrawnGlasses().apply(photo(), Face.of(points), np.random.default_rng(3)).mask
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = np.rint(points[eye].mean(axis=0)).astype(int)
        assert mask[y, x]


def test_side_templates_are_taken_for_turned_faces() -> None:
    colours = [(250, 0, 0, 255), (0, 250, 0, 255), (0, 0, 250, 255)]
    front, left, right = (np.full((50, 50, 4), colour, np.uint8) for colour in colours)
    occluder = MaskTemplates((front,), (left,), (right,))
    for yaw, channel in ((0.0, 0), (-1.0, 1), (1.0, 2)):
        result = occluder.apply(photo(), Face.of(landmarks(yaw)), np.random.default_rng(0))
        mean = result.image[result.mask].mean(axis=0)
        assert np.argmax(mean) == channel


def test_shuffled_pixels_are_the_same_pixels() -> None:
    image = photo()
    occluder = ArbitraryPixels(fills=("shuffled",))
    result = occluder.apply(image, Face.of(landmarks()), np.random.default_rng(5))
    before, after = image[result.mask], result.image[result.mask]
    assert (before != after).any()
    np.testing.assert_array_equal(np.sort(before.view("u1,u1,u1"), axis=0), np.sort(after.view("u1,u1,u1"), axis=0))


def test_pieces_come_from_the_image_that_is_drawn() -> None:
    green = np.full((40, 60, 3), (20, 200, 20), np.uint8)
    result = Pieces(draw=lambda rng: green).apply(photo(), Face.of(landmarks()), np.random.default_rng(0))
    inside = cv2.erode(result.mask.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.abs(result.image[inside].astype(int) - (20, 200, 20)).max() <= 6


def test_hands_reach_in_with_their_lower_end() -> None:
    picture = np.zeros((80, 40, 4), np.uint8)
    picture[:40] = (250, 0, 0, 255)  # fingers
    picture[40:] = (0, 0, 250, 255)  # arm
    hand = Cutouts((picture,), match=0, held=True)
    face = Face.of(landmarks())
    for seed in range(6):
        result = hand.apply(photo(), face, np.random.default_rng(seed), 0.15)
        red, blue = (result.mask & (result.image[..., k] > 150) & (result.image[..., 2 - k] < 60) for k in (0, 2))
        assert red.any()
        if blue.any():  # the fingers are nearer to the middle of the face
            fingers, arm = (np.argwhere(part).mean(axis=0)[::-1] - face.centre for part in (red, blue))
            assert np.hypot(*fingers) < np.hypot(*arm)


@pytest.mark.parametrize("maker", [phone, fruit, cup, microphone])
def test_things_are_lit_and_whole(maker: Callable[..., tuple[np.ndarray, np.ndarray]]) -> None:
    for seed in range(4):
        light = Light(np.ones(3, np.float32), np.full(3, 150.0), np.array([-0.8, 0, -0.6], np.float32))
        colour, alpha = maker(np.random.default_rng(seed), light)
        assert colour.shape == (SIDE, SIDE, 3)
        assert alpha[SIDE // 2, SIDE // 2] > 0.9
        assert 0.1 < alpha.mean() < 0.9
        count, _ = cv2.connectedComponents((alpha > 0.5).astype(np.uint8))
        assert count == 2  # nothing, and one thing
        dark = Light(light.colour * 0.3, light.face, light.direction)
        assert maker(np.random.default_rng(seed), dark)[0][alpha > 0.5].mean() < 0.6 * colour[alpha > 0.5].mean()


def test_light_comes_from_the_brighter_side() -> None:
    face = Face.of(landmarks())
    ramp = np.broadcast_to(np.linspace(20, 240, SIZE).astype(np.uint8)[None, :, None], (SIZE, SIZE, 3))
    photos = (np.ascontiguousarray(ramp), np.ascontiguousarray(ramp[:, ::-1]))
    right, left = (Light.of(image, face, np.random.default_rng(4)) for image in photos)
    assert right.direction[0] > left.direction[0] + 0.5
    ball = np.array([[[-0.9, 0, -0.43], [0.9, 0, -0.43]]], np.float32)
    assert right.on(ball)[0, 1].mean() > right.on(ball)[0, 0].mean()
    night = Light.of(np.full((SIZE, SIZE, 3), 30, np.uint8), face, np.random.default_rng(4))
    assert night.colour.mean() < 0.6 * right.colour.mean()


def test_light_turns_with_the_thing() -> None:
    light = Light(np.ones(3, np.float32), np.full(3, 150.0), np.array([0, -0.8, -0.6], np.float32))  # from above
    # Upside down, a thing is lit from its own lower side.
    np.testing.assert_allclose(light.turned(np.pi).direction, (0, 0.8, -0.6), atol=1e-6)
    np.testing.assert_allclose(light.turned(np.pi / 2).direction, (-0.8, 0, -0.6), atol=1e-6)


def test_pictures_take_on_the_colour_of_the_face() -> None:
    light = Light(np.ones(3, np.float32), np.array([60.0, 40, 30]), np.array([0, 0, -1], np.float32))
    picture = np.full((20, 20, 4), (200, 180, 160, 255), np.uint8)
    np.testing.assert_allclose(matched(picture, light, 0)[0, 0], (200, 180, 160, 255), atol=1)
    np.testing.assert_array_less(matched(picture, light, 0.8)[..., :3], picture[..., :3])
    assert (matched(picture, light, 0.8)[..., 3] == 255).all()


def test_hair_falls_from_above() -> None:
    image, face = demo()[0], demo_face()
    for seed in range(8):
        mask = Hair().apply(image, face, np.random.default_rng(seed), 0.3).mask
        rows = np.flatnonzero(mask.any(axis=1))
        assert rows[0] < max(0, face.outline[:, 1].min()) + 0.1 * CROP


def test_faces_without_a_mesh_get_flat_wear() -> None:
    face = Face.of(landmarks())
    for worn, drawn in ((WornMask(), DrawnMask()), (WornGlasses(), DrawnGlasses())):
        results = [o.apply(photo(), face, np.random.default_rng(1)) for o in (worn, drawn)]
        assert len({hashlib.sha256(result.image.tobytes()).digest() for result in results}) == 1


def test_a_hand_has_five_fingers_that_are_connected_with_its_arm() -> None:
    for seed in range(20):
        bones = pose(np.random.default_rng(seed))
        scale, corner = 40.0, (-2.5, -2.6)
        height, owner = heights(bones, corner, scale, (round((ARM + 2.8) * scale), 200))
        inside = np.isfinite(height)
        assert cv2.connectedComponents(inside.astype(np.uint8))[0] == 2  # what is there, and what is not
        assert set(np.unique(owner)) <= set(range(-1, len(bones.starts)))
        wrist = round(-corner[1] * scale)
        assert inside[:wrist].sum() > 0.4 * scale**2  # square palms


def test_hands_are_of_all_skins_and_match_the_face_where_they_shall() -> None:
    face = np.array([90, 140, 60], np.float32)  # of nobody
    light = Light(np.ones(3, np.float32), face, np.array([0, 0, -1], np.float32))
    means = []
    for match in (0.0, 1.0):
        pictures = [random_hand(np.random.default_rng(seed), light, match) for seed in range(40)]
        hands = [p[: round(len(p) * HAND / (HAND + ARM))] for p in pictures]
        means.append(np.array([np.median(hand[hand[..., 3] > 200][:, :3], axis=0) for hand in hands]))
    assert means[0].max() - means[0].min() > 100
    assert (means[0][:, 0] > means[0][:, 2]).mean() > 0.9  # as skins are
    np.testing.assert_allclose(means[1].mean(axis=0) / face, 0.9, atol=0.2)
    assert all(red > green > blue for red, green, blue in SKINS)
