"""What a network that tells people from what is behind them says of views, and what that makes clear in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from tools.surroundings.hats import UNKNOWN
from tools.surroundings.views import LIKE, NO_CLOTH, Views
from unveil.appearance.hair.tone import spread_of
from unveil.heads.surroundings import BACKGROUND, HAIR, PERSON_SIZE, SIZE, SKIN, PersonNetwork
from unveil.photos.cielab import to_cielab
from unveil.typing import Bools, Float32s, Image, UInt8s

# Up to where it is no person, up to where it may be none, and from where on it is one.
NONE, PERHAPS, SURE = 0.1, 0.5, 0.9
GROWN = 5  # pixels a side around hair that the next ones are hair of
FEWEST = 40  # pixels of hair that tell its colour


def person_in(picture: Image | Float32s, network: PersonNetwork) -> Float32s:
    """The probability [S, S] of a person in a picture [S, S, 3] of a view."""
    large = cv2.resize(np.clip(picture, 0, 255).astype(np.uint8), (PERSON_SIZE, PERSON_SIZE))
    return np.asarray(cv2.resize(network(large), (SIZE, SIZE), interpolation=cv2.INTER_AREA))


def cleared(views: Views, network: PersonNetwork) -> Views:
    """The views with what the network makes clear: walls that are like hair, and hair that is like a wall."""
    return replace(views, classes=np.stack(list(_cleared(views, network))))


def _cleared(views: Views, network: PersonNetwork) -> Iterable[UInt8s]:
    for picture, known, places, classes in zip(views.picture, views.known, views.places, views.classes, strict=True):
        person, result = person_in(picture, network), classes.copy()
        beside = (known > 127) & (places[0] < 128)
        none, some = (person < NONE) & beside, (person > SURE) & beside
        result[(person < PERHAPS) & beside & (classes == HAIR)] = UNKNOWN
        result[none & np.isin(classes, (HAIR, SKIN, UNKNOWN))] = BACKGROUND
        result[some & (classes == BACKGROUND)] = UNKNOWN
        above = places[2] > 255 * NO_CLOTH
        yield _grown(picture, result, some & above)


def _grown(picture: UInt8s, classes: UInt8s, person: Bools) -> UInt8s:
    """Classes [S, S] with hair where a person [S, S] goes on from it in its colour, and nothing else was clear."""
    hair = classes == HAIR
    if np.count_nonzero(hair) < FEWEST:
        return classes
    lab = to_cielab(picture)
    middle = np.median(lab[hair], axis=0)
    like = (np.abs(lab - middle) < LIKE * spread_of(lab[hair], middle)).all(axis=-1)
    free, count = person & like & (classes == UNKNOWN), 0
    while count != (count := np.count_nonzero(hair)):
        hair |= free & (cv2.dilate(hair.astype(np.uint8), np.ones((GROWN, GROWN))) > 0)
    return np.where(hair, np.uint8(HAIR), classes)
