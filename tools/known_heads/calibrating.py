"""Calibrate a learner's uncertainty of vertices on heads of known form.

`unveil export` calibrates on labels, which say only what the coefficients can say. Scanned heads have more of their own
than a hundred coefficients. This command takes the heads of validation people, from scans, instead: whatever the
coefficients say, a vertex was so far off. It changes the part of ``vertex_scale`` that is for the shape.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from tools.known_heads.asking import ask, deviations_of
from tools.known_heads.form import Truth
from tools.known_heads.making import KnownHeads
from tools.known_heads.renders import FRAMES
from tools.known_heads.uncertainty import distances
from unveil import load_openhead
from unveil.heads.uncertainty import parts_of_uncertainty
from unveil.models.onnx import CoefficientModel, vertex_scale_text
from unveil.storage.files import write_bytes
from unveil.training.release.calibrate import scale_of_each
from unveil.typing import Float32s


def calibrate(heads: Path, learner: Path) -> None:
    """Write the learner's file anew, its uncertainty calibrated on the heads, clear and occluded."""
    before = CoefficientModel(learner).vertex_scale
    known = KnownHeads.load(heads)
    truth = Truth(load_openhead(), np.repeat(known.heads, FRAMES, axis=0))
    scale = np.broadcast_to(np.asarray(before, np.float32), (2, len(truth.mean))).copy()
    scale[0] = scale_of_shape(str(learner), known, truth)
    write_bytes(learner, with_scale(learner, scale))
    print(
        f"{learner}: calibrated on {len(truth.heads)} photographs, the median of the face is "
        f"{np.median(scale[0][truth.face]):.2f}"
    )


def scale_of_shape(learner: str, known: KnownHeads, truth: Truth) -> Float32s:
    """The factor for the uncertainty by the shape, [V]."""
    true, stated = [], []
    for crops in known.crops.values():
        said = ask(learner, crops)
        predicted = truth.neutral(np.asarray(said.coefficients["shape"]))
        true.append(distances(predicted, truth.heads, truth.face))
        stated.append(parts_of_uncertainty(truth.model, deviations_of(learner, said))[:, 0])
    return scale_of_each(np.concatenate(true), np.concatenate(stated))


def with_scale(learner: Path, scale: Float32s) -> bytes:
    """The content of a learner's file with another ``vertex_scale`` [2, V]."""
    model = onnx.load(learner)
    (entry,) = (entry for entry in model.metadata_props if entry.key == "vertex_scale")
    entry.value = vertex_scale_text(scale)
    return model.SerializeToString()
