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
TRIES = 5
COARSER = 4  # texels between those compared
UP_DOWN = 0.6  # sides by which a patch may come from farther up or down: hair changes on its way down
MOST_GAIN = 1.2  # of contrast, which that takes
ALONG = 6.0  # texels along the hair over which patches are joined to strands


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
    """Lay patches from ``sources`` [N, 2] side by side over what is ``wanted`` [H, W] of the result.

    They lie in columns that begin at different heights, so that no rows are to be seen.
    """
    (along, across), (height, width) = sides, result.shape[:2]
    rng = np.random.default_rng(1)
    window = _window(along)[:, None] * _window(across)
    shape = (height + 2 * along, width + across)
    laid = np.zeros((*shape, 3), np.float32)
    total, squares = np.zeros_like(laid[..., 0]), np.zeros_like(laid[..., 0])
    needed = np.pad(np.pad(wanted, ((0, 0), (0, across)), mode="wrap"), ((along, along), (0, 0)))
    for left in range(0, width, round(across * (1 - OVERLAP))):
        for top in range(int(rng.integers(along)), height + along, round(along * (1 - OVERLAP))):
            here = np.s_[top : top + along, left : left + across]
            if not needed[here].any():
                continue
            mean = np.asarray(laid[here] / np.maximum(total[here], 1e-3)[..., None], np.float32)
            patch = _fitting(detail, _near(sources, top - along, along), (mean, total[here]), rng)
            laid[here] += patch * window[..., None]
            total[here] += window
            squares[here] += window**2
    for sums in (laid, squares):
        sums[:, :across] += sums[:, width:]  # columns go around
    # Divided so that contrast is kept where patches are mixed.
    result[:] = (laid / np.sqrt(np.maximum(squares, 1e-3))[..., None])[along:-along, :width]


def _near(sources: Int64s, row: int, along: int) -> Int64s:
    """Those of sources [N, 2] that lie at about the height of a row, or all."""
    near = sources[np.abs(sources[:, 0] - row) <= UP_DOWN * along]
    return near if len(near) else sources


def _fitting(
    detail: Float32s, sources: Int64s, beside: tuple[Float32s, Float32s], rng: np.random.Generator
) -> Float32s:
    """One of the patches that fit best to what lies there already, with its weights; not always the same one."""
    (along, across), (old, weight) = beside[1].shape, (part[::COARSER, ::COARSER] for part in beside)
    chosen = sources[rng.integers(len(sources), size=TRIES)]
    patches = [detail[y : y + along, x : x + across] for y, x in chosen]
    misfit = [float((np.square(p[::COARSER, ::COARSER] - old) * weight[..., None]).sum()) for p in patches]
    best = sorted(range(TRIES), key=misfit.__getitem__)[: 1 + TRIES // 3]
    return patches[int(rng.choice(best))]


def _window(side: int) -> Float32s:
    """Weights [side] that rise from the ends of a patch."""
    place = np.minimum(np.arange(side) + 1, side - np.arange(side)) / (OVERLAP * side)
    return np.minimum(place, 1).astype(np.float32)


def broad_colours(colour: Float32s, weight: Float32s, reach: float) -> Float32s:
    """The mean [H, W, 3] of colours [H, W, 3] with weights [H, W] over so many texels around each."""
    blurred = cv2.GaussianBlur(np.dstack([colour * weight[..., None], weight]), (0, 0), reach)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3), np.float32)
