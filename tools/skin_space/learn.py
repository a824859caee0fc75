"""The mean of openhead's skin, and how sure it is, learned from the photographs of a prepared folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.skin_space.samples import Samples
from tools.skin_space.tone import TONES, tone_bin
from unveil.models.openhead.skin import FORMAT
from unveil.typing import Float32s, Ints

PASSES = (6, 3, 1)  # each pass uses one of so many photographs
ROBUST = 0.25  # difference in logarithms at which a texel is half believed
FEWEST = 60  # photographs: a bin of tones with fewer is weighted as if it had these
# Shares of the photographs that see a texel, and deviations in it, between which certainty of bare skin goes from none
# to full.
SEEN_FROM, SEEN_TO = 0.08, 0.38
VARIED_FROM, VARIED_TO = 0.36, 0.25
SOFT = 2.0  # texels over which certainty ends
RANGE = (-1.2, 0.6)  # of the logarithms


def mean_skin(samples: Samples, note: Callable[[str], None] = print) -> tuple[Float32s, Float32s, Float32s, Float32s]:
    """Mean [D, 3] of the skin, the deviations [D], the shares of photographs that see it [D], and their weights [P]."""
    count = len(samples.rows)
    mean, weights = np.zeros((count, 3), np.float32), np.ones(len(samples), np.float32)
    for step in PASSES:
        total, sums, squares = np.full((count, 1), 1e-6, np.float32), np.zeros((count, 3), np.float32), 0.0
        for number in range(0, len(samples), step):
            shown, _ = samples.unlit(number, mean)
            squared = ((shown - mean) ** 2).mean(axis=1, keepdims=True)
            trust = samples.weight[number][:, None] / np.float32(255) / (1 + squared / ROBUST**2)
            total += weights[number] * trust
            sums += weights[number] * trust * shown
            squares += weights[number] * trust * squared
        if step == PASSES[-2]:  # the last pass uses all photographs, and must know their tones: they hardly change
            weights = tone_weights([tone_bin(samples.unlit(number, mean)[1]) for number in range(len(samples))])
        mean = sums / total
        mean -= mean[samples.tellers].mean(axis=0)
        note(f"deviation {np.sqrt((squares / total)[samples.tellers].mean()):.3f}")
    seen = samples.weight.mean(axis=0, dtype=np.float32) / 255
    return mean, np.sqrt(squares / total)[:, 0], seen, weights


def tone_weights(bins: Ints | list[int]) -> Float32s:
    """Weights [P] of mean one with which all bins of tones count alike."""
    counts = np.bincount(bins, minlength=len(TONES))
    weights = (1 / np.maximum(counts, FEWEST))[bins]
    return np.asarray(weights / weights.mean(), np.float32)


def arrays(samples: Samples, found: tuple[Float32s, Float32s, Float32s, Float32s]) -> dict[str, NDArray[Any]]:
    """The arrays of the file."""
    mean, deviation, seen, _ = found
    certainty = _ramp(seen, SEEN_FROM, SEEN_TO) * _ramp(deviation, VARIED_FROM, VARIED_TO)
    picture = samples.atlas.picture
    soft = cv2.GaussianBlur(picture(samples.rows, certainty[:, None]), (0, 0), SOFT)
    shown = picture(samples.rows, np.clip(mean, *RANGE) * certainty[:, None])
    return {
        "format": np.array(FORMAT),
        "mean": shown.astype(np.float16),
        "certainty": _bytes(soft),
        "deviation": _bytes(picture(samples.rows, deviation[:, None])[..., 0]),
    }


def _ramp(values: Float32s, start: float, stop: float) -> Float32s:
    return np.clip((values - start) / (stop - start), 0, 1).astype(np.float32)


def _bytes(values: Float32s) -> NDArray[np.uint8]:
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
