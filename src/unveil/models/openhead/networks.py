"""The small packaged networks beside the learner, each in an ONNX file, which is opened when it is first asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unveil.heads.surroundings import SEGMENTS, SURROUNDINGS
from unveil.typing import Float32s, Image

if TYPE_CHECKING:
    from unveil.models.onnx import Session


@dataclass(frozen=True)
class _Network:
    path: Path

    def _run(self, name: str, values: Float32s | Image, output: str, shape: tuple[int, ...]) -> Float32s:
        """The output of that name and shape for one input without its first axis."""
        from unveil.models.onnx import run_session

        found = run_session(self._session, {name: values[None]}, {output: (1, *shape)}, self.path)
        return np.asarray(found[output][0], np.float32)

    @cached_property
    def _session(self) -> Session:
        from unveil.models.onnx import open_session  # which loads the runtime

        return open_session(self.path)


class Completion(_Network):
    """A `unveil.heads.skin.space.Correction`, made by ``tools/skin_space``.

    Input ``face`` float32 [1, K, 10]: what `Correction` says, side by side.
    Output ``colours`` float32 [1, K, 3].
    """

    def __call__(self, seen: Float32s, known: Float32s, expected: Float32s, normals: Float32s) -> Float32s:
        """Corrected colours [K, 3]."""
        face = np.concatenate([seen, known[:, None], expected, normals], axis=1, dtype=np.float32)
        return self._run("face", face, "colours", expected.shape)


class PackagedSegmentation(_Network):
    """A `unveil.heads.surroundings.SegmentationNetwork`, converted by ``tools/convert_selfie_multiclass.py``.

    Input ``pictures`` uint8 [1, H, W, 3]. Output ``classes`` float32 [1, 6, H, W].
    """

    def __call__(self, picture: Image) -> Float32s:
        """Probability [6, H, W]."""
        return self._run("pictures", picture, "classes", (len(SEGMENTS), *picture.shape[:2]))


class PackagedSurroundings(_Network):
    """A `unveil.heads.surroundings.SurroundingsNetwork`, made by ``tools/surroundings``.

    Input ``picture`` float32 [1, CHANNELS, SIZE, SIZE]. Output ``probability`` float32 [1, 5, SIZE, SIZE].
    """

    def __call__(self, picture: Float32s) -> Float32s:
        """Probability [5, SIZE, SIZE]."""
        return self._run("picture", picture, "probability", (len(SURROUNDINGS), *picture.shape[1:]))
