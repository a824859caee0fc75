"""A made-up face model and network of MGCNet's structure: the egg-head in micrometres and a narrow ResNet."""

from functools import lru_cache
from pathlib import Path

import made_up
import numpy as np
import slim_reference
from extras import needs

needs("safetensors")

from unveil.models.mgcnet.convert import face_arrays, network_parameters

WIDTH, OUTPUTS = 4, 257
RAISED = np.array([0, 0.009, 0])  # metres: so the main pose puts its eyes where MGCNet's crops have them


@lru_cache(maxsize=1)
def face_file() -> dict[str, np.ndarray]:
    """Arrays of ``bfm09_trim_exp_uv_presplit.h5`` by their paths; shared, do not write into them."""
    egg, rng = made_up.model(), np.random.default_rng(5)
    vertices = (np.asarray(egg.head.template, np.float64) + RAISED) * 1e6
    count = vertices.size
    landmarks = np.asarray(egg.landmarks68(egg.head.template)) + RAISED
    nearest = np.linalg.norm(landmarks[:, None] * 1e6 - vertices, axis=-1).argmin(axis=1)
    file = {
        "shape/model/mean": vertices.reshape(-1, 1),
        "shape/representer/tri": (egg.faces + 1).astype(np.float64),  # counted from one
        "shape/representer/idx_lm68": nearest[:, None].astype(np.float64),
        "color/model/mean": rng.uniform(60, 200, (count, 1)),
        "expression/model/mean": rng.normal(0, 1e4, (count, 1)),  # which MGCNet does not use
    }
    for group, components, deviation in (("shape", 90, 800.0), ("color", 85, 10.0), ("expression", 64, 600.0)):
        basis = rng.normal(0, 1 / np.sqrt(count), (count, components))  # columns of about unit length
        deviations = deviation * np.sqrt(count) * np.linspace(1, 0.1, components)
        file |= {f"{group}/model/pcaBasis": basis, f"{group}/model/pcaVariance": deviations[:, None]}
    extra = {name.replace("/", "_fore/", 1): array[:0] for name, array in file.items()}
    return {name: array.astype(np.float32) for name, array in (file | extra).items()}


@lru_cache(maxsize=1)
def variables() -> dict[str, np.ndarray]:
    """The network's, under slim's names, with outputs as small as those of a trained network."""
    result = slim_reference.variables(WIDTH, OUTPUTS, batch_norm=False, seed=3)
    size = np.full(OUTPUTS, 0.02, np.float32)
    size[224:227] = 0.001  # angles, in radians
    return result | {name: array * size for name, array in result.items() if "/logits/" in name}


def write_converted(folder: Path) -> Path:
    """What ``unveil assets convert mgcnet`` writes, without TensorFlow and h5py."""
    folder.mkdir(parents=True, exist_ok=True)
    needs("safetensors.numpy").save_file(network_parameters(variables().items()), folder / "mgcnet.safetensors")
    np.savez(folder / "mgcnet_bfm09.npz", **face_arrays(face_file()))
    return folder
