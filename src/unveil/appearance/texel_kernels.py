"""Compiled loops over the texels of a texture, between values at texels [N, C] and values at vertices [V, C].

A `TexelMesh` is the triangle [N] and the barycentric coordinates [N, 3] of each texel, and the faces [F, 3].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.typing import Float32s, Int32s, Int64s, UInt8s

TexelMesh = tuple[Int32s, Float32s, Int32s]
TEXEL_STRAYS = 0.5  # relative difference from the guess at which a doubted texel of skin is half believed
UNDOUBTED = np.float32(0.05)  # doubt up to which a texel is not compared with the guess
NONE = np.uint32(0xFFFFFFFF)  # no triangle; unsigned, because numba takes longer for indices that may be negative
Glance = tuple[Float32s, Float32s, Float32s]  # colour [N, 3], weight [N] and cover [N], as in `view.Sampled`


def gather(mesh: TexelMesh, values: Float32s, weight: Float32s, vertex_count: int) -> Float32s:
    """Sums [V, 4] of weight * value and of weight at each vertex; each texel is shared among its corners."""
    sums = np.zeros((vertex_count, 4), dtype=np.float32)
    _gather(mesh, values, weight, sums)
    return sums


def compare(mesh: TexelMesh, own: Glance, other: Glance, gains: tuple[Float32s, Float32s]) -> Float32s:
    """Divide the colours of two looks by the gains of their light [V, 3], in place, and measure how they differ.

    Returns:
        What `gather` gives for their difference, weighted by how well both show a texel.
    """
    sums = np.zeros((len(gains[0]), 4), dtype=np.float32)
    _compare(mesh, own[:2], other[:2], gains, sums)
    return sums


def merge(mesh: TexelMesh, own: Glance, other: Glance, lack: Float32s) -> tuple[Float32s, Float32s, Float32s, Float32s]:
    """Join both looks, with ``lack`` [V, 3] added to the colours of the second.

    Returns:
        Colours [N, 3]; how far each texel is as good as seen [N]; the same by the first look alone, 0 where the second
        is better [N]; and what `gather` gives for colours and cover.
    """
    count = len(own[1])
    colour = np.zeros((count, 3), dtype=np.float32)
    cover, first = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
    sums = np.zeros((len(lack), 4), dtype=np.float32)
    _merge(mesh, own, other, lack, (colour, cover, first, sums))
    return colour, cover, first, sums


def compose(
    mesh: TexelMesh,
    seen: tuple[Float32s, Float32s],
    trust: tuple[Float32s, Float32s],
    guess: tuple[Float32s, Float32s, Float32s, Float32s],
    gain: Float32s,
) -> tuple[UInt8s, UInt8s, Float32s]:
    """The colours of the texels: what is seen where it is trusted, and a guess elsewhere.

    Args:
        mesh: the texels.
        seen: colours [N, 3], and how far each is covered by what is seen [N].
        trust: [V] in what is seen, and [V] doubt: how much less to trust what does not look like the guess.
        guess: detail [N, 3], factors [N], tone [3] and shift [V, 3]: the guess is detail * factor * tone + shift.
        gain: [V, 3] of the light.

    Returns:
        Colours uint8 [N, 3] without light, and with it; and the trust in each texel [N].
    """
    count = len(guess[0])
    without, lit = np.empty((count, 3), dtype=np.uint8), np.empty((count, 3), dtype=np.uint8)
    trusted = np.empty(count, dtype=np.float32)
    _compose(mesh, seen, trust, guess, gain, (without, lit, trusted, np.empty(3, dtype=np.float32)))
    return without, lit, trusted


def shade(mesh: TexelMesh, rows: Int64s, without: UInt8s, gain: Float32s, lit: UInt8s) -> None:
    """For some texels [K], set the colours with light [N, 3] to those without [N, 3] times a gain [V, 3]."""
    _shade(mesh, rows, without, gain, lit)


@compiled
def _gather(mesh: Any, values: Any, weight: Any, sums: Any) -> None:
    triangle, barycentric, faces = mesh
    for n in range(len(triangle)):
        if weight[n] <= 0:
            continue
        for k in range(3):
            vertex, share = faces[triangle[n], k], barycentric[n, k] * weight[n]
            for c in range(3):
                sums[vertex, c] += share * values[n, c]
            sums[vertex, 3] += share


@compiled
def _compare(mesh: Any, own: Any, other: Any, gains: Any, sums: Any) -> None:
    triangle, barycentric, faces = mesh
    own_colour, own_weight = own
    other_colour, other_weight = other
    own_gain, other_gain = gains
    here = a = b = c = NONE
    for n in range(len(own_weight)):
        first, second = own_weight[n], other_weight[n]
        if first <= 0 and second <= 0:
            continue
        if here != np.uint32(triangle[n]):
            here = np.uint32(triangle[n])
            a, b, c = np.uint32(faces[here, 0]), np.uint32(faces[here, 1]), np.uint32(faces[here, 2])
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        both = first * second
        for k in range(3):
            own_colour[n, k] /= u * own_gain[a, k] + v * own_gain[b, k] + w * own_gain[c, k]
            other_colour[n, k] /= u * other_gain[a, k] + v * other_gain[b, k] + w * other_gain[c, k]
            difference = both * (own_colour[n, k] - other_colour[n, k])
            sums[a, k] += u * difference
            sums[b, k] += v * difference
            sums[c, k] += w * difference
        sums[a, 3] += u * both
        sums[b, 3] += v * both
        sums[c, 3] += w * both


@compiled
def _merge(mesh: Any, own: Any, other: Any, lack: Any, results: Any) -> None:
    triangle, barycentric, faces = mesh
    own_colour, own_weight, own_cover = own
    other_colour, other_weight, other_cover = other
    colour, cover, better, sums = results
    one = np.float32(1)
    here = a = b = c = NONE
    for n in range(len(own_weight)):
        first = own_weight[n]
        second = other_weight[n] * (one - first)
        if first + second <= 0:
            continue
        if here != np.uint32(triangle[n]):
            here = np.uint32(triangle[n])
            a, b, c = np.uint32(faces[here, 0]), np.uint32(faces[here, 1]), np.uint32(faces[here, 2])
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        known = one - (one - own_cover[n]) * (one - other_cover[n])
        cover[n] = known
        if first > second:
            better[n] = own_cover[n]
        share = first / (first + second)
        for k in range(3):
            adapted = other_colour[n, k] + u * lack[a, k] + v * lack[b, k] + w * lack[c, k]
            value = share * own_colour[n, k] + (one - share) * adapted
            colour[n, k] = value
            sums[a, k] += u * known * value
            sums[b, k] += v * known * value
            sums[c, k] += w * known * value
        sums[a, 3] += u * known
        sums[b, 3] += v * known
        sums[c, 3] += w * known


@compiled
def _compose(mesh: Any, seen: Any, trust: Any, guess: Any, gain: Any, results: Any) -> None:
    triangle, barycentric, faces = mesh
    colour, coverage = seen
    trust, doubt = trust
    detail, factor, tone, shift = guess
    without, lit, trusted, guessed = results
    one, half, black, white = np.float32(1), np.float32(0.5), np.float32(0), np.float32(255)
    per_stray = np.float32(1 / TEXEL_STRAYS**2)
    here = a = b = c = NONE
    for n in range(len(triangle)):
        if here != np.uint32(triangle[n]):
            here = np.uint32(triangle[n])
            a, b, c = np.uint32(faces[here, 0]), np.uint32(faces[here, 1]), np.uint32(faces[here, 2])
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        for k in range(3):
            value = detail[n, k] * factor[n] * tone[k] + u * shift[a, k] + v * shift[b, k] + w * shift[c, k]
            guessed[k] = max(value, black)
        certain = u * trust[a] + v * trust[b] + w * trust[c]
        doubted = u * doubt[a] + v * doubt[b] + w * doubt[c]
        if doubted > UNDOUBTED and coverage[n] > 0:
            strays, level = black, one
            for k in range(3):
                strays += (colour[n, k] - guessed[k]) ** 2
                level += guessed[k] * guessed[k]
            strays *= per_stray / level
            certain *= one - doubted * (one - one / (one + strays * strays))
        trusted[n] = certain
        share = coverage[n] * certain
        for k in range(3):
            value = share * colour[n, k] + (one - share) * guessed[k]
            shaded = value * (u * gain[a, k] + v * gain[b, k] + w * gain[c, k])
            without[n, k] = np.uint8(min(max(value + half, black), white))
            lit[n, k] = np.uint8(min(max(shaded + half, black), white))


@compiled
def _shade(mesh: Any, rows: Any, without: Any, gain: Any, lit: Any) -> None:
    triangle, barycentric, faces = mesh
    half, white = np.float32(0.5), np.float32(255)
    for n in rows:
        here = triangle[n]
        a, b, c = faces[here, 0], faces[here, 1], faces[here, 2]
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        for k in range(3):
            value = np.float32(without[n, k]) * (u * gain[a, k] + v * gain[b, k] + w * gain[c, k])
            lit[n, k] = np.uint8(min(value + half, white))
