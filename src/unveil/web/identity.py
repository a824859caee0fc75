"""A head's identity, as the page changes it: the mean head and the first shape components, in the order of GLB files.

Numbers have 16 bits, to keep it small. The page adds multiples of components to the vertices of the file, and
stretches what is between these and the mean head; so a head that nobody changes is exactly the file's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from unveil.assets.store import packaged
from unveil.heads.model import MorphableModel
from unveil.meshes.glb_head import part_vertices
from unveil.models.openhead.head import load

COMPONENTS = 10
LARGEST = 32767  # of 16 bits with a sign


def identities(models: Iterable[str]) -> dict[str, Any]:
    """What the page needs of head models, by name; models whose components the package lacks are left out."""
    return {"openhead": _of_openhead()} if "openhead" in models else {}


def identity_content(model: MorphableModel) -> dict[str, Any]:
    """The content that ``viewer/src/content.ts`` calls Identity."""
    head = model.head
    shapes = np.concatenate([head.template[None], head.shape_basis[:COMPONENTS]])  # [1 + N, V, 3]
    joints = np.concatenate([head.joint_template[None], head.joint_shape_basis[:COMPONENTS]])  # [1 + N, J, 3]
    values = np.concatenate([shapes, joints], axis=1)
    steps = np.abs(values).max(axis=(1, 2)) / LARGEST
    whole = np.rint(values / np.maximum(steps, np.finfo(np.float32).tiny)[:, None, None])
    return {
        "parts": {name: _packed(vertices, "<u2") for name, vertices in part_vertices(model).items()},
        "vertices": len(head.template),
        "joints": list(head.joint_names),
        "steps": [float(step) for step in steps],
        "data": _packed(whole, "<i2"),
    }


@lru_cache(maxsize=1)
def _of_openhead() -> dict[str, Any]:
    model = load(packaged("openhead.npz"))
    return identity_content(model.whole or model)


def _packed(numbers: np.ndarray, kind: str) -> str:
    return base64.b64encode(numbers.astype(kind).tobytes()).decode()
