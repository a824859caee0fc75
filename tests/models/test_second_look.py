"""What a network says of a crop, joined with what it says of its mirror image."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest

from unveil import load_openhead
from unveil.assets.store import packaged
from unveil.geometry.camera import to_pixels
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Encoder
from unveil.models.onnx import CoefficientModel
from unveil.models.registry import open_encoder
from unveil.models.second_look import SecondLook
from unveil.photos.crop import Crop
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
def crops() -> Images:
    """Two crops [2, S, S, 3] of a face, in the middle of one and beside that of the other."""
    image = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(image)
    points = face.landmarks2d
    return np.stack([Crop.from_landmarks(points + shift, SIDE).warp(image) for shift in ((0, 0), (20, 0))])


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
