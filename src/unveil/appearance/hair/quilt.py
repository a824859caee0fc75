"""Fine structure continued beyond where it is known: pieces of it, laid side by side.

Patches are chosen so that they agree where they overlap, as Efros and Freeman ("Image quilting for texture synthesis
and transfer", 2001) do; the overlap is blended.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.noise import smooth_noise
from unveil.geometry.compiled import compiled
from unveil.typing import Bools, Float32s, Int64s

# Texels of a patch across and along the hair; the largest is taken of which there are enough.
SIDES = ((40, 72), (30, 48), (20, 30), (12, 18))
ENOUGH = 30  # places to take patches from
KNOWN, WHOLE = 0.3, 0.9  # weight from which on detail is known, and the share of a patch that has to be
# Strands, and locks of them, where photographs show none: their shares, and over how many texels across and along
# hair each is alike; and by how many texels they bend aside, over how many.
STRANDS, LOCKS, BENDS = (0.8, 0.6, 14.0), (0.7, 2.5, 30.0), (4.0, 20.0, 40.0)
# Contrast of hair that is seen well, and the texels that it counts as; and the most that is continued.
USUAL_SPREAD, FEW, MOST_SPREAD = 0.15, 300, 0.18
OVERLAP = 1 / 3  # of its sides
TRIES = 5  # patches of which one of the best two is taken
COARSE = 3  # texels a side of the squares in which broad colours are added up
COARSER = 4  # texels between those compared
UP_DOWN = 0.6  # sides by which a patch may come from farther up or down: hair changes on its way down
FINER = 0.5  # share of that contrast which strands have that photographs do not show
MOST_GAIN = 1.6  # of contrast, which that takes
ALONG, FEWER = 14.0, 3  # texels along the hair over which patches are joined to strands, and to one row of these


def quilted(detail: Float32s, weight: Float32s, wanted: Bools) -> Float32s:
    """Detail [H, W, C] with zero mean, known where it has weights [H, W], where it is wanted [H, W]; columns go around.

    Where too little is known for patches, it is made up, with the contrast that is known or is usual.
    """
    result, made_up = np.zeros_like(detail), _strands(detail.shape[:2])
    for across, along in SIDES:
        sources = np.argwhere(_whole(weight > KNOWN, along, across))
        if len(sources) >= ENOUGH:
            _lay(result, detail, wanted, sources, (along, across))
            break
    else:
        squares = float((np.square(detail).mean(axis=2) * weight).sum()) + FEW * USUAL_SPREAD**2
        _strengthen(result, 1.0, made_up, float(np.sqrt(squares / (float(weight.sum()) + FEW))))
        return result
    strands = _along_hair(result)
    contrast, left = (float(np.linalg.norm(values)) / np.sqrt(values.size) for values in (result, strands))
    contrast = min(contrast, MOST_SPREAD)  # curls are darker in between than strands that lie side by side
    # Photographs show locks; strands are finer than their pixels.
    _strengthen(strands, min(contrast / max(left, 1e-6), MOST_GAIN), made_up, FINER * contrast)
    return strands


@compiled
def _strengthen(detail: Any, gain: Any, more: Any, strength: Any) -> None:
    """Detail [H, W, 3] times a gain, and so much of more [H, W] added to it."""
    gain, strength = np.float32(gain), np.float32(strength)
    for i in range(detail.shape[0]):
        for j in range(detail.shape[1]):
            for c in range(3):
                detail[i, j, c] = gain * detail[i, j, c] + strength * more[i, j]


def _along_hair(detail: Float32s) -> Float32s:
    """Detail [H, W, C] that is alike over `ALONG` rows; a part of the rows is enough for that."""
    height, width = detail.shape[:2]
    fewer = cv2.resize(detail, (width, round(height / FEWER)), interpolation=cv2.INTER_AREA)
    alike = cv2.GaussianBlur(fewer, (1, 0), sigmaX=0.01, sigmaY=ALONG / FEWER)
    return np.asarray(cv2.resize(alike, (width, height)), np.float32)


@lru_cache(maxsize=1)
def _strands(shape: tuple[int, int]) -> Float32s:
    """Strands [H, W] of variance 1, and locks of them, that run down a little crooked."""
    strands, locks, aside = (
        share * smooth_noise(shape, across, along, seed)
        for seed, (share, across, along) in enumerate((STRANDS, LOCKS, BENDS))
    )
    height, width = shape
    column, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = cv2.remap(strands + locks, column + aside, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(bent / bent.std(), np.float32)


def _whole(known: Bools, along: int, across: int) -> Bools:
    """Whether the patch [H, W] that begins at a texel is known all over."""
    result = np.zeros(known.shape, bool)
    total = cv2.integral(known.astype(np.uint8))
    inside = total[along:, across:] - total[:-along, across:] - total[along:, :-across] + total[:-along, :-across]
    result[: inside.shape[0], : inside.shape[1]] = inside >= WHOLE * along * across
    return result


def _lay(result: Float32s, detail: Float32s, wanted: Bools, sources: Int64s, sides: tuple[int, int]) -> None:
    """Lay patches from ``sources`` [N, 2], row by row, side by side over what is ``wanted`` [H, W] of the result.

    They lie in columns that begin at different heights, so that no rows are to be seen.
    """
    (along, across), (height, width) = sides, result.shape[:2]
    window = _window(along)[:, None] * _window(across)
    laid = np.zeros((height + 2 * along, width + across, 3), np.float32)
    total, squares = np.zeros_like(laid[..., 0]), np.zeros_like(laid[..., 0])
    needed = np.zeros((height + 2 * along, width + across), bool)
    needed[along:-along, :width], needed[along:-along, width:] = wanted, wanted[:, :across]
    steps = round(along * (1 - OVERLAP)), round(across * (1 - OVERLAP))
    rng = np.random.default_rng(1)
    lots = rng.random((len(range(0, width, steps[1])), len(range(0, height + along, steps[0])), TRIES + 1))
    tops = rng.integers(along, size=len(lots))[:, None] + steps[0] * np.arange(lots.shape[1])
    chances = _at_height(sources, tops - along, UP_DOWN * along)
    _lay_columns((laid, total, squares), (detail, sources), needed, window, (steps[1], tops, chances, lots))
    for sums in (laid, squares):
        sums[:, :across] += sums[:, width:]  # columns go around
    _divide(laid[along:-along], squares[along:-along], result)


def _at_height(sources: Int64s, tops: Int64s, reach: float) -> Int64s:
    """From where patches at ``tops`` [...] are taken: the first of the sources [N, 2], and the first beyond, [..., 2].

    Those are at about the same height, or all.
    """
    first = np.searchsorted(sources[:, 0], tops - reach)
    last = np.searchsorted(sources[:, 0], tops + reach, side="right")
    none = first == last
    return np.stack([np.where(none, 0, first), np.where(none, len(sources), last)], axis=-1)


# No loop calls a function of NumPy: for those, numba would import SciPy when it loads the loop, which takes as long as
# all of the hair.


@compiled
def _lay_columns(sums: Any, known: Any, needed: Any, window: Any, order: Any) -> None:
    """Add patches times ``window`` [P, Q] to the sums.

    ``order`` says how far columns are apart, the tops of their patches [C, R], from where these are taken, and lots.
    """
    laid, total, squares = sums
    detail, sources = known
    step, tops, chances, lots = order
    along, across = window.shape
    for column in range(tops.shape[0]):
        left = column * step
        for number in range(tops.shape[1]):
            top = tops[column, number]
            if top >= len(needed) - along:
                break
            if not _any(needed, top, left, window.shape):
                continue
            first, count = chances[column, number, 0], chances[column, number, 1] - chances[column, number, 0]
            # One of the two that fit best to what lies there already; not always the best.
            least = less = np.float32(np.inf)
            best = second = first
            for k in range(TRIES):
                source = first + int(lots[column, number, k] * count)
                place, there = (sources[source, 0], sources[source, 1]), (top, left)
                misfit = _misfit(detail, place, laid, total, there, window.shape)
                if misfit < least:
                    second, less, best, least = best, least, source, misfit
                elif misfit < less:
                    second, less = source, misfit
            chosen = best if lots[column, number, TRIES] < 0.5 else second
            y, x = sources[chosen, 0], sources[chosen, 1]
            for i in range(along):
                for j in range(across):
                    share = window[i, j]
                    for c in range(3):
                        laid[top + i, left + j, c] += share * detail[y + i, x + j, c]
                    total[top + i, left + j] += share
                    squares[top + i, left + j] += share * share


@compiled
def _divide(laid: Any, squares: Any, result: Any) -> None:
    """The result [H, W, 3] of sums of patches [H, W + Q, 3], divided so that contrast is kept where these are mixed."""
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            if squares[i, j] > 0:
                factor = np.float32(1) / np.sqrt(max(squares[i, j], np.float32(1e-3)))
                for c in range(3):
                    result[i, j, c] = factor * laid[i, j, c]


@compiled
def _any(needed: Any, top: Any, left: Any, shape: Any) -> Any:
    """Whether a patch of that shape at that place is of use."""
    for i in range(top, top + shape[0]):
        for j in range(left, left + shape[1]):
            if needed[i, j]:
                return True
    return False


@compiled
def _misfit(detail: Any, source: Any, laid: Any, total: Any, place: Any, shape: Any) -> Any:
    """How far a patch differs from what lies at its place, with that's weights, at some of the texels."""
    (y, x), (top, left) = source, place
    result = np.float32(0)
    for i in range(0, shape[0], COARSER):
        for j in range(0, shape[1], COARSER):
            weight = total[top + i, left + j]
            if weight > 0:
                for c in range(3):
                    there = laid[top + i, left + j, c] / max(weight, np.float32(1e-3))
                    result += weight * (detail[y + i, x + j, c] - there) ** 2
    return result


