"""How faces of people look in photographs, skin and light together, learned from those of a prepared folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.skin_space.learn import tone_weights
from tools.skin_space.photographs import photographs
from tools.skin_space.samples import SIZE, chosen
from tools.skin_space.tone import tone_bin
from unveil.appearance.fixed_texels import colours_at_vertices, fixed_texels
from unveil.appearance.light import GAMMA
from unveil.appearance.view import View, sample_view
from unveil.errors import UnveilError
from unveil.heads.model import MorphableModel
from unveil.training.crops.prepared import PreparedFolder
from unveil.typing import Bools, Float32s, Floats, Image, Int64s

COMPONENTS, PASSES = 70, 4
ROBUST = 0.15  # encoded, of 1, by which a vertex strays from what components say
SURELY = 0.5  # certainty from which a vertex is one of skin
MORE = 10  # components that are sought beyond those that are kept, for their precision


@dataclass(frozen=True, eq=False)
class Faces:
    """What photographs show of K vertices of the face's skin."""

    colours: Float32s  # [P, K, 3] encoded RGB, of 1
    weight: Float32s  # [P, K] how far it is seen


def variation(
    model: MorphableModel, folder: PreparedFolder, count: int, seed: int, note: Callable[[str], None] = print
) -> dict[str, NDArray[Any]]:
    """The arrays of a `SkinVariation`, as the file has them, from about ``count`` photographs of training people."""
    fixed = fixed_texels(model, SIZE)
    vertices = np.flatnonzero((fixed.face > 0) & (fixed.skin.bare > SURELY) & (fixed.openness == 1))
    faces = _mirrored(seen_faces(model, folder, vertices, count, seed), vertices, model)
    note(f"{len(faces.weight) // 2} photographs")
    mean, components, variance = principal(faces, np.sqrt(fixed.face[vertices] / fixed.face.max()))
    note(f"deviation {np.sqrt((components**2).sum(axis=0).mean()):.3f}, beside components {variance.mean() ** 0.5:.3f}")
    arrays = {"mean": mean, "components": components, "variance": variance}
    return {"variation_vertices": vertices.astype(np.int32)} | {
        f"variation_{name}": values.astype(np.float16) for name, values in arrays.items()
    }


def seen_faces(model: MorphableModel, folder: PreparedFolder, vertices: Int64s, count: int, seed: int) -> Faces:
    """What about ``count`` photographs of a folder's training people show of vertices."""
    colours, weight = list[Float32s](), list[Float32s]()
    for photo in photographs(folder, chosen(folder, count, seed)):
        if photo.usable:
            seen, known, _ = seen_skin(photo.image, photo.projected, photo.hidden, model, vertices)
            colours.append(seen / np.float32(255))
            weight.append(known)
    if not colours:
        raise UnveilError(f"no photograph of {folder.path} shows a face turned to the camera with nothing before it")
    return Faces(np.stack(colours), np.stack(weight))


def seen_skin(
    image: Image, projected: Floats, hidden: Bools, model: MorphableModel, vertices: Int64s
) -> tuple[Float32s, Float32s, Float32s]:
    """What an image shows of vertices: RGB [K, 3], how far it shows them [K], and normals [K, 3] as a `View` has them.

    Args:
        image: RGB [H, W, 3].
        projected: [V, 3] all vertices of the model in its pixels, and a depth in pixels.
        hidden: [H, W] pixels that do not show the head.
        model: the head model.
        vertices: [K] those that are asked for.
    """
    fixed, view = fixed_texels(model, SIZE), View.of(image, projected, model.faces, SIZE, hidden)
    colours, known = colours_at_vertices(sample_view(view, fixed.mesh), fixed)
    return colours[vertices], known[vertices], view.normals[vertices]


def mirrored_places(model: MorphableModel, vertices: Int64s) -> Int64s:
    """The place [K] among some vertices of the one on the other side of each."""
    place = np.zeros(len(model.mirror_vertices), np.int64)
    place[vertices] = np.arange(len(vertices))
    return place[model.mirror_vertices[vertices]]


def _mirrored(faces: Faces, vertices: Int64s, model: MorphableModel) -> Faces:
    """The same faces, and after them their mirror images."""
    other = mirrored_places(model, vertices)
    return Faces(*(np.concatenate([values, values[:, other]]) for values in (faces.colours, faces.weight)))


def principal(faces: Faces, scale: Float32s) -> tuple[Float32s, Float32s, Float32s]:
    """Mean [K, 3], principal components [C, K, 3] of one deviation each, and the variance [K, 3] of what they leave.

    Alternately, the components are found, and fill what is not seen. All tones count alike.

    Args:
        faces: what is seen.
        scale: [K] how much each place matters.
    """
    shape = faces.colours.shape
    known, weights = faces.weight, face_weights(zip(faces.colours, faces.weight, strict=True))
    values, by_area = faces.colours.reshape(len(known), -1), np.repeat(scale, 3)
    mean = _means(values, np.repeat(known * weights[:, None], 3, axis=1))
    filled = np.broadcast_to(mean, values.shape)
    trust = known
    components = np.zeros((0, values.shape[1]), np.float32)
    for _ in range(PASSES):
        share = np.repeat(trust, 3, axis=1)
        whole = (share * (values - mean) + (1 - share) * (filled - mean)) * by_area
        components = _leading(whole * np.sqrt(weights)[:, None])
        filled = mean + ((whole @ components.T) @ components) / by_area
        mean = mean + _means(values - filled, share * weights[:, None])
        strays = ((values - filled) ** 2).reshape(shape).mean(axis=2)
        trust = known / (1 + strays / ROBUST**2)
    scores = whole @ components.T
    spread = np.sqrt((weights[:, None] * scores**2).mean(axis=0))
    share = np.repeat(trust * weights[:, None], 3, axis=1)
    squares, total = (share * (values - filled) ** 2).sum(axis=0), share.sum(axis=0)
    usual = squares.sum() / total.sum()  # as much evidence as one photograph: some vertices are hardly ever seen
    kept = spread > 1e-6  # no more than photographs
    return (
        mean.reshape(shape[1:]),
        (components * spread[:, None] / by_area)[kept].reshape(-1, *shape[1:]),
        ((squares + usual) / (total + 1)).reshape(shape[1:]),
    )


def _means(values: Float32s, weight: Float32s) -> Float32s:
    return np.asarray((weight * values).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-3), np.float32)


def _leading(values: Float32s) -> Float32s:
    """The first right singular vectors [C, Q] of values [P, Q], by subspace iteration (Halko et al. 2011)."""
    count = min(COMPONENTS + MORE, *values.shape)
    lots = np.random.default_rng(0).normal(size=(values.shape[1], count)).astype(np.float32)
    basis = np.linalg.qr(values @ (values.T @ (values @ lots)))[0]
    return np.asarray(np.linalg.svd(basis.T @ values, full_matrices=False)[2][:COMPONENTS], np.float32)


def face_weights(faces: Iterable[tuple[Float32s, Float32s]]) -> Float32s:
    """Weights [P] with which all bins of tones count alike, by the mean colour of faces.

    Each has encoded RGB [K, 3], of 1, and how far that is seen [K].
    """
    tones = ((known[:, None] * colours).sum(axis=0) / max(float(known.sum()), 1e-3) for colours, known in faces)
    return tone_weights([tone_bin(tone**GAMMA) for tone in tones])
