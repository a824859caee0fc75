"""Many photographs as logarithms of what skin looks like, with tone and light taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.skin_space.photographs import Atlas, photographs
from unveil.appearance.fixed_texels import fixed_texels
from unveil.appearance.light import GAMMA, SkinSamples, fit_skin_light
from unveil.errors import UnveilError
from unveil.heads.model import MorphableModel
from unveil.training.crops.prepared import TRAIN, PreparedFolder
from unveil.typing import Float32s, Float64s, Int64s, UInt8s

SIZE = 256  # texels a side
DARKEST = 4  # encoded; less is noise, of which a logarithm makes much
LIGHT_STEP = 4  # every so many texels of the skin tell light
SEEN = 13  # of 255: less is not seen
NOBODY = np.array([150.0, 118.0, 102.0])
LOGARITHMS = np.log(np.maximum(np.arange(256), DARKEST) / 255).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Samples:
    """The texels in the open of many photographs."""

    atlas: Atlas
    rows: Int64s  # [D] of the atlas' texels
    colours: UInt8s  # [P, D, 3]
    weight: UInt8s  # [P, D]
    normals: list[Float32s]  # of [V, 3]
    tellers: Int64s  # [K] places among the rows whose texels tell light
    face: Float32s  # [V] shares of the face's surface

    def __len__(self) -> int:
        return len(self.colours)

    def unlit(self, number: int, mean: Float32s) -> tuple[Float32s, Float64s]:
        """Logarithms [D, 3] of a photograph without its light and tone, and the tone [3], linear.

        ``mean`` [D, 3] is what they are on the whole, as far as known.
        """
        colours, at = self.colours[number], self.tellers
        normals, weight = self.normals[number], self.weight[number, at]
        directions = self.atlas.at(self.rows[at], normals)
        directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
        seen = np.where(weight < SEEN, 0, weight).astype(np.float32)
        shown = SkinSamples(colours[at].astype(np.float32), 255 * np.exp(mean[at]), directions, seen)
        light = fit_skin_light(shown, (normals, self.face), NOBODY)
        gain = self.atlas.at(self.rows, np.log(light.gain(normals)))
        return LOGARITHMS[colours] - gain - (np.log(light.tone) / GAMMA).astype(np.float32), light.tone


def collect(model: MorphableModel, folder: PreparedFolder, count: int, seed: int) -> Samples:
    """What about ``count`` photographs of a folder's training people show; every second in the mirror."""
    atlas, fixed = Atlas.of(model, SIZE), fixed_texels(model, SIZE)
    faces, triangle, barycentric = fixed.faces, fixed.mesh[0], fixed.mesh[1]
    inside = fixed.openness[faces[triangle]].min(axis=1) < 1
    rows = np.flatnonzero(~inside)
    cheeks = np.einsum("nk,nk->n", barycentric, (fixed.skin.cheeks > 0)[faces[triangle]].astype(np.float32))
    tellers = np.flatnonzero(cheeks[rows] > 0.9)[::LIGHT_STEP]
    colours, weight, normals = [], [], []
    for number, photo in enumerate(photographs(folder, chosen(folder, count, seed))):
        if photo.usable:
            shown = atlas.sample(photo, mirrored=number % 2 == 1)
            colours.append(shown[0][rows])
            weight.append(shown[1][rows])
            normals.append(shown[2])
    if not colours:
        raise UnveilError(f"no photograph of {folder.path} shows a face turned to the camera with nothing before it")
    return Samples(atlas, rows, np.stack(colours), np.stack(weight), normals, tellers, fixed.face)


def chosen(folder: PreparedFolder, count: int, seed: int) -> Int64s:
    """Rows of a folder's training photographs: few of each person, where people are known, and of all sources."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(folder.split == TRAIN))
    return rows[[*_few_of_each(folder.person[rows].tolist())]][:count]


def _few_of_each(people: list[str], most: int = 2) -> Iterator[int]:
    """Places of the first few of each person in a list; those of nobody known are all kept."""
    met: dict[str, int] = {}
    for place, person in enumerate(people):
        met[person] = met.get(person, 0) + 1
        if not person or met[person] <= most:
            yield place
