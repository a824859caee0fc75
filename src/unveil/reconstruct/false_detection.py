"""Which of the detector's finds may not be faces.

A network that was trained for it says so itself. For others, what is known once a head was fitted has to do.
Measured on 112 clear and 172 half occluded faces (data sets' faces pasted on scikit-image's pictures) and 102 finds
that were no faces. A score below `SURE` and an uncertainty above `UNCERTAIN` marks none of the clear faces, 18 of
the occluded ones and 100 of those that are none. Where the network does not say how sure it is, the distance between
detector and head has to do: `APART` marks none, 9 and 69 of them. On 120 people of YouTube Faces, one frame each, the
same rule marks 1 of 120 clear faces, and 13 of the 119 that were found with 40 % hidden. The distance does not separate
these from false finds: 7 of the 13 are nearer than 0.15, and so are 9 of 16 finds with such scores that were none.
"""

from __future__ import annotations

import numpy as np

from unveil.faces.reconstruction import Reconstruction
from unveil.photos.detect import SCORE_THRESHOLD
from unveil.photos.detection import Detection, eyes_nose_mouth

SURE = 0.8  # score from which on a find is a face
UNCERTAIN = 2.4  # millimetres, mean of the face
# Probability of a face from which on there is one, and below which there is none. An export sees to it that 99 % of the
# faces held out have the first.
CONVINCED, HOPELESS = 0.5, 0.02
# The same where only a generous search has found it. In 316 pictures without a face, 4 of 23 such finds have 0.5 and
# more, and none has this; of 30 such finds that are faces, 7 have it. All that are below are marked, not lost.
CONVINCED_OF_WEAK = 0.7
APART = 0.2  # mean distance of eyes, nose tip and mouth, in sides of the detector's box


def is_no_face(face: float) -> bool:
    """Whether a find is to be forgotten, by the probability that the network gives it to be a face."""
    return face < HOPELESS


def is_convincing(found: Detection, face: float) -> bool:
    """Whether a find is a face without doubt, by the probability that the network gives it to be one."""
    return face >= (CONVINCED if found.score >= SCORE_THRESHOLD else CONVINCED_OF_WEAK)


def perhaps_no_face(found: Detection, head: Reconstruction, face: float | None = None) -> bool:
    """Whether the detector took something else for a face, given the head that was reconstructed of it.

    ``face`` is the network's probability that it is one; None where the network does not say.
    """
    if face is not None:
        return not is_convincing(found, face)
    if found.score >= SURE:
        return False
    if head.mean_uncertainty_mm is not None:
        return head.mean_uncertainty_mm > UNCERTAIN
    return distance(found, head) > APART


def distance(found: Detection, head: Reconstruction) -> float:
    """Mean distance between the detector's eyes, nose tip and mouth and the head's, in sides of the detector's box."""
    fitted = eyes_nose_mouth(head.landmarks2d)
    return float(np.linalg.norm(fitted - found.keypoints[:4], axis=1).mean()) / found.size
