"""What the skin of a person looks like where it is hidden, from what is seen of it and of the hair.

Skins of people differ from their mean together: who has dark brows has dark lashes, and dark skin has paler lips
beside it. Tone and hair tell some of that, and components the rest (probabilistic principal components with missing
data: Tipping and Bishop, "Probabilistic principal component analysis", 1999). What is given here is their posterior
mean.
"""

from __future__ import annotations

import numpy as np

from unveil.heads.albedo import SkinVariation
from unveil.typing import Float32s, Floats

# Of a vertex: what neighbours show is not independent, and what the light leaves is much alike all over a face.
EVIDENCE = 0.2
STRAYS = 0.25  # logarithms by which skin strays from what components say; more is hair, shine or a shadow
MOST = 1.0  # logarithm by which skin differs from the mean


def personal_skin(
    seen: Float32s, weight: Float32s, traits: tuple[Floats, Floats | None], variation: SkinVariation
) -> Float32s:
    """Logarithms [K, 3] by which a person's albedo differs from the mean at the vertices of a variation.

    Args:
        seen: [K, 3] the same as the photograph shows it.
        weight: [K] how far it shows it, by the area around each vertex.
        traits: the person's encoded tone [3], of 1, and CIELAB of the hair [3] where it is known.
        variation: of people.
    """
    seen = np.clip(seen, -MOST, MOST)
    told = np.einsum("q,qkc->kc", _scaled(traits, variation), variation.told)
    left = seen - told
    trust = weight / (1 + (left**2).mean(axis=1) / STRAYS**2)
    precision = (EVIDENCE * trust[:, None] / variation.variance).ravel()
    components = variation.components.reshape(len(variation.components), -1)
    system = (components * precision) @ components.T + np.eye(len(components), dtype=np.float32)
    scores = np.linalg.solve(system, components @ (precision * left.ravel()))
    return np.asarray(told + (scores @ components).reshape(-1, 3), np.float32)


def _scaled(traits: tuple[Floats, Floats | None], variation: SkinVariation) -> Float32s:
    """A one and the traits [7] against their means, zero where they are not known."""
    (mean, scale), (tone, hair) = variation.traits, traits
    whole = np.concatenate([np.log(np.maximum(tone, 1 / 255)), mean[3:] if hair is None else hair])
    return np.concatenate([[1], (whole - mean) / scale]).astype(np.float32)
