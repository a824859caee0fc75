"""How a face would look in a photograph where something hides it, from what is seen of it.

Light, tone and skin differ together: a lamp from the left lights the chin as it lights the brow, and who has dark
brows has dark lashes. So the colours of faces, as photographs show them, have one mean and components (probabilistic
principal components with missing data: Tipping and Bishop, "Probabilistic principal component analysis", 1999). What
is given here is their posterior mean. They are encoded colours, not logarithms, so that it is right on the mean. What
else a face says of its hidden part, a small network has learned, which corrects that mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unveil.heads.skin.space import SkinVariation
from unveil.typing import Float32s

EVIDENCE = 0.3  # of a vertex: what neighbours show is not independent
STRAYS = 0.12  # encoded, of 1, by which skin strays from what components say; more is a lock of hair or shine
LOOKS = 2  # times that what strays is looked for


class SeenSkin(NamedTuple):
    """What a photograph shows of the vertices of a variation."""

    colours: Float32s  # [K, 3] encoded RGB, of 1
    known: Float32s  # [K] how far it shows them
    area: Float32s  # [K] of the surface around each, of the largest
    normals: Float32s  # [K, 3] x to the right, y up, z to the camera


def face_as_photographed(seen: SeenSkin, variation: SkinVariation) -> Float32s:
    """Encoded RGB [K, 3], of 1, that the photograph would show of the vertices of a variation, were nothing hidden."""
    expected = expected_face(seen.colours, seen.known * np.sqrt(seen.area), variation)
    if variation.network is None:
        return expected
    return variation.network(seen.colours, seen.known, expected, seen.normals)


def expected_face(seen: Float32s, weight: Float32s, variation: SkinVariation) -> Float32s:
    """The same as the components say it, where what is seen counts [K] with a weight."""
    components = variation.components.reshape(len(variation.components), -1)
    differs, scores = seen - variation.mean, np.zeros(len(components), np.float32)
    for look in range(LOOKS):
        strays = ((differs - (scores @ components).reshape(-1, 3)) ** 2).mean(axis=1)
        trust = weight / (1 + strays / STRAYS**2) if look else weight
        precision = (EVIDENCE * trust[:, None] / variation.variance).ravel()
        system = (components * precision) @ components.T + np.eye(len(components), dtype=np.float32)
        scores = np.linalg.solve(system, components @ (precision * differs.ravel()))
    return np.asarray(variation.mean + (scores @ components).reshape(-1, 3), np.float32)
