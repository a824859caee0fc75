"""Laws of the crop: what it frames, that it can be undone, and that it samples where it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveil.errors import UnveilError
from unveil.photos.crop import Crop

coordinates = st.floats(-5000, 5000)
sides = st.floats(4, 5000)
sizes = st.integers(16, 512)


@given(coordinates, coordinates, sides, sizes, coordinates, coordinates)
def test_to_image_undoes_to_crop(x: float, y: float, side: float, size: int, px: float, py: float) -> None:
    crop = Crop.from_square((x, y), side, size)
    there_and_back = crop.to_image(crop.to_crop([[px, py]]))
    np.testing.assert_allclose(there_and_back, [[px, py]], atol=1e-6)


@given(coordinates, coordinates, sides, sizes, st.floats(-179, 179))
def test_into_another_crop_is_by_way_of_the_image(x: float, y: float, side: float, size: int, degrees: float) -> None:
    crop = Crop.from_square((x, y), side, size)
    other = Crop.from_square((x + side / 5, y), 2 * side, 100).turned(degrees, (x, y))
    pixels = np.array([[0, 0], [size, 0], [size / 3, size]])
    similarity = crop.into(other)
    through = pixels @ similarity[:, :2].T + similarity[:, 2]
    np.testing.assert_allclose(through, other.to_crop(crop.to_image(pixels)), atol=1e-6)


@given(coordinates, coordinates, sides, sizes)
def test_square_fills_minus_one_to_one(x: float, y: float, side: float, size: int) -> None:
    crop = Crop.from_square((x, y), side, size)
    corners = np.array([[x - side / 2, y - side / 2], [x, y], [x + side / 2, y + side / 2]])
    normalised = crop.to_crop(corners) * 2 / size - 1
    np.testing.assert_allclose(normalised, [[-1, -1], [0, 0], [1, 1]], atol=1e-6)


@given(coordinates, coordinates, sides, sizes, st.floats(-179, 179))
def test_turned_about_its_centre(x: float, y: float, side: float, size: int, degrees: float) -> None:
    crop = Crop.from_square((x, y), side, size)
    turned = crop.turned(degrees, (x, y))
    down = np.array([-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])  # below, to who is turned clockwise
    below = turned.to_crop([np.array([x, y]) + side / 4 * down])
    np.testing.assert_allclose(below, crop.to_crop([[x, y + side / 4]]), atol=1e-6)
    assert turned.roll == pytest.approx(degrees)
    assert turned.scale == pytest.approx(crop.scale)
    np.testing.assert_array_equal(crop.turned(0, (x, y)).matrix, crop.matrix)


@given(coordinates, coordinates, sides, sizes, sizes)
def test_resized_keeps_the_framing(x: float, y: float, side: float, size: int, other: int) -> None:
    crop = Crop.from_square((x, y), side, size)
    points = np.array([[x, y], [x + side, y - side]])
    resized = crop.resized(other)
    np.testing.assert_allclose(resized.to_crop(points) / other, crop.to_crop(points) / size, atol=1e-7)
    np.testing.assert_allclose(resized.resized(size).matrix, crop.matrix, rtol=1e-9, atol=1e-7)


@given(coordinates, coordinates, sides, st.sampled_from([7, 28, 224]), st.sampled_from([7, 28, 224]))
def test_cells_tile_the_crop(x: float, y: float, side: float, size: int, cells: int) -> None:
    crop = Crop.from_square((x, y), side, size)
    corners = crop.to_image([[-0.5, -0.5], [size - 0.5, -0.5], [size - 0.5, size - 0.5]])
    in_cells = crop.of_cells(cells).to_crop(corners)
    np.testing.assert_allclose(in_cells, [[-0.5, -0.5], [cells - 0.5, -0.5], [cells - 0.5, cells - 0.5]], atol=1e-6)


def test_warped_back_values_lie_where_the_crop_saw_them() -> None:
    crop = Crop.from_square((60, 40), 32, 16).turned(30, (60, 40))  # two image pixels a crop pixel
    values = np.tile(np.arange(16, dtype=np.float32), (16, 1))  # each column's number
    y, x = np.mgrid[:80, :120]
    place = crop.to_crop(np.stack([x, y], axis=-1))
    inside = ((place > 0) & (place < 15)).all(axis=-1)
    assert inside.sum() > 700
    back = crop.warp_back(values, (80, 120, 3))
    np.testing.assert_allclose(back[inside], place[inside][:, 0], atol=0.05)  # OpenCV's places are 1/32 px apart
    far = ((place < -1) | (place > 16)).any(axis=-1)
    assert (back[far] == 0).all()
    assert (crop.warp_back(values, (80, 120), beyond=1)[far] == 1).all()
    beside = (place[..., 0] > 16) & (place[..., 1] > 0) & (place[..., 1] < 15)
    assert (crop.warp_back(values.astype(np.uint8), (80, 120), beyond=None)[beside] == 15).all()


@given(coordinates, coordinates, sides, sizes, st.integers(0, 900), st.integers(0, 900))
def test_of_a_part_it_shows_the_same(x: float, y: float, side: float, size: int, left: int, top: int) -> None:
    crop = Crop.from_square((x, y), side, size)
    in_part = crop.of_part(left, top).to_crop(np.array([[x, y], [x + side, y]]) - [left, top])
    np.testing.assert_allclose(in_part, crop.to_crop([[x, y], [x + side, y]]), atol=1e-6)


def test_detector_box_is_moved_down_and_widened() -> None:
    crop = Crop.from_detector_box([100, 200, 180, 320])  # mean side 100, centre (140, 260)
    np.testing.assert_allclose(crop.to_image([112, 112]), [140, 272])
    np.testing.assert_allclose(crop.scale, 224 / 125)


def test_landmarks_are_centred_and_widened() -> None:
    points = np.random.default_rng(0).uniform(0.1, 0.9, (68, 2))
    points[:2] = [[0, 0], [1, 1]]
    crop = Crop.from_landmarks(points * [80, 120] + [100, 200])
    np.testing.assert_allclose(crop.to_image([112, 112]), [140, 260])
    np.testing.assert_allclose(crop.scale, 224 / 137.5)


def waves(position: np.ndarray) -> np.ndarray:
    """A brightness whose change over the picture tells where a pixel was taken from."""
    return 128 + 100 * np.sin(position / 12)


@pytest.mark.parametrize("side", [40, 100, 224, 336, 400, 700])
def test_warp_samples_where_to_image_points(side: float) -> None:
    x, y = np.meshgrid(np.arange(1200.0), np.arange(900.0))
    image = np.stack([waves(x), waves(y), waves(x)], axis=-1).round().astype(np.uint8)
    crop = Crop.from_square((610.3, 455.7), side)
    warped = crop.warp(image).astype(float)
    sampled_at = crop.to_image(np.stack(np.meshgrid(np.arange(224), np.arange(224)), axis=-1))
    error = warped[..., :2] - waves(sampled_at)
    slope = 100 / 12 * np.cos(sampled_at / 12)
    shift = (error * slope).sum(axis=(0, 1)) / (slope**2).sum(axis=(0, 1))  # image pixels, (x, y)
    np.testing.assert_allclose(shift, 0, atol=0.03)
    assert np.abs(error).max() < 3


def test_warp_is_exact_under_every_release_of_opencv() -> None:
    """A steep ramp shows where OpenCV before 5 rounds the places that it samples at to 1/32 of a pixel."""
    ramp = np.zeros((40, 60, 3), np.uint8)
    ramp[:, 31:] = 255
    crop = Crop.from_square((31.013, 20), 1.5, 64)
    expected = 255 * np.clip(crop.to_image(np.stack([np.arange(64), np.full(64, 20)], axis=1))[:, 0] - 30, 0, 1)
    assert np.abs(crop.warp(ramp)[20, :, 0] - expected).max() < 0.5 + 1e-6


def test_warp_at_its_own_pixels_copies_them() -> None:
    image = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    crop = Crop.from_square((20 + 112, 31 + 112), 224)
    np.testing.assert_array_equal(crop.warp(image), image[31:255, 20:244])


def test_a_turned_crop_warps_too() -> None:
    image = np.random.default_rng(2).integers(0, 256, (50, 50, 3), np.uint8)
    quarter_turn = Crop(np.array([[0.0, 1, 0], [-1, 0, 49]]), 50)
    np.testing.assert_array_equal(quarter_turn.warp(image), np.rot90(image, 1))


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 200
    shrunk = Crop.from_square((1000, 1000), 1800).warp(stripes).astype(int)
    assert np.abs(shrunk - 100).max() <= 14  # a phase of 8 columns is never far from half bright


def test_outside_the_image_is_black_and_size_is_kept() -> None:
    image = np.full((40, 40, 3), 255, np.uint8)
    half_out = Crop.from_square((0, 20), 20).warp(image, 64)
    assert half_out.shape == (64, 64, 3)
    assert not half_out[:, :28].any()
    assert (half_out[:, 34:] == 255).all()
    assert not Crop.from_square((-500, -500), 20).warp(image).any()


def test_a_crop_wider_than_opencv_allows() -> None:
    wide = np.full((8, 40_000, 3), 77, np.uint8)
    assert (Crop.from_square((20_000, 4), 39_000).warp(wide)[111:113] > 0).any()


NO_AREA = [[5, 5, 5, 5], [5, 5, 3, 9], [0, 0, np.nan, 1], [0, 0, np.inf, 1], [0, 0, 1e-9, 1e-9]]


@pytest.mark.parametrize("box", NO_AREA)
def test_a_box_without_area_is_refused(box: list[float]) -> None:
    with pytest.raises(UnveilError) as refusal:
        Crop.from_detector_box(box)
    assert "\n" not in str(refusal.value)


def test_landmarks_on_one_point_are_refused() -> None:
    with pytest.raises(UnveilError):
        Crop.from_landmarks(np.full((68, 2), 7.0))


def test_a_crop_cannot_be_changed() -> None:
    crop = Crop.from_square((5, 5), 10)
    with pytest.raises(ValueError, match="read-only"):
        crop.matrix[0, 0] = 2


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.full((2, 3), np.nan), np.eye(3)])
def test_a_matrix_that_cannot_be_undone_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="invertible"):
        Crop(matrix)


def test_a_box_has_four_numbers() -> None:
    with pytest.raises(UnveilError, match=r"a box has four numbers; give left, top, right, bottom"):
        Crop.from_detector_box([10, 20, 30])


def test_a_square_along_a_direction_has_its_point_and_its_step_where_they_are_asked_for() -> None:
    square = Crop.along((0.6, 0.8), (30.0, 40.0), (5.0, 7.0), 0.5, 16)
    np.testing.assert_allclose(square.to_crop([30.0, 40.0]), [5, 7])
    np.testing.assert_allclose(square.to_crop([30.0 + 0.6, 40.0 + 0.8]), [7, 7])  # along a row
    np.testing.assert_allclose(square.to_crop([30.0 - 0.8, 40.0 + 0.6]), [5, 9])
