"""Which parts of a head the network did not see.

They are occluded, turned away, behind another part of the head, or beyond the edge of the photograph or the crop.
"""

from __future__ import annotations

import cv2
import numpy as np

from unveil.geometry.visibility import DEPTH_SIZE, behind, behind_another_part
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Floats, Ints

# Probability above which a pixel counts as occluded. It is low, because leaving out a little skin costs less than
# painting a piece of a mask onto a face.
OCCLUDED = 0.3
CASTS = 0.035  # of the crop's side: how far an occluder blurs and shades the face around itself
BESIDE = 0.009  # of the crop's side: how far the learner's line between a head and what is beside it may be off
PARTS_SLACK = 0.008  # of the head's size: how close teeth are behind lips that hide them (2 mm of 25 cm)


def hidden_vertices(
    occlusion: Float32s, crop: Crop, projected: Floats, faces: Ints, shape: tuple[int, ...]
) -> Float32s:
    """Probability [V] that the network did not see a vertex.

    Args:
        occlusion: [K, K] probability that an occluder covers each cell of the crop, row 0 on top.
        crop: what the network saw.
        projected: [V, 3] vertices in image px and a depth in px, smaller is nearer.
        faces: [F, 3] triangles.
        shape: [H, W, ...] of the photograph.
    """
    beyond = (projected[:, :2] < -0.5) | (projected[:, :2] > np.array(shape[1::-1]) - 0.5)
    occluded = _occluded_vertices(occlusion, crop, projected)
    return np.where(behind(projected, faces) | beyond.any(axis=1), 1, occluded).astype(np.float32)


def whole_hidden(hidden: Floats, occlusion: Float32s, crop: Crop, projected: Floats, faces: Ints) -> Float32s:
    """Probability [V + P] that the network did not see a vertex of a whole head.

    Lashes are seen edge-on, so only whether another part hides them counts; of teeth, the lips leave a part open.

    Args:
        hidden: [V] of its first V vertices, as `hidden_vertices` gives it.
        occlusion: [K, K] of the crop.
        crop: what the network saw.
        projected: [V + P, 3] vertices in image px and a depth in px, smaller is nearer.
        faces: [F, 3] triangles of the whole head.
    """
    inside = behind_another_part(projected, faces, DEPTH_SIZE, PARTS_SLACK)[len(hidden) :]
    occluded = _occluded_vertices(occlusion, crop, projected[len(hidden) :])
    return np.concatenate([hidden, np.where(inside, 1, occluded)]).astype(np.float32)


def _occluded_vertices(occlusion: Float32s, crop: Crop, projected: Floats) -> Float32s:
    """Probability [V] that an occluder covers the place of a vertex; 1 outside the crop."""
    x, y = crop.of_cells(len(occlusion)).to_crop(projected[:, :2]).astype(np.float32).T
    occluded = cv2.remap(occlusion, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    last = len(occlusion) - 0.5
    outside = (np.minimum(x, y) < -0.5) | (np.maximum(x, y) > last)
    return np.where(outside, 1, occluded).astype(np.float32)


def occluded_pixels(
    occlusion: Float32s, crop: Crop, shape: tuple[int, ...], *, beyond: bool = True, casts: float = CASTS
) -> Bools:
    """Which pixels [H, W] of a photograph are occluded.

    Args:
        occlusion: [K, K] probability that an occluder covers each cell of the crop.
        crop: of the photograph.
        shape: [H, W, ...] of the photograph.
        beyond: whether what reaches the edge of the crop goes on beyond it.
        casts: how near to an occluder, in sides of the crop, pixels count as occluded too.
    """
    levels = (np.clip(occlusion, 0, 1) * 255).astype(np.uint8)
    enlarged = cv2.resize(levels, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
    reach = 2 * round(casts * crop.size) + 1
    wider = np.asarray(cv2.dilate(enlarged, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))), np.uint8)
    return np.asarray(crop.warp_back(wider, shape, beyond=None if beyond else 0) > OCCLUDED * 255)
