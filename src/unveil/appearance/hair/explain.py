"""Which pixels around a face are hair, cloth, skin and background: by their place, their colour and their neighbours.

Nobody has drawn these classes, so each photograph explains itself: places say what is likely (`prior`), colours of
likely places are what the class looks like here, and pixels of like colour side by side are of one class. That is
repeated a few times (expectation maximisation with a mean field, Krähenbühl and Koltun 2011, over near neighbours).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Image, Int32s

LIGHTNESSES, COLOURS = 14, 20  # cells of the histograms
DARK_TO_LIGHT, COLOUR_RANGE = 100.0, 50.0  # of CIELAB
BROAD = 1.0  # cells by which a histogram is smoothed
UNFORESEEN = 0.02  # share of pixels that may have any colour
LIKE_FIRST = 4.0  # likelihood in the first class from which on a pixel says little of what others look like
TRUST = 0.7  # less than all in colours, whose histograms were made of these very pixels
ROUNDS, STEPS = 3, 6  # of histograms, and of talking to neighbours in each
ALIKE, TOGETHER = 7.0, 1.0  # distance in CIELAB that sets neighbours apart; strength of their tie
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


def explain(image: Image, prior: Float32s, typical: Float32s, *, trust: float = TRUST) -> tuple[Float32s, Float32s]:
    """Probability [K, H, W] of each of K classes at each pixel, and how likely its colour is in the class [K, H, W].

    Args:
        image: [H, W, 3].
        prior: [K, H, W] what places alone say; sums to one.
        typical: [K, H, W] how much what is there counts for what a class looks like.
        trust: in colours beside what is likely, 0 to 1.
    """
    lab = to_cielab(image)
    cells, ties = _cells(lab), _ties(lab)
    by_place = np.log(np.maximum(prior, 1e-4))
    probability = colour = prior
    for _ in range(ROUNDS):
        first = _likelihood(cells, probability[0] * typical[0])
        others = probability[1:] * typical[1:] / (1 + first / LIKE_FIRST)
        colour = np.stack([first, *(_likelihood(cells, weight) for weight in others)])
        evidence = np.asarray(by_place + trust * np.log(colour), np.float32)
        probability = _softmax(evidence)
        for _ in range(STEPS):
            probability = _softmax(evidence + TOGETHER * _asked(probability, ties))
    return probability, colour


def _cells(lab: Float32s) -> Int32s:
    """The cell of the histograms of each pixel, [H, W]."""
    light = np.clip(lab[..., 0] * (LIGHTNESSES / DARK_TO_LIGHT), 0, LIGHTNESSES - 1).astype(np.int32)
    a, b = (
        np.clip((lab[..., k] + COLOUR_RANGE) * (COLOURS / (2 * COLOUR_RANGE)), 0, COLOURS - 1).astype(np.int32)
        for k in (1, 2)
    )
    return np.asarray((light * COLOURS + a) * COLOURS + b, np.int32)


def _likelihood(cells: Int32s, weight: Float32s) -> Float32s:
    """How likely the colour of each pixel [H, W] is among pixels with weights [H, W], in units of any colour's."""
    shape = (LIGHTNESSES, COLOURS, COLOURS)
    counts: Any = np.bincount(cells.ravel(), weight.ravel(), minlength=int(np.prod(shape))).reshape(shape)
    light, colour = _smoothing(LIGHTNESSES), _smoothing(COLOURS)
    counts = colour @ (light @ counts.reshape(LIGHTNESSES, -1)).reshape(shape) @ colour.T
    share = counts / max(float(counts.sum()), 1e-9) * counts.size
    return np.asarray(((1 - UNFORESEEN) * share + UNFORESEEN).ravel()[cells], np.float32)


@lru_cache(maxsize=2)
def _smoothing(size: int) -> Float32s:
    """A matrix [size, size] that smooths a row of cells."""
    place = np.arange(size)
    kernel = np.exp(-(((place[:, None] - place) / BROAD) ** 2) / 2)
    return np.asarray(kernel / kernel.sum(axis=0), np.float32)


def _ties(lab: Float32s) -> Float32s:
    """How alike [4, H * W] each pixel and its neighbour in each direction are, 0 to 1; 0 where there is none."""
    scaled = np.ascontiguousarray(np.moveaxis(lab * np.array([0.7, 1, 1], np.float32), -1, 0))
    (height, width), ties = lab.shape[:2], np.zeros((len(NEIGHBOURS), *lab.shape[:2]), np.float32)
    for tie, (down, right) in zip(ties, NEIGHBOURS, strict=True):
        left, last = max(0, -right), width - max(0, right)
        apart = scaled[:, : height - down, left:last] - scaled[:, down:, left + right : last + right]
        tie[: height - down, left:last] = np.exp(-np.square(apart).sum(axis=0) / (2 * ALIKE**2)) / np.hypot(down, right)
    return ties.reshape(len(ties), -1)


def _asked(probability: Float32s, ties: Float32s) -> Float32s:
    """What the neighbours of each pixel say together [K, H, W]."""
    total, (classes, _, width) = np.zeros_like(probability), probability.shape
    steps = tuple(down * width + right for down, right in NEIGHBOURS)
    _ask(probability.reshape(classes, -1), ties, steps, total.reshape(classes, -1))
    return total


@compiled
def _ask(said: Any, ties: Any, steps: Any, total: Any) -> None:
    """Add what pixels say [K, N], row by row, times the ties [4, N] to those so many steps before and behind them."""
    for k in range(len(said)):
        for n in range(len(ties)):
            step, count = steps[n], ties.shape[1] - steps[n]
            tie = ties[n, :count]
            here, there = said[k, :count], said[k, step:]
            before, behind = total[k, :count], total[k, step:]
            for i in range(count):
                before[i] += tie[i] * there[i]
            for i in range(count):
                behind[i] += tie[i] * here[i]


def _softmax(logits: Float32s) -> Float32s:
    shifted = np.exp(logits - logits.max(axis=0))
    return np.asarray(shifted / shifted.sum(axis=0), np.float32)
