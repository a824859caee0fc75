"""How the skins of people differ from the mean that a file has, learned from the photographs of a prepared folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.skin_space.samples import SIZE, Samples
from unveil.appearance.fixed_texels import FixedTexels, fixed_texels
from unveil.appearance.light import GAMMA
from unveil.appearance.texel_kernels import gather
from unveil.typing import Float32s, Ints

COMPONENTS, PASSES = 24, 4
ROBUST, MOST = 0.25, 0.5  # logarithms by which skin strays, and by which no skin does
RIDGE = 20.0  # photographs that say that traits tell nothing
HAIR_SCALE = 20.0  # of CIELAB: how far hair of people differs
SURELY = 0.5  # certainty from which a vertex is one of skin
OTHER_SIDE = 0.5  # weight of what the other side shows


def variation(samples: Samples, note: Callable[[str], None] = print) -> dict[str, NDArray[Any]]:
    """The arrays of a `SkinVariation`, as the file has them."""
    model = samples.atlas.model
    fixed = fixed_texels(model, SIZE)
    vertices = np.flatnonzero((fixed.face > 0) & (fixed.skin.bare > SURELY) & (fixed.openness == 1))
    found = [_at_vertices(samples, number, fixed, model.mirror_vertices) for number in range(len(samples))]
    strays, tones = np.stack([f[0][vertices] for f in found]), np.stack([f[2] for f in found])
    weight = np.stack([f[1][vertices] for f in found])
    weight /= 1 + (strays**2).mean(axis=-1) / ROBUST**2
    traits = np.stack([[*tones.mean(axis=0), *np.nanmean(samples.hair, axis=0)], [1.0] * 3 + [HAIR_SCALE] * 3])
    scaled = (np.column_stack([tones, samples.hair]) - traits[0]) / traits[1]
    design = np.column_stack([np.ones(len(scaled)), np.nan_to_num(scaled)]).astype(np.float32)
    told = _regressed(design, strays, weight)
    left = np.clip(strays - np.einsum("pq,qkc->pkc", design, told), -MOST, MOST)
    area = np.sqrt(fixed.face[vertices] / fixed.face.max())
    components, variance = _components(left, weight, area)
    note(f"deviation {np.sqrt((left**2).mean()):.3f}, beside components {np.sqrt(variance.mean()):.3f}")
    arrays = {"traits": traits, "told": told, "components": components, "variance": variance}
    return {"variation_vertices": vertices.astype(np.int32)} | {
        f"variation_{name}": values.astype(np.float16) for name, values in arrays.items()
    }


def _at_vertices(
    samples: Samples, number: int, fixed: FixedTexels, mirror: Ints
) -> tuple[Float32s, Float32s, Float32s]:
    """How a photograph differs from the mean [V, 3], how far it shows that [V], and the encoded tone's logarithm."""
    mean = np.log(fixed.skin.detail[samples.rows])
    shown, tone = samples.unlit(number, mean)
    triangle, barycentric, faces = fixed.mesh
    mesh = (triangle[samples.rows], barycentric[samples.rows], faces)
    sums = gather(mesh, np.ascontiguousarray(shown - mean), samples.weight[number] / np.float32(255), len(fixed.face))
    own, known = sums[:, :3], np.clip(sums[:, 3] / fixed.texel_counts, 0, 1)
    own = own / np.maximum(sums[:, 3:], 1e-6)
    other = OTHER_SIDE * known[mirror] * (1 - known)
    both = (own * known[:, None] + own[mirror] * other[:, None]) / np.maximum(known + other, 1e-6)[:, None]
    return np.clip(both, -1, 1), np.clip(known + other, 0, 1), np.asarray(np.log(tone) / GAMMA, np.float32)


def _regressed(design: Float32s, strays: Float32s, weight: Float32s) -> Float32s:
    """What the columns of a design [P, Q] tell of strays [P, K, 3] with weights [P, K]: [Q, K, 3]."""
    system = np.einsum("pk,pi,pj->kij", weight, design, design) + RIDGE * np.eye(design.shape[1], dtype=np.float32)
    right = np.einsum("pk,pi,pkc->kic", weight, design, strays)
    return np.asarray(np.linalg.solve(system, right).transpose(1, 0, 2), np.float32)


def _components(left: Float32s, weight: Float32s, scale: Float32s) -> tuple[Float32s, Float32s]:
    """Principal components [C, K, 3], which fill what is not seen, and the variance [K, 3] of what they leave."""
    shape = left.shape
    known, by_area = np.repeat(weight, 3, axis=1), np.repeat(scale, 3)
    values, filled = left.reshape(len(left), -1), np.zeros((shape[0], shape[1] * 3), np.float32)
    components = filled[:COMPONENTS]
    for _ in range(PASSES):
        whole = (known * values + (1 - known) * filled) * by_area
        scores = np.linalg.eigh(whole @ whole.T)[1][:, : -COMPONENTS - 1 : -1]
        components = scores.T @ whole / by_area
        filled = scores @ components
    squares = (known * (values - filled) ** 2).sum(axis=0)
    usual = squares.sum() / known.sum()  # as much evidence as one photograph: some vertices are hardly ever seen
    variance = (squares + usual) / (known.sum(axis=0) + 1)
    people = np.sqrt(np.float32(len(left)))
    return (components / people).reshape(-1, *shape[1:]), variance.reshape(shape[1:])
