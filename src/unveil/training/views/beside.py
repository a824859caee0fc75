"""Crops that a generous detector returns besides good ones: badly framed faces, and crops without a face.

In the first the learner is to find the face, so that it can be cropped again. In the second there is none: the
surroundings of a face, an ear from nearby, a mask or a hand before anything else, patterns and signs; and pictures with
everything of a photograph of a face but the face, because its parts or its waves are out of order.
"""

from __future__ import annotations

import cv2
import numpy as np

from unveil.occluders.base import Face
from unveil.photos.crop import LANDMARK_MARGIN, MARGIN
from unveil.typing import Float64s, Floats, Image, Int64s

WELL, BADLY, NO_FACE = range(3)  # how a crop is framed
WEIGHTS = np.array([1.0, 0.25, 0.0], np.float32)  # of the label: errors of bad framings are large, but not what counts

ZOOMS = (0.55, 1.8)
SHIFT = 0.5 / (MARGIN * LANDMARK_MARGIN)  # half a face in sides of the crop
TURNED, TURN = 0.3, 90.0  # share that is turned, and degrees up to which; the detector itself tries quarter turns
SIDES = (0.2, 0.7)  # of crops beside the face, in sides of the face
EAR_ZOOMS = (2.4, 3.2)
SKIN = (200, 150, 125)
LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789?!&%@8B"))


def draw_framings(generators: list[np.random.Generator], share: float) -> Int64s:
    """How each crop [B] is framed: of a ``share``, one half badly, and in the other half there is no face."""
    if not share:  # nothing is drawn: what follows is as it was without
        return np.full(len(generators), WELL)
    lots = np.array([rng.random() for rng in generators])
    return np.where(lots >= share, WELL, np.where(lots < share / 2, BADLY, NO_FACE))


