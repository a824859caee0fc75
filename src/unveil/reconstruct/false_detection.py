"""Which finds of the detector are perhaps no faces, by what is known once a head was fitted to them.

Measured on 112 clear and 172 half occluded faces (data sets' faces pasted on scikit-image's pictures) and 102 finds
that were no faces. A score below `SURE` and an uncertainty above `UNCERTAIN` marks none of the clear faces, 18 of
the occluded ones and 100 of those that are none. Where the network does not say how sure it is, the distance between
detector and head has to do: `APART` marks none, 9 and 69 of them. On 120 people of YouTube Faces, one frame each, the
same rule marks 1 of 120 clear faces, and 13 of the 119 that were found with 40 % hidden. The distance does not tell
these from ghosts: 7 of the 13 are nearer than 0.15, and so are 9 of 16 finds with such scores that were none.
"""

from __future__ import annotations

import numpy as np

from unveil.faces.reconstruction import Reconstruction
from unveil.photos.detection import Detection

SURE = 0.8  # score from which on a find is a face
UNCERTAIN = 2.4  # millimetres, mean of the face
APART = 0.2  # mean distance of eyes, nose tip and mouth, in sides of the detector's box


def perhaps_no_face(found: Detection, head: Reconstruction) -> bool:
    """Whether the detector took something else for a face, given the head that was reconstructed of it."""
    if found.score >= SURE:
        return False
    if head.mean_uncertainty_mm is not None:
        return head.mean_uncertainty_mm > UNCERTAIN
    return distance(found, head) > APART


def distance(found: Detection, head: Reconstruction) -> float:
    """Mean distance between the detector's eyes, nose tip and mouth and the head's, in sides of the detector's box."""
    points = head.landmarks2d
    parts = (points[36:42], points[42:48], points[30:31], points[48:68])  # of iBUG-68
    fitted = np.stack([part.mean(axis=0) for part in parts])
    return float(np.linalg.norm(fitted - found.keypoints[:4], axis=1).mean()) / found.size