def _window(side: int) -> Float32s:
    """Weights [side] that rise from the ends of a patch."""
    place = np.minimum(np.arange(side) + 1, side - np.arange(side)) / (OVERLAP * side)
    return np.minimum(place, 1).astype(np.float32)


def broad_colours(colour: Float32s, weight: Float32s, reach: float) -> tuple[Float32s, Float32s]:
    """The mean [H / 3, W / 3, 3] of colours [H, W, 3] with weights [H, W] over so many texels around each third one.

    The second is the mean weight [H / 3, W / 3] of those there. H and W are multiples of 3.
    """
    sums = np.zeros((len(weight) // COARSE, weight.shape[1] // COARSE, 4), np.float32)
    _add_up(colour, weight, sums)
    blurred = cv2.GaussianBlur(sums, (0, 0), reach / COARSE)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3), np.float32), sums[..., 3]


@compiled
def _add_up(colour: Any, weight: Any, sums: Any) -> None:
    """Add to the sums [h, w, 4] the means of the squares of texels that they are of."""
    share = np.float32(1 / COARSE**2)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            if weight[i, j] > 0:
                part, total = share * weight[i, j], sums[i // COARSE, j // COARSE]
                for c in range(3):
                    total[c] += part * colour[i, j, c]
                total[3] += part
