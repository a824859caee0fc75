"""What photographs show of the vertices of a face's skin, and how much of that occluders hide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.skin_space.measure import covered, face_of
from tools.skin_space.photographs import photographs
from tools.skin_space.samples import chosen
from tools.skin_space.vary import seen_skin
from unveil.errors import UnveilError
from unveil.evaluation.occluded_faces import conditions
from unveil.heads.model import MorphableModel
from unveil.occluders.head_surface import HeadSurface
from unveil.storage.npz import write_npz
from unveil.training.crops.prepared import PreparedFolder
from unveil.typing import Float32s, Int8s, UInt8s

SEVERITIES = (0.2, 0.4, 0.6)  # of the face that is hidden
EVERY = 3  # photographs from one that an occluder is laid on to the next


@dataclass(frozen=True, eq=False)
class OccludedFaces:
    """Faces at the K vertices of a `SkinVariation`, and parts of faces that may be hidden."""

    colours: UInt8s  # [P, K, 3] encoded RGB
    weight: UInt8s  # [P, K] how far it is seen, of 255
    normals: Int8s  # [P, K, 3] of the surface, of 127: x to the right, y up, z to the camera
    shown: UInt8s  # [O, K] the share of that which some occluder leaves, of 255

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        write_npz(path, vars(self))

    @classmethod
    def read(cls, path: Path) -> OccludedFaces:
        """Those of a file."""
        with np.load(path) as file:
            return cls(*(file[name] for name in ("colours", "weight", "normals", "shown")))


def occluded_faces(
    model: MorphableModel,
    folder: PreparedFolder,
    occluders: Path | None,
    seed: int,
    note: Callable[[str], None] = print,
) -> OccludedFaces:
    """All photographs of training people, few of each, and every third with one occluder too."""
    assert model.skin is not None
    assert model.skin.variation is not None
    vertices = model.skin.variation.vertices
    rng, surface = np.random.default_rng(seed), HeadSurface.of(model)
    laid = [c for c in conditions(occluders, severities=SEVERITIES) if c.occluder is not None]

    colours, weight, normals, shown = list[UInt8s](), list[UInt8s](), list[Int8s](), list[UInt8s]()
    rows = chosen(folder, len(folder.names), seed)
    for number, (photo, row) in enumerate(zip(photographs(folder, rows), rows, strict=True)):
        if not photo.usable:
            continue
        seen, known, facing = seen_skin(photo.image, photo.projected, photo.hidden, model, vertices)
        colours.append(_bytes(seen))
        weight.append(_bytes(255 * known))
        normals.append(np.rint(127 * facing).astype(np.int8))
        if number % EVERY == 0:
            condition, name = laid[rng.integers(len(laid))], str(folder.names[row])
            image, hidden = covered(condition, photo, face_of(photo, surface, model), name, seed)
            _, still, _ = seen_skin(image, photo.projected, hidden, model, vertices)
            shown.append(_bytes(255 * np.minimum(still / np.maximum(known, 1e-3), 1)))
    if not shown:
        raise UnveilError(f"no photograph of {folder.path} shows a face turned to the camera with nothing before it")
    note(f"{len(colours)} photographs, {len(shown)} occluders")
    return OccludedFaces(*(np.stack(values) for values in (colours, weight, normals, shown)))


def _bytes(values: Float32s) -> UInt8s:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)
