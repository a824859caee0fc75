"""Training of the network that completes hidden skin, and its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tools.skin_space.network import Completion
from tools.skin_space.occluded import OccludedFaces
from tools.skin_space.samples import SIZE
from tools.skin_space.vary import face_weights, mirrored_places
from tools.small_networks import Course, fit
from unveil.appearance.fixed_texels import fixed_texels
from unveil.appearance.person import expected_face
from unveil.heads.model import MorphableModel
from unveil.heads.skin.space import SkinVariation
from unveil.models.onnx_graph import store_in_half_precision, trace, write
from unveil.photos.cielab import BEND, TO_XYZ
from unveil.typing import Float32s

BATCH = 32
COURSE = Course(rate=2e-3, warm=0.03, decay=0.03, averaged=0.999)
EXPOSURE, CAST = 0.08, 0.03  # deviations of the logarithms of gains, of all channels and of each
SEEN_TOO = 0.05  # how much the error of what is seen counts
SOFT = 0.7  # difference in CIE L*a*b* below which errors count as squares


def train(
    model: MorphableModel, faces: OccludedFaces, kept: Path, steps: int, seed: int, note: Callable[[str], None] = print
) -> Completion:
    """The network, its weights averaged over steps; goes on from the file ``kept`` where an earlier run ended."""
    assert model.skin is not None
    assert model.skin.variation is not None
    variation, fixed = model.skin.variation, fixed_texels(model, SIZE)
    draw = _Draw(faces, model, variation)
    texels = torch.from_numpy(fixed.texel_counts[variation.vertices] / fixed.texel_counts[variation.vertices].mean())

    def loss(network: Completion, batch: tuple[Tensor, ...]) -> Tensor:
        true, weight, shown, inputs = batch
        with torch.autocast("cpu", torch.bfloat16):
            found = network(inputs)
        counts = texels * weight * (1 - shown + SEEN_TOO * shown)
        difference = ((_lab(found.float()) - _lab(true)).square().sum(dim=2) + SOFT**2).sqrt()
        return ((difference * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)).mean()

    return fit(
        lambda: Completion(model, variation.vertices), draw, loss, COURSE, kept, steps=steps, seed=seed, note=note
    )


def export(network: Completion, path: Path, metadata: dict[str, str]) -> None:
    """Write the network as ONNX: ``face`` float32 [N, K, 10] in, ``colours`` float32 [N, K, 3] out."""
    example = torch.zeros(2, len(network.other), 10)
    write(store_in_half_precision(trace(network, example, "face", "colours")), path, metadata)


class _Draw:
    """Batches of faces with a part of each hidden, and what components make of them."""

    def __init__(self, faces: OccludedFaces, model: MorphableModel, variation: SkinVariation) -> None:
        self.faces, self.variation = faces, variation
        area = fixed_texels(model, SIZE).face[variation.vertices]
        self.scale = np.sqrt(area / area.max())
        self.other = mirrored_places(model, variation.vertices)
        of_one = np.float32(1 / 255)
        weights = face_weights((of_one * c, of_one * w) for c, w in zip(faces.colours, faces.weight, strict=True))
        self.upto = np.cumsum(weights, dtype=np.float64) / weights.sum(dtype=np.float64)

    def __call__(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """True colours [B, K, 3], how far they are seen [B, K], the share of that which is left [B, K], and inputs."""
        rows = np.minimum(np.searchsorted(self.upto, rng.random(BATCH)), len(self.upto) - 1)
        hiding = rng.integers(len(self.faces.shown), size=BATCH)
        colours, weight, shown = (
            values.astype(np.float32) / np.float32(255)
            for values in (self.faces.colours[rows], self.faces.weight[rows], self.faces.shown[hiding])
        )
        normals = self.faces.normals[rows].astype(np.float32) / np.float32(127)
        for k in np.flatnonzero(rng.random(BATCH) < 0.5):
            colours[k], weight[k] = colours[k, self.other], weight[k, self.other]
            normals[k] = normals[k, self.other] * np.float32([-1, 1, 1])
        for k in np.flatnonzero(rng.random(BATCH) < 0.5):
            shown[k] = shown[k, self.other]
        gain = np.exp(rng.normal(0, EXPOSURE, (BATCH, 1, 1)) + rng.normal(0, CAST, (BATCH, 1, 3)))
        colours = np.clip(colours * gain.astype(np.float32), 0, 1)
        known = weight * shown
        expected = np.stack([self._expected(*face) for face in zip(colours, known, strict=True)])
        inputs = np.concatenate([colours, known[..., None], expected, normals], axis=2)
        return (*(torch.from_numpy(values) for values in (colours, weight, shown, inputs)),)

    def _expected(self, colours: Float32s, known: Float32s) -> Float32s:
        return expected_face(colours, known * self.scale, self.variation)


def _lab(colours: Tensor) -> Tensor:
    """`to_cielab` of encoded sRGB of 1 [..., 3], differentiable."""
    encoded = colours.clamp(1e-4, 1)
    linear = torch.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    xyz = linear @ torch.from_numpy(TO_XYZ).T
    root = torch.where(xyz > BEND**3, xyz.clamp(min=1e-5) ** (1 / 3), xyz / (3 * BEND**2) + 4 / 29)
    x, y, z = root.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)
