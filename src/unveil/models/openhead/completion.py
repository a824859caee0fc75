"""The packaged network that corrects what components expect of hidden skin; made by ``tools/skin_space``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unveil.typing import Float32s

if TYPE_CHECKING:
    from unveil.models.onnx import Session


@dataclass(frozen=True)
class Completion:
    """A `unveil.heads.skin.space.Correction` in an ONNX file, which is opened when it is first asked.

    Input ``face`` float32 [1, K, 10]: what `Correction` says, side by side.
    Output ``colours`` float32 [1, K, 3].
    """

    path: Path

    def __call__(self, seen: Float32s, known: Float32s, expected: Float32s, normals: Float32s) -> Float32s:
        """Corrected colours [K, 3]."""
        from unveil.models.onnx import run_session

        face = np.concatenate([seen, known[:, None], expected, normals], axis=1, dtype=np.float32)[None]
        found = run_session(self._session, {"face": face}, {"colours": (1, *expected.shape)}, self.path)
        return np.asarray(found["colours"][0], np.float32)

    @cached_property
    def _session(self) -> Session:
        from unveil.models.onnx import open_session  # which loads the runtime

        return open_session(self.path)
