"""Which of the detector's finds may not be faces.

A network with a face score says so itself. For others, the rule is: a low score of the detector together with a large
uncertainty of the fitted head or, where the network gives no uncertainty, with a large distance between the detector's
eyes, nose and mouth and those of the head. How often each marks a find as doubtful, on 112 clear faces, 172 half
occluded ones (faces of data sets, pasted on scikit-image's pictures), and 102 finds that are no faces:

| score below `SURE` and | clear faces | occluded faces | no faces |
|---|---|---|---|
| uncertainty above `UNCERTAIN` | 0 of 112 | 18 of 172 | 100 of 102 |
| distance above `APART` | 0 of 112 | 9 of 172 | 69 of 102 |

On one frame each of 120 people of YouTube Faces, the rule of the first row marks 1 of 120 clear faces, and 13 of the
119 that are found with 40 % hidden. The distance would not tell these 13 from false finds: it is below 0.15 for 7 of
them, and for 9 of 16 false finds with such scores.
"""

from __future__ import annotations

import numpy as np

from unveil.faces.reconstruction import Reconstruction
from unveil.photos.detect import SCORE_THRESHOLD
from unveil.photos.detection import Detection, eyes_nose_mouth

SURE = 0.8  # the detector's score from which a find is a face
UNCERTAIN = 2.4  # millimetres, mean uncertainty of the face
# The network's face score from which a find is a face, and below which it is none. `unveil export` calibrates the
# score so that 99 % of the faces held out reach the first.
CONVINCED, HOPELESS = 0.5, 0.02
# In place of `CONVINCED` for finds that only a generous search makes. In 316 pictures without a face, 4 of 23 such
# finds reach 0.5 and none reaches 0.7; of 30 that are faces, 7 do. The others are marked as doubtful, not dropped.
CONVINCED_OF_WEAK = 0.7
APART = 0.2  # mean distance of eyes, nose tip and mouth, in sides of the detector's box


def is_no_face(face: float) -> bool:
    """Whether to drop a find, by the network's probability that it is a face."""
    return face < HOPELESS


def is_convincing(found: Detection, face: float) -> bool:
    """Whether a find is a face without doubt, by the network's probability that it is one."""
    return face >= (CONVINCED if found.score >= SCORE_THRESHOLD else CONVINCED_OF_WEAK)


def perhaps_no_face(found: Detection, head: Reconstruction, face: float | None = None) -> bool:
    """Whether the detector may have taken something else for a face, given the head that was reconstructed from it.

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
