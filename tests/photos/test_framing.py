"""Crops are turned with faces that lie or stand on their head, and others are framed as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unveil.models.mgcnet.framing import FRAMING as BY_POINTS
from unveil.models.tddfa.framing import FRAMING as BY_DIAGONAL
from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.photos.framing import CANONICAL, Framing

POINTS = np.array([[80, 77], [122, 81], [99, 104], [98, 123], [55, 82], [144, 90]], np.float32)
FACE = Detection(np.array([50, 50, 150, 150], np.float32), POINTS, 0.9)
LANDMARKS = np.random.default_rng(2).uniform(60, 140, (68, 2))


def turned(degrees: float) -> tuple[Detection, Crop]:
    """The face in the photograph turned clockwise about (100, 100), and the way there."""
    way = Crop(np.eye(2, 3), 1).turned(-degrees, (100, 100))
    return replace(FACE, keypoints=way.to_crop(POINTS).astype(np.float32)), way


@pytest.mark.parametrize("framing", [CANONICAL, BY_POINTS, BY_DIAGONAL], ids=["box", "points", "diagonal"])
@pytest.mark.parametrize("degrees", [45, 90, 180, -120])
def test_a_turned_face_is_framed_as_an_upright_one(framing: Framing, degrees: float) -> None:
    own = FACE.roll  # a face is turned upright, whatever it was before
    face, way = turned(degrees - own)
    rules, upright = framing.around(face), turned(-own)
    corners = np.array([[70, 70], [130, 70], [110, 140]])
    after = rules.of_detection(face, 224).to_crop(way.to_crop(corners))
    before = framing.of_detection(upright[0], 224).to_crop(upright[1].to_crop(corners))
    np.testing.assert_allclose(after, before, atol=0.05)
    after = rules.of_landmarks(way.to_crop(LANDMARKS), 224).to_crop(way.to_crop(corners))
    before = framing.of_landmarks(upright[1].to_crop(LANDMARKS), 224).to_crop(upright[1].to_crop(corners))
    np.testing.assert_allclose(after, before, atol=0.05)


@pytest.mark.parametrize("degrees", [-25, 0, 20])
def test_an_upright_face_is_framed_by_the_very_rules(degrees: float) -> None:
    assert CANONICAL.around(turned(degrees)[0]) is CANONICAL
