"""The texels that photographs of a prepared folder show of a head, as the packaged learner sees the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from unveil.appearance.texel_kernels import TexelMesh
from unveil.appearance.view import View, sample_view
from unveil.appearance.visibility import occluded_pixels
from unveil.geometry.camera import to_pixels
from unveil.geometry.uv import TexelMap, texel_map
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder
from unveil.models.registry import load_head, open_encoder
from unveil.photos.crop import Crop
from unveil.training.crops.prepared import PreparedFolder, canonical_crop
from unveil.typing import Bools, Float32s, Float64s, Image, Int64s, UInt8s

BATCH = 16
MOST_TURN = 45.0  # degrees of yaw of the faces that are used
MOST_HIDDEN = 0.05  # of the picture
BLENDED = 2  # pixels from the edge of a photograph within which a crop blends it with what is beyond


@dataclass(frozen=True, eq=False)
class Photographed:
    """A photograph with the head in it."""

    image: Image  # [W, W, 3] the wide crop
    crop: Crop  # from its pixels to those of the network's
    projected: Float64s  # [V, 3] in its pixels
    coefficients: Coefficients  # [M]
    hidden: Bools  # [W, W] what the learner takes for an occluder, and what lies beyond the edge of the photograph
    covered: float  # the share of the first in the picture
    yaw: float  # degrees

    @property
    def usable(self) -> bool:
        """Whether the face is turned to the camera and nothing is in front of it."""
        return abs(self.yaw) <= MOST_TURN and self.covered <= MOST_HIDDEN


def photographs(folder: PreparedFolder, rows: Sequence[int] | Int64s) -> Iterator[Photographed]:
    """The photographs in those rows of a prepared folder."""
    encoder = open_encoder("openhead")
    model = load_head(encoder.layout)
    crop = canonical_crop(folder.crop_size, encoder.input_size, folder.widening)
    for start in range(0, len(rows), BATCH):
        yield from _batch(folder, rows[start : start + BATCH], encoder, model, crop)


def _batch(
    folder: PreparedFolder, rows: Sequence[int] | Int64s, encoder: Encoder, model: MorphableModel, crop: Crop
) -> Iterator[Photographed]:
    found = encoder.predict(np.stack([folder.canonical(int(row), crop.size) for row in rows]))
    assert found.occlusion is not None
    vertices = np.asarray(model.vertices(found.coefficients))
    points = np.asarray(to_pixels(model.project(vertices, found.coefficients), crop.size), np.float64)
    turns = np.asarray(model.rotation(found.coefficients))
    for k, row in enumerate(rows):
        image = folder.crop(int(row))
        projected = np.concatenate([crop.to_image(points[k, :, :2]), points[k, :, 2:] / crop.scale], axis=1)
        covered = occluded_pixels(found.occlusion[k], crop, image.shape)
        yaw = float(np.degrees(np.arctan2(turns[k, 0, 2], turns[k, 2, 2])))
        hidden = covered | beyond(image)
        yield Photographed(image, crop, projected, found.coefficients.row(k), hidden, float(covered.mean()), yaw)


def beyond(image: Image) -> Bools:
    """The pixels [H, W] of a crop [H, W, 3] that lie beyond the photograph it was cut from: black up to its edge."""
    black = np.pad((image == 0).all(axis=2), 1, constant_values=True).astype(np.uint8)
    cv2.floodFill(black, None, (0, 0), 2)
    outside = (black[1:-1, 1:-1] == 2).astype(np.uint8)
    return cv2.dilate(outside, np.ones((2 * BLENDED + 1,) * 2)) > 0


@dataclass(frozen=True, eq=False)
class Atlas:
    """The texels that samples are taken at."""

    model: MorphableModel
    texels: TexelMap
    mesh: TexelMesh

    @classmethod
    def of(cls, model: MorphableModel, size: int) -> Atlas:
        """All texels of a model's head in a texture of ``size`` texels a side."""
        found = texel_map(model.uv, model.uv_faces, size).by_triangle()  # as `fixed_texels` has them
        return cls(model, found, (found.triangle, found.barycentric, np.ascontiguousarray(model.faces, np.int32)))

    def sample(self, photo: Photographed, *, mirrored: bool) -> tuple[UInt8s, UInt8s, Float32s]:
        """What a photograph, or its mirror image, shows.

        Returns:
            The colours [N, 3] of the texels; how well each is seen [N], visible, facing the camera and not covered, of
            255; and the normals [V, 3] of the vertices: x to the right, y up, z to the camera.
        """
        model = self.model
        view = View.of(photo.image, photo.projected, model.faces, self.texels.size, photo.hidden)
        seen = sample_view(view, self.mesh, model.mirror_vertices if mirrored else None)
        normals = view.normals[model.mirror_vertices] * np.float32([-1, 1, 1]) if mirrored else view.normals
        colours, weight = (np.clip(v + 0.5, 0, 255).astype(np.uint8) for v in (seen.colour, 255 * seen.weight))
        return colours, weight, normals

    def at(self, rows: Int64s, values: Float32s) -> Float32s:
        """Values [V, C] of the vertices at some texels [K, C]."""
        triangle, barycentric, faces = self.mesh
        return np.einsum("nk,nkc->nc", barycentric[rows], values[faces[triangle[rows]]])

    def picture(self, rows: Int64s, values: Float32s) -> Float32s:
        """A picture [S, S, C] of values [K, C] of some texels; elsewhere zero, and between islands as inside them."""
        whole = np.zeros((len(self.texels.texels), values.shape[1]), np.float32)
        whole[rows] = values
        size = self.texels.size
        return np.take(whole, self.texels.nearest, axis=0).reshape(size, size, -1)
