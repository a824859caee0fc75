"""What a network says of a crop, joined with what it says of its mirror image."""

from __future__ import annotations

from copy import copy
from typing import cast

import numpy as np
import pytest

from unveil import load_openhead
from unveil.assets.store import packaged
from unveil.geometry.camera import to_pixels
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Encoder, Prediction
from unveil.models.onnx import CoefficientModel
from unveil.models.registry import open_encoder
from unveil.models.second_look import SecondLook
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.typing import Floats, Images

MODEL = load_openhead()
SIDE = 144  # pixels of the packaged learner's crops


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder("openhead-float32")


@pytest.fixture(scope="module")
def look(encoder: Encoder) -> SecondLook:
    return SecondLook(encoder, MODEL)


@pytest.fixture(scope="module")
def clear() -> Images:
    """A crop [1, S, S, 3] of a face that looks at the camera."""
    image = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(image)
    return face.crop.resized(SIDE).warp(image)[None]


@pytest.fixture(scope="module")
def crops(clear: Images) -> Images:
    """Two crops [2, S, S, 3] of the same with a bar over the mouth, in the middle of one and aside in the other."""
    covered = clear[0].copy()
    covered[92:125, 20:-20] = (60, 90, 150)
    return np.stack([covered, np.roll(covered, 10, axis=1)])


def mirrored(crops: Images) -> Images:
    return np.ascontiguousarray(crops[:, :, ::-1])


def landmarks(said: Coefficients) -> Floats:
    """The landmarks [N, 68, 2] in pixels of the crops."""
    return np.asarray(to_pixels(MODEL.project(MODEL.landmarks68(MODEL.vertices(said)), said), SIDE))[..., :2]


def test_a_mirror_image_gives_the_mirror_image(encoder: Encoder, look: SecondLook, crops: Images) -> None:
    """The network alone does not see to that."""

    def apart(network: Encoder | SecondLook) -> float:
        there = landmarks(network.predict(crops).coefficients)
        back = landmarks(network.predict(mirrored(crops)).coefficients)[:, list(IBUG68_MIRROR)]
        back[..., 0] = SIDE - 1 - back[..., 0]
        return float(np.linalg.norm(there - back, axis=-1).mean())

    assert apart(look) < 0.15  # pixels; what the basis of shapes cannot mirror is left
    assert apart(encoder) > 3 * apart(look)


def test_everything_is_the_mean_of_both(encoder: Encoder, look: SecondLook, crops: Images) -> None:
    said, other, both = encoder.predict(crops), encoder.predict(mirrored(crops)), look.predict(crops)
    for name in ("occlusion", "classes"):
        here, there, joined = (getattr(one, name) for one in (said, other, both))
        np.testing.assert_allclose(joined, (here + there[..., ::-1]) / 2, atol=1e-6)
    assert said.face is not None
    assert other.face is not None
    assert both.face is not None
    np.testing.assert_allclose(both.face, (said.face + other.face) / 2, atol=1e-6)
    assert both.deviations is not None
    assert (np.asarray(both.deviations.values) > 0).all()


def test_a_clear_face_from_the_front_is_seen_once(
    look: SecondLook, encoder: Encoder, clear: Images, crops: Images
) -> None:
    once = encoder.predict(clear)
    np.testing.assert_array_equal(look.predict(clear).coefficients.values, once.coefficients.values)
    covered, mixed = look.predict(crops), look.predict(np.concatenate([crops[:1], clear, crops[1:]]))
    expected = np.insert(np.asarray(covered.coefficients.values), 1, once.coefficients.values[0], axis=0)
    np.testing.assert_allclose(mixed.coefficients.values, expected, rtol=1e-4, atol=1e-5)


def test_a_turned_face_is_seen_twice(clear: Images) -> None:
    class Turned:
        """Says that every head is turned by half a radian."""

        looks_twice, layout, input_size = True, MODEL.layout, SIDE

        def __init__(self) -> None:
            self.asked = 0

        def predict(self, crops: Images) -> Prediction:
            self.asked += len(crops)
            said = Coefficients(MODEL.layout, np.zeros((len(crops), MODEL.layout.size), np.float32))
            nothing = np.zeros((len(crops), 28, 28), np.float32)
            pose, camera = ([one] * len(crops) for one in ([0, 0.5, 0, 0, 0, 0], [8.0, 0, 0]))
            return Prediction(said.replace(pose=np.array(pose), camera=np.array(camera)), occlusion=nothing)

    encoder = Turned()
    SecondLook(cast(Encoder, encoder), MODEL).predict(clear)
    assert encoder.asked == 2


def test_what_is_known_already_is_not_asked_again(look: SecondLook, encoder: Encoder, crops: Images) -> None:
    whole, joined = look.predict(crops), look.joined(encoder.predict(crops), crops)
    np.testing.assert_array_equal(joined.coefficients.values, whole.coefficients.values)


def test_a_head_that_cannot_be_mirrored_is_seen_once(encoder: Encoder, crops: Images) -> None:
    once = SecondLook(encoder, MODEL.landmark_model()).predict(crops)
    np.testing.assert_array_equal(once.coefficients.values, encoder.predict(crops).coefficients.values)


def test_a_network_that_knows_no_mirror_images_looks_once(encoder: Encoder, crops: Images) -> None:
    assert isinstance(encoder, CoefficientModel)
    unaware = copy(encoder)
    unaware.looks_twice = False
    once = SecondLook(unaware, MODEL).predict(crops)
    np.testing.assert_array_equal(once.coefficients.values, encoder.predict(crops).coefficients.values)
