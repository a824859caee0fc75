"""Things put in front of the face in a photograph, the same for every method that is then tried on it."""

from __future__ import annotations

from collections.abc import Sequence

from unveil.errors import UnveilError
from unveil.evaluation.occluded_faces import FaceFinder
from unveil.occluders.base import Occlusion, Pool, sample_generator
from unveil.photos.detection import Detection
from unveil.reconstruct.pipeline import Reconstructor
from unveil.typing import Image


class FaceHider:
    """Hides part of the largest face of photographs.

    The package's own learner says where the face is, whatever method is tried afterwards. What hides it depends on the
    name of the photograph and on the seed, not on the severity: a higher one makes the same thing larger.

    Args:
        pool: what to hide faces with.
        seed: of the lots.
    """

    def __init__(self, pool: Pool, seed: int = 0) -> None:
        self._pool, self._seed = pool, seed
        self._reconstructor = Reconstructor()
        self._finder = FaceFinder()

    def hide(self, image: Image, name: str, severity: float, faces: Sequence[Detection] | None = None) -> Occlusion:
        """The photograph [H, W, 3] with about the share ``severity`` of its face hidden, in (0, 1].

        ``faces`` says where faces are, if that is known; the first is taken.

        Raises:
            UnveilError: there is no face.
        """
        found = self._reconstructor.reconstruct(image, max_faces=1, faces=faces)
        if not found:
            raise UnveilError("no face found that could be hidden; give a photograph of a face")
        face = self._finder.face(image, found[0].landmarks2d)
        return self._pool.apply(image, face, sample_generator(self._seed, name, 0), severity)
