"""Loops over the texels of a texture, compiled: between values at texels [N, C] and values at vertices [V, C].

A texel mesh is the triangle [N] and barycentric coordinates [N, 3] of each texel, and the faces [F, 3].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.typing import Float32s, Int32s, UInt8s

TexelMesh = tuple[Int32s, Float32s, Int32s]


def gather(mesh: TexelMesh, values: Float32s, weight: Float32s, vertex_count: int) -> Float32s:
    """Per vertex the sums of weight * value and of weight [V, 4], each texel shared by its corners."""
    sums = np.zeros((vertex_count, 4), dtype=np.float32)
    _gather(mesh, values, weight, sums)
    return sums


def blend(
    mesh: TexelMesh, own: tuple[Float32s, Float32s], other: tuple[Float32s, Float32s], lack: Float32s
) -> Float32s:
    """Mean [N, 3] of two (colours [N, 3], weights [N]), after ``lack`` [V, 3] was added to the second."""
    result = np.zeros_like(own[0])
    _blend(mesh, own, other, lack, result)
    return result


def unlit(mesh: TexelMesh, colour: Float32s, gain: Float32s) -> None:
    """Divide colours [N, 3] in place by a gain [V, 3]."""
    _unlit(mesh, colour, gain)


def compose(
    mesh: TexelMesh,
    seen: tuple[Float32s, Float32s],
    trust: Float32s,
    guess: tuple[Float32s, Float32s, Float32s],
    gain: Float32s,
) -> tuple[UInt8s, UInt8s, Float32s]:
    """The colours of the texels: what is seen where it is trusted, and a guess elsewhere.

    Args:
        mesh: the texels.
        seen: colours [N, 3], and how far each is covered by what is seen [N].
        trust: [V] in that.
        guess: what to multiply [N, 3] with a tone [3], and what to add then [V, 3].
        gain: [V, 3] of the light.

    Returns:
        uint8 [N, 3] without and with light, and the trust in each texel [N].
    """
    count = len(guess[0])
    without, lit = np.empty((count, 3), dtype=np.uint8), np.empty((count, 3), dtype=np.uint8)
    trusted = np.empty(count, dtype=np.float32)
    _compose(mesh, seen, trust, guess, gain, (without, lit, trusted))
    return without, lit, trusted


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
def _blend(mesh: Any, own: Any, other: Any, lack: Any, result: Any) -> None:
    triangle, barycentric, faces = mesh
    own_colour, own_weight = own
    other_colour, other_weight = other
    for n in range(len(triangle)):
        first, second = own_weight[n], other_weight[n]
        if first + second <= 0:
            continue
        a, b, c = faces[triangle[n], 0], faces[triangle[n], 1], faces[triangle[n], 2]
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        for k in range(3):
            adapted = other_colour[n, k] + u * lack[a, k] + v * lack[b, k] + w * lack[c, k]
            result[n, k] = (first * own_colour[n, k] + second * adapted) / (first + second)


@compiled
def _unlit(mesh: Any, colour: Any, gain: Any) -> None:
    triangle, barycentric, faces = mesh
    for n in range(len(triangle)):
        a, b, c = faces[triangle[n], 0], faces[triangle[n], 1], faces[triangle[n], 2]
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        for k in range(3):
            colour[n, k] /= u * gain[a, k] + v * gain[b, k] + w * gain[c, k]


@compiled
def _compose(mesh: Any, seen: Any, trust: Any, guess: Any, gain: Any, results: Any) -> None:
    triangle, barycentric, faces = mesh
    colour, coverage = seen
    detail, tone, shift = guess
    without, lit, trusted = results
    for n in range(len(triangle)):
        a, b, c = faces[triangle[n], 0], faces[triangle[n], 1], faces[triangle[n], 2]
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        trusted[n] = u * trust[a] + v * trust[b] + w * trust[c]
        share = coverage[n] * trusted[n]
        for k in range(3):
            guessed = detail[n, k] * tone[k] + u * shift[a, k] + v * shift[b, k] + w * shift[c, k]
            value = share * colour[n, k] + (1 - share) * max(guessed, np.float32(0))
            shaded = value * (u * gain[a, k] + v * gain[b, k] + w * gain[c, k])
            without[n, k] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255)))
            lit[n, k] = np.uint8(min(max(shaded + np.float32(0.5), np.float32(0)), np.float32(255)))
