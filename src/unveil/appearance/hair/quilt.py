"""Fine structure continued beyond where it is known: pieces of it, laid side by side.

Patches are chosen so that they agree where they overlap, as Efros and Freeman ("Image quilting for texture synthesis
and transfer", 2001) do; the overlap is blended.
"""

from __future__ import annotations

import cv2
import numpy as np

from unveil.typing import Bools, Float32s, Int64s

# Texels of a patch across and along the hair; the largest is taken of which there are enough.
SIDES = ((40, 72), (30, 48), (20, 30), (12, 18))
ENOUGH = 30  # places to take patches from
KNOWN, WHOLE = 0.3, 0.9  # weight from which on detail is known, and the share of a patch that has to be
LEAST_SPREAD = 0.06  # contrast of strands of which next to nothing is seen
OVERLAP = 1 / 3  # of its sides
TRIES = 8
COARSER = 4  # texels between those compared
UP_DOWN = 0.6  # sides by which a patch may come from farther up or down: hair changes on its way down
MOST_GAIN = 1.7  # of contrast, which that takes
ALONG = 3.5  # texels along the hair over which patches are joined to strands


def quilted(detail: Float32s, weight: Float32s, wanted: Bools) -> Float32s:
    """Detail [H, W, C] with zero mean, known where it has weights [H, W], where it is wanted [H, W]; columns go around.

    Where too little is known for patches, it is noise of the contrast that is known, as strands lie.
    """
    result = np.zeros_like(detail)
    for across, along in SIDES:
        sources = np.argwhere(_whole(weight > KNOWN, along, across))
        if len(sources) >= ENOUGH:
            _lay(result, detail, wanted, sources, (along, across))
            break
    else:
        spread = np.sqrt((np.square(detail).mean(axis=2) * weight).sum() / max(float(weight.sum()), 1.0))
        noise = np.random.default_rng(1).standard_normal((*detail.shape[:2], 1), np.float32)
        result += noise * np.float32(max(spread, LEAST_SPREAD))
    strands = cv2.GaussianBlur(result, (1, 0), sigmaX=0.01, sigmaY=ALONG)
    loss = np.sqrt(np.square(result).mean() / max(float(np.square(strands).mean()), 1e-9))
    return np.asarray(strands * min(loss, MOST_GAIN), np.float32)


def _whole(known: Bools, along: int, across: int) -> Bools:
    """Whether the patch [H, W] that begins at a texel is known all over."""
    result = np.zeros(known.shape, bool)
    total = np.pad(np.cumsum(np.cumsum(known, axis=0), axis=1), ((1, 0), (1, 0)))
    inside = total[along:, across:] - total[:-along, across:] - total[along:, :-across] + total[:-along, :-across]
    result[: inside.shape[0], : inside.shape[1]] = inside >= WHOLE * along * across
    return result


def _lay(result: Float32s, detail: Float32s, wanted: Bools, sources: Int64s, sides: tuple[int, int]) -> None:
    """Lay patches from ``sources`` [N, 2] side by side over what is ``wanted`` [H, W] of the result, row by row."""
    (along, across), (height, width) = sides, result.shape[:2]
    rng = np.random.default_rng(1)
    window = _window(along)[:, None] * _window(across)
    total, squares = np.zeros((2, height, width), np.float32)
    step = round(along * (1 - OVERLAP))
    for top in [*range(0, height - along, step), height - along]:
        near = sources[np.abs(sources[:, 0] - top) <= UP_DOWN * along]
        near = near if len(near) else sources
        first = int(rng.integers(across))  # no columns of patches
        for left in range(first, first + width, round(across * (1 - OVERLAP))):
            columns = (left + np.arange(across)) % width
            laid = np.ix_(np.arange(top, top + along), columns)
            if not wanted[laid].any():
                continue
            old = (result[laid] / np.maximum(total[laid], 1e-3)[..., None])[::COARSER, ::COARSER]
            weight = total[laid][::COARSER, ::COARSER, None]
            chosen = near[rng.integers(len(near), size=TRIES)]
            patches = [detail[y : y + along, x : x + across] for y, x in chosen]
            misfit = [float((np.square(p[::COARSER, ::COARSER] - old) * weight).sum()) for p in patches]
            best = np.argsort(misfit)[: 1 + TRIES // 3]  # not always the same one
            result[laid] += patches[int(rng.choice(best))] * window[..., None]
            total[laid] += window
            squares[laid] += window**2
    result /= np.sqrt(np.maximum(squares, 1e-3))[..., None]  # keeps the contrast where patches are mixed


def _window(side: int) -> Float32s:
    """Weights [side] that rise from the ends of a patch."""
    place = np.minimum(np.arange(side) + 1, side - np.arange(side)) / (OVERLAP * side)
    return np.minimum(place, 1).astype(np.float32)


def broad_colours(colour: Float32s, weight: Float32s, reach: float) -> Float32s:
    """The mean [H, W, 3] of colours [H, W, 3] with weights [H, W] over so many texels around each."""
    blurred = cv2.GaussianBlur(np.dstack([colour * weight[..., None], weight]), (0, 0), reach)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3), np.float32)