def similarity(size: int, scale: Floats | float, angle: Floats | float, shift: Floats) -> Float64s:
    """The map [..., 2, 3] of a crop of ``size`` pixels that turns and scales it about its middle, and shifts it."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)
    middle = np.full(2, size / 2)
    shift = middle - turn @ middle + shift
    return np.concatenate([turn, shift[..., None]], axis=-1)


def perturb_framing(size: int, rng: np.random.Generator) -> Float64s:
    """The map [2, 3] from a good crop to one off by up to half a face, too near or too far, and sometimes turned.

    A crop that shows only a part of the face is shifted less: an ear must not count as a face.
    """
    scale = float(np.exp(rng.uniform(*np.log(ZOOMS))))
    angle = np.radians(rng.uniform(-TURN, TURN)) * (rng.random() < TURNED)
    return similarity(size, scale, angle, rng.uniform(-1, 1, 2) * SHIFT * size * min(scale, 1.0))


def look_beside(face: Face, size: int, rng: np.random.Generator) -> Float64s:
    """The map [2, 3] from a crop to one that shows none, or next to nothing, of the face in it."""
    reach = np.array([1.0, 1.3]) * np.ptp(face.landmarks68, axis=0) / 2  # the landmarks leave out the forehead
    side = rng.uniform(*SIDES) * face.side
    away = rng.uniform(-1, 1, 2) * (reach + side / 2)
    axis = int(rng.integers(2))
    away[axis] = np.sign(away[axis]) * (reach[axis] + side / 2) * rng.uniform(0.9, 1.2)
    centre = np.add(face.centre, (0, -0.15 * face.side)) + away
    return _look_at(centre, size / side, rng.uniform(-0.5, 0.5), size)


def look_at_ear(face: Face, size: int, rng: np.random.Generator) -> Float64s:
    """The map [2, 3] from a crop to one more than twice as near around the ear that it shows better."""
    ends, nose = face.landmarks68[[0, 16]], face.landmarks68[30]  # of the jaw line, just below the ears
    ear = ends[np.argmax(np.linalg.norm(ends - nose, axis=1))]
    centre = nose + (ear - nose) * rng.uniform(1.1, 1.35) - (0, 0.05 * face.side)
    zoom = rng.uniform(*EAR_ZOOMS) * size / (MARGIN * LANDMARK_MARGIN * max(face.side, 1.0))
    return _look_at(centre, zoom, rng.uniform(-0.3, 0.3), size)


def _look_at(centre: Floats, zoom: float, angle: float, size: int) -> Float64s:
    at_middle = similarity(size, zoom, angle, np.zeros(2))
    at_middle[:, 2] += at_middle[:, :2] @ (size / 2 - centre)
    return at_middle


def draw_pattern(size: int, rng: np.random.Generator) -> Image:
    """A picture [S, S, 3] of no face: soft or busy colours, often with shapes, stripes or letters on it."""
    cells = int(np.exp(rng.uniform(np.log(2), np.log(size / 2))))  # two are a gradient
    base = np.array(SKIN) * rng.uniform(0.3, 1.2) if rng.random() < 0.3 else rng.uniform(0, 255, 3)
    coarse = base + rng.normal(0, rng.uniform(0, 60), (cells, cells, 1)) + rng.normal(0, 15, (cells, cells, 3))
    smooth = cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        y, x = np.mgrid[:size, :size] * (2 * np.pi * rng.uniform(1, 20) / size)
        angle = rng.uniform(0, np.pi)
        smooth += rng.uniform(10, 90) * np.sin(x * np.cos(angle) + y * np.sin(angle))[..., None]
    picture = np.clip(smooth, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 7)) * int(rng.random() < 0.6)):
        _draw_shape(picture, rng)
    if rng.random() < 0.4:
        _write(picture, rng)
    return picture


def shuffle_parts(picture: Image, rng: np.random.Generator) -> Image:
    """A picture [S, S, 3] cut into squares that are laid in another order, some of them turned."""
    count = int(rng.integers(3, 7))
    side = -(-len(picture) // count)
    whole = cv2.resize(picture, (count * side, count * side), interpolation=cv2.INTER_LINEAR)
    parts = whole.reshape(count, side, count, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    parts = np.stack([np.rot90(parts[k], int(rng.integers(4))) for k in rng.permutation(len(parts))])
    laid = parts.reshape(count, count, side, side, 3).swapaxes(1, 2).reshape(whole.shape)
    return np.asarray(laid[: len(picture), : len(picture)])


def randomize_phases(picture: Image, rng: np.random.Generator) -> Image:
    """A texture [S, S, 3] with a picture's spectrum and random phases: its roughness and colours, without its forms."""
    spectrum = np.fft.rfft2(picture.astype(np.float32), axes=(0, 1))
    random = np.fft.rfft2(rng.normal(size=picture.shape[:2]))[..., None]
    random[0, 0] = 1  # the mean stays
    texture = np.fft.irfft2(spectrum * random / np.abs(random), picture.shape[:2], axes=(0, 1))
    return np.clip(texture, 0, 255).astype(np.uint8)


def _draw_shape(picture: Image, rng: np.random.Generator) -> None:
    size = len(picture)
    (x, y), (a, b) = (rng.integers(0, size, 2).tolist() for _ in range(2))
    colour, thickness = rng.integers(0, 256, 3).tolist(), int(rng.choice([-1, 1, 2, 4]))
    kind = rng.integers(3)
    if kind == 0:
        axes = (1 + a // 3, 1 + b // 3)
        cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, thickness, cv2.LINE_AA)
    elif kind == 1:
        cv2.rectangle(picture, (x, y), (a, b), colour, thickness)
    else:
        cv2.line(picture, (x, y), (a, b), colour, max(1, thickness), cv2.LINE_AA)


def _write(picture: Image, rng: np.random.Generator) -> None:
    """Lines of letters, from one large one to many small ones."""
    size = len(picture)
    height = size * float(np.exp(rng.uniform(np.log(0.1), np.log(0.9))))
    scale, colour = height / 22, rng.integers(0, 256, 3).tolist()  # OpenCV's letters are 22 pixels high at scale 1
    font, thickness = int(rng.integers(8)), max(1, round(scale * rng.uniform(1, 4)))
    for bottom in np.arange(height, size + height / 2, 1.5 * height):
        text = "".join(rng.choice(LETTERS, 1 + int(size / height)))
        corner = (int(rng.uniform(-0.2, 0.3) * height), int(bottom))
        cv2.putText(picture, text, corner, font, scale, colour, thickness, cv2.LINE_AA)
