"""Which parts of a head the network did not see: occluded, turned away, behind another part, or beyond the edge.

The edge is that of the photograph, and that of the crop.
"""

from __future__ import annotations

import cv2
import numpy as np

from unveil.geometry.visibility import DEPTH_SIZE, behind, behind_another_part
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Floats, Ints

# Probability from which a pixel counts as occluded. To leave out a little skin costs less than to paint a piece of a
# mask onto a face.
OCCLUDED = 0.3
BESIDE = 0.009  # of the crop's side by which the learner's line between a head and what is beside it may be off
PARTS_SLACK = 0.008  # of the head: teeth are this close to lips that hide them (2 mm of 25 cm)
CASTS = 0.035  # of the crop's side: an occluder blurs and shades a face this far around itself


def hidden_vertices(
    occlusion: Float32s, crop: Crop, projected: Floats, faces: Ints, shape: tuple[int, ...]
) -> Float32s:
    """Probability [V] that the network did not see a vertex.

    Args:
        occlusion: [K, K] probability that an occluder covers that cell of the crop, row 0 on top.
        crop: what the network saw.
        projected: [V, 3] vertices in image px and a depth in px, smaller is nearer.
        faces: [F, 3] triangles.
        shape: [H, W, ...] of the photograph.
    """
    beyond = (projected[:, :2] < -0.5) | (projected[:, :2] > np.array(shape[1::-1]) - 0.5)
    occluded = _occluded_vertices(occlusion, crop, projected)
    return np.where(behind(projected, faces) | beyond.any(axis=1), 1, occluded).astype(np.float32)


def whole_hidden(hidden: Floats, occlusion: Float32s, crop: Crop, projected: Floats, faces: Ints) -> Float32s:
    """The same [V + P] of a whole head, of whose first V vertices it is known; the other arguments are its own.

    Lashes are seen edge-on, and of teeth one sees what lips leave open.
    """
    inside = behind_another_part(projected, faces, DEPTH_SIZE, PARTS_SLACK)[len(hidden) :]
    occluded = _occluded_vertices(occlusion, crop, projected[len(hidden) :])
    return np.concatenate([hidden, np.where(inside, 1, occluded)]).astype(np.float32)


def _occluded_vertices(occlusion: Float32s, crop: Crop, projected: Floats) -> Float32s:
    """Probability [V] that something is before a vertex that the network would see; 1 outside the crop."""
    x, y = crop.of_cells(len(occlusion)).to_crop(projected[:, :2]).astype(np.float32).T
    occluded = cv2.remap(occlusion, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    last = len(occlusion) - 0.5
    outside = (np.minimum(x, y) < -0.5) | (np.maximum(x, y) > last)
    return np.where(outside, 1, occluded).astype(np.float32)


def occluded_pixels(
    occlusion: Float32s, crop: Crop, shape: tuple[int, ...], *, beyond: bool = True, casts: float = CASTS
) -> Bools:
    """Which pixels [H, W] of a photograph of that shape are occluded, by the map [K, K] of a crop of it.

    What reaches the edge of the crop is taken to go on ``beyond`` it. Pixels as near to an occluder as ``casts``, of
    the crop's side, are not to be trusted either.
    """
    levels = (np.clip(occlusion, 0, 1) * 255).astype(np.uint8)
    enlarged = cv2.resize(levels, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
    reach = 2 * round(casts * crop.size) + 1
    wider = np.asarray(cv2.dilate(enlarged, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))), np.uint8)
    return np.asarray(crop.warp_back(wider, shape, beyond=None if beyond else 0) > OCCLUDED * 255)
