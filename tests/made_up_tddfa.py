"""A made-up folder of 3DDFA_V2's files: the published names, structures and number formats, with a small face.

The face is the front of `made_up`'s egg in micrometres. As in the published file, the triangles beside the model are
those of another mesh, and the right ones are in a file of their own, turning the other way than ours do. Nothing in it
comes from 3DDFA_V2 or the Basel Face Model.
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any

import made_up
import numpy as np
from extras import needs

from unveil.typing import Float32s, Int32s

STATISTICS = "param_mean_std_62d_120x120.pkl"


def write_folder(folder: Path, *networks: str) -> Path:
    """Write the face model, the statistics, and ``<network>_120x120.pth`` of the networks, ``mb1`` or ``mb05``."""
    folder.mkdir(parents=True, exist_ok=True)
    data, triangles = face()
    write(folder / "bfm_noneck_v3.pkl", data | {"tri": triangles + len(data["u"])})
    write(folder / "tri.pkl", triangles)
    write(folder / STATISTICS, statistics())
    for network in networks:
        needs("torch").save(checkpoint(network), folder / f"{network}_120x120.pth")
    return folder


def write_slim(folder: Path) -> Path:
    """Write ``bfm_noneck_v3_slim.pkl`` alone, whose triangles are its own."""
    folder.mkdir(parents=True, exist_ok=True)
    data, triangles = face()
    write(folder / "bfm_noneck_v3_slim.pkl", data | {"tri": triangles})
    return folder


def write(path: Path, value: Any, protocol: int = 3) -> None:
    """A pickle, of NumPy 1 by default as the published ones are: its modules had other names."""
    data = pickle.dumps(value, protocol)
    # Names end with a newline up to protocol 3, so that one may be shorter; later ones state their length.
    path.write_bytes(data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") if protocol < 4 else data)


@lru_cache(maxsize=1)
def face() -> tuple[dict[str, Any], Int32s]:
    """What the model's file holds but for its triangles, and the triangles [3, F]; do not write into them."""
    egg = made_up.model()
    template = np.asarray(egg.head.template, np.float64)
    faces = egg.faces[(template[egg.faces][..., 2] > 0.02).all(axis=1)]
    kept = np.unique(faces)
    renumbered = np.zeros(len(template), np.int64)
    renumbered[kept] = np.arange(len(kept))
    vertices = template[kept] * 1e6
    rng = np.random.default_rng(11)
    shape = rng.normal(0, 1, (vertices.size, 40))
    landmarks = egg.landmarks68(template) * 1e6
    nearest = np.linalg.norm(landmarks[:, None] - vertices[None], axis=2).argmin(axis=1)
    return {
        "u": vertices.reshape(-1, 1).astype(np.float32),
        "w_shp": (shape / np.linalg.norm(shape, axis=0)).astype(np.float32),
        "w_exp": rng.normal(0, 800, (vertices.size, 10)).astype(np.float32),
        "keypoints": (nearest[:, None] * 3 + np.arange(3)).ravel(),
    }, renumbered[faces][:, ::-1].T.astype(np.int32)


def statistics() -> dict[str, Float32s]:
    """Means and standard deviations [62] of faces that fill the crop and look about the camera."""
    mean, std = np.zeros(62), np.ones(62)
    mean[:12] = [3e-4, 0, 0, 61, 0, 3e-4, 0, 62, 0, 0, 3e-4, -66]
    std[:12] = [2e-5, 6e-5, 6e-5, 3, 6e-5, 2e-5, 6e-5, 3, 6e-5, 6e-5, 2e-5, 20]
    std[12:52] = 2e4
    return {"mean": mean.astype(np.float32), "std": std.astype(np.float32)}


@lru_cache(maxsize=2)
def checkpoint(network: str) -> dict[str, Any]:
    """What a checkpoint holds: weights as parallel training names them, and an output for landmarks."""
    torch = needs("torch")
    from unveil.models.tddfa.network import BLOCKS, STEM, MobileNet

    stem = {"mb1": STEM, "mb05": STEM // 2}[network]
    torch.manual_seed(len(network))
    module = MobileNet(stem)
    for name, value in module.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif name.endswith("weight") and value.ndim == 4:
            value.normal_(0, (2.0 / value[0].numel()) ** 0.5)
    width = BLOCKS[-1][1] * stem // STEM
    extra = {"fc_lm.weight": torch.zeros(136, width), "fc_lm.bias": torch.zeros(136)}
    return {"epoch": 50, "state_dict": {f"module.{k}": v for k, v in (module.state_dict() | extra).items()}}
