"""Which pixels around a face are hair, cloth, skin or background: told by their place, colour and neighbours.

Each photograph explains itself. Places say which class is likely (``prior``), likely places show which colours the
class has in this photograph, and neighbours of similar colour tend to be of one class. That is repeated a few times:
expectation maximisation with a mean field (Krähenbühl and Koltun 2011), here over near neighbours only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Image, Int32s

LIGHTNESSES, COLOURS = 14, 20  # cells of the histograms for L, and for a and b each
DARK_TO_LIGHT = 100.0  # L of CIELAB goes from 0 to this
COLOUR_RANGE = 50.0  # a and b of CIELAB are told apart from minus to plus this
BROAD = 1.0  # cells by which a histogram is smoothed
UNFORESEEN = 0.02  # share of pixels of a class that may have any colour
LIKE_FIRST = 4.0  # likelihood of a colour in the first class that halves its weight in the other classes
TRUST = 0.7  # in colours; less than 1, because their histograms were made from these very pixels
ROUNDS = 3  # times that the histograms are made
STEPS = 6  # times in each round that neighbours are taken into account
ALIKE = 7.0  # CIELAB distance over which the tie between neighbours weakens
TOGETHER = 1.0  # strength of the ties
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows down and columns to the right; the other four mirror these


def explain(image: Image, prior: Float32s, typical: Float32s, *, trust: float = TRUST) -> tuple[Float32s, Float32s]:
    """The probability [K, H, W] of K classes at each pixel, and the likelihood [K, H, W] of its colour in each class.

    Args:
        image: [H, W, 3].
        prior: [K, H, W] probability of the classes by place alone; sums to one.
        typical: [K, H, W] weight with which a pixel tells what a class looks like.
        trust: in colours beside the prior, 0 to 1.
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
    """The histogram cell [H, W] of each pixel."""
    light = np.clip(lab[..., 0] * (LIGHTNESSES / DARK_TO_LIGHT), 0, LIGHTNESSES - 1).astype(np.int32)
    a, b = (
        np.clip((lab[..., k] + COLOUR_RANGE) * (COLOURS / (2 * COLOUR_RANGE)), 0, COLOURS - 1).astype(np.int32)
        for k in (1, 2)
    )
    return np.asarray((light * COLOURS + a) * COLOURS + b, np.int32)


def _likelihood(cells: Int32s, weight: Float32s) -> Float32s:
    """The likelihood [H, W] of each pixel's colour among pixels with weights [H, W]; 1 if all colours were alike."""
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
    """How alike [4, H * W] each pixel and its neighbour in each direction are, 0 to 1; 0 without a neighbour."""
    scaled = np.ascontiguousarray(np.moveaxis(lab * np.array([0.7, 1, 1], np.float32), -1, 0))
    (height, width), ties = lab.shape[:2], np.zeros((len(NEIGHBOURS), *lab.shape[:2]), np.float32)
    for tie, (down, right) in zip(ties, NEIGHBOURS, strict=True):
        left, last = max(0, -right), width - max(0, right)
        apart = scaled[:, : height - down, left:last] - scaled[:, down:, left + right : last + right]
        tie[: height - down, left:last] = np.exp(-np.square(apart).sum(axis=0) / (2 * ALIKE**2)) / np.hypot(down, right)
    return ties.reshape(len(ties), -1)


def _asked(probability: Float32s, ties: Float32s) -> Float32s:
    """The probabilities [K, H, W] of the neighbours of each pixel, summed with their ties."""
    total, (classes, _, width) = np.zeros_like(probability), probability.shape
    steps = tuple(down * width + right for down, right in NEIGHBOURS)
    _ask(probability.reshape(classes, -1), ties, steps, total.reshape(classes, -1))
    return total


@compiled
def _ask(said: Any, ties: Any, steps: Any, total: Any) -> None:
    """Add to ``total`` [K, N] what the neighbours of each of N pixels say, times the ties [4, N] to them.

    Args:
        said: [K, N] probabilities.
        ties: [4, N] between each pixel and the neighbour behind it in each direction.
        steps: [4] pixels to that neighbour, row by row.
        total: added to.
    """
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
