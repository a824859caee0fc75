"""How the hidden part of a face would look in its photograph, from the part that is seen.

Light, tone and skin vary together: a lamp from the left lights the chin as it lights the brow, and people with dark
brows have dark lashes. So the colours of faces, as photographs show them, have one mean and principal components (with
missing data: Tipping and Bishop, "Probabilistic principal component analysis", 1999). `expected_face` gives their
posterior mean for what is seen. Colours are encoded, not logarithms, so that this mean is unbiased. A small network
corrects it by what it has learned beyond the components.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unveil.heads.skin.space import SkinVariation
from unveil.typing import Float32s

EVIDENCE = 0.3  # weight of a vertex, below one because neighbours do not vary independently
STRAYS = 0.12  # encoded, of 1: skin differs by this from what components expect; what differs more is hair, or shines
LOOKS = 2  # rounds of fitting; all but the first trust less what differs more


class SeenSkin(NamedTuple):
    """What a photograph shows of the K vertices of a `SkinVariation`."""

    colours: Float32s  # [K, 3] encoded RGB, 0 to 1
    known: Float32s  # [K] how far each is seen, 0 to 1
    area: Float32s  # [K] surface around each, relative to the largest
    normals: Float32s  # [K, 3] x to the right, y up, z to the camera


def face_as_photographed(seen: SeenSkin, variation: SkinVariation) -> Float32s:
    """Encoded RGB [K, 3], 0 to 1, that the photograph would show of all vertices if nothing were hidden."""
    expected = expected_face(seen.colours, seen.known * np.sqrt(seen.area), variation)
    if variation.network is None:
        return expected
    return variation.network(seen.colours, seen.known, expected, seen.normals)


def expected_face(seen: Float32s, weight: Float32s, variation: SkinVariation) -> Float32s:
    """The same by the components alone, from colours ``seen`` [K, 3] with weights [K]."""
    components = variation.components.reshape(len(variation.components), -1)
    differs, scores = seen - variation.mean, np.zeros(len(components), np.float32)
    for look in range(LOOKS):
        strays = ((differs - (scores @ components).reshape(-1, 3)) ** 2).mean(axis=1)
        trust = weight / (1 + strays / STRAYS**2) if look else weight
        precision = (EVIDENCE * trust[:, None] / variation.variance).ravel()
        system = (components * precision) @ components.T + np.eye(len(components), dtype=np.float32)
        scores = np.linalg.solve(system, components @ (precision * differs.ravel()))
    return np.asarray(variation.mean + (scores @ components).reshape(-1, 3), np.float32)
