"""People who come back to a clip after a while: join the stretches that show one person.

Once all frames have been seen, the form of a head in a stretch is the mean of many frames, which says more than the
first frame after an absence. This is within one clip; nobody is recognised from one clip to another.
"""

from __future__ import annotations

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.model import MorphableModel
from unveil.models.registry import family_of
from unveil.typing import Float64s, Floats
from unveil.video.cast import Cast
from unveil.video.people import People

MOST = 1000  # stretches that are compared, the longest ones, to bound time and memory
# Root mean square distance in metres between the faces of neutral heads from which they belong to two people, where
# nothing better is known. Among 32 people of YouTube Faces, 5 frames against 5 others, 3 % of pairs of one person are
# farther apart, and 57 % of pairs of two people.
STRANGER = 0.0021


def rejoin(cast: Cast, people: People, model: MorphableModel) -> None:
    """Give people who came back the number that they had first.

    Those that are most alike are joined first. Two that one frame shows together are never joined.
    """
    numbers = sorted(sorted(cast.roles, key=lambda number: -people[number].frames)[:MOST])
    if len(numbers) < 2:
        return
    shapes = np.stack([people[number].mean_shape for number in numbers])
    alike = shape_similarity(model, shapes, shapes)
    alike[np.tril_indices(len(numbers))] = -np.inf
    while alike.max() >= 0:
        first, second = (int(k) for k in np.unravel_index(alike.argmax(), alike.shape))
        one, other = numbers[first], numbers[second]
        if set(cast.roles[one].recorder.frames) & set(cast.roles[other].recorder.frames):
            alike[first, second] = -np.inf
            continue
        cast.join(one, other)
        people[one].join(people[other])
        shapes[first] = people[one].mean_shape
        alike[second], alike[:, second] = -np.inf, -np.inf
        again = shape_similarity(model, shapes[first : first + 1], shapes)[0]
        for k in (k for k in range(len(numbers)) if k != first and numbers[k] in cast.roles):
            alike[min(first, k), max(first, k)] = again[k]


def shape_similarity(model: MorphableModel, shapes: Floats, others: Floats) -> Float64s:
    """How alike people with shapes [N, S] are to others [M, S]: [N, M], 0 or more where they are taken for one."""
    if (variation := family_of(model.layout).shape_variation()) is not None:
        return variation.alike(shapes, others)
    basis = np.asarray(model.head.shape_basis, np.float64)  # [S, V, 3]
    weighted = basis * face_area(model)[:, None]
    metric = np.tensordot(basis, weighted, ((1, 2), (1, 2)))  # [S, S] gives squares of metres
    squares = [np.einsum("ms,st,mt->m", apart, metric, apart) for apart in (shape - others for shape in shapes)]
    return np.asarray(1 - np.sqrt(squares) / STRANGER)
