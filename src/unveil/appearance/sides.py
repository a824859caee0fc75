"""What to add to the mirrored colours of the other side of a face so that they match this side."""

from __future__ import annotations

import numpy as np

from unveil.appearance.fixed_texels import FixedTexels, colours_at_vertices
from unveil.appearance.view import Sampled
from unveil.geometry.diffuse import diffuse
from unveil.typing import Float32s, Int64s

# How closely to follow what is known, rather than be smooth. Where both sides are seen, what differs beyond the light
# is a scar or a lock of hair, and must not spread far. Where this side is hidden, the expected face is more like it
# than the other side is, except for structure finer than the mesh.
SIDES_PULL, EXPECTED_PULL = 0.3, 10.0
LIGHT_RIDGE = 0.01  # damping of the terms of light, relative to the weight of all vertices
MOST_LIGHT = 40.0  # grey levels by which light makes the sides differ, at most


def also_hidden(
    sides: tuple[Float32s, Float32s], other: Sampled, hidden: tuple[Int64s, Float32s, Float32s], fixed: FixedTexels
) -> tuple[Float32s, Float32s]:
    """What the other side lacks [V, 3], and how closely to follow that [V], extended to where this side is hidden.

    Args:
        sides: the same, known only where both sides are seen.
        other: the albedo of the other side, at the texels of this side.
        hidden: vertices [K], the albedo [K, 3] that is expected of this side there, and how closely to follow it [K].
        fixed: what is fixed for the head model.
    """
    at, expected, follow = hidden
    shown, known = (values[at] for values in colours_at_vertices(other, fixed))
    (mean, pull), follow = (values.copy() for values in sides), follow * known
    lacks = pull[at, None] * mean[at] + follow[:, None] * (expected - shown)
    pull[at] += follow
    mean[at] = lacks / np.maximum(pull[at], np.float32(1e-6))[:, None]
    return mean, pull


def missing(mean: Float32s, pull: Float32s, fixed: FixedTexels) -> Float32s:
    """What the colours of the other side lack of those of this side, at all vertices [V, 3].

    Light that is left in the differences is an odd function of the normal. So the terms up to second degree that change
    sign between the sides are fitted, and hold everywhere. What they do not explain is continued smoothly.

    Args:
        mean: [V, 3] difference around each vertex.
        pull: [V] how closely to follow it; zero where it is not known.
        fixed: what is fixed for the head model.
    """
    terms = fixed.odd_terms  # [V, 3]
    system = terms.T @ (pull[:, None] * terms) + LIGHT_RIDGE * pull.sum() * np.eye(3)
    light = terms @ np.linalg.solve(system + 1e-9 * np.eye(3), terms.T @ (pull[:, None] * mean))
    light = np.clip(light, -MOST_LIGHT, MOST_LIGHT)
    rest = diffuse(mean - light, pull, fixed.neighbours, np.zeros(3))
    return (light + rest).astype(np.float32)
