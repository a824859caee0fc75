"""Movement in a glTF file: keyframes for the weights of the morph targets and for the joints that turn."""

from __future__ import annotations

import numpy as np

from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.meshes.gltf_buffer import GltfBuffer, Json
from unveil.typing import Float64s, Floats

HEAD_NODE = 0  # the mesh with its morph weights; node j + 1 is joint j


def animation(buffer: GltfBuffer, model: MorphableModel, motion: Motion) -> Json:
    """The movement of one head, linear between keyframes; a joint that stays at rest gets no channel."""
    times = (np.arange(len(motion)) / motion.frames_per_second).astype(np.float32)
    clock = buffer.times(times)
    tracks = {(HEAD_NODE, "weights"): np.asarray(motion.coefficients["expression"]).reshape(-1, 1)}
    rotations = np.asarray(model.joint_rotations(motion.coefficients), np.float64)  # [T, J, 3]
    for joint in np.flatnonzero(rotations.any(axis=(0, 2))).tolist():
        tracks[joint + 1, "rotation"] = quaternions(rotations[:, joint])
    samplers: list[Json] = []
    channels: list[Json] = []
    for (node, path), values in tracks.items():
        kind = "VEC4" if path == "rotation" else "SCALAR"
        output = buffer.accessor(values.astype(np.float32), kind)
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
        samplers.append({"input": clock, "interpolation": "LINEAR", "output": output})
    return {"name": "motion", "channels": channels, "samplers": samplers}


def quaternions(axis_angles: Floats) -> Float64s:
    """Unit quaternions (x, y, z, w) [..., 4] of axis-angles [..., 3] in radians."""
    values = np.asarray(axis_angles, np.float64)
    half = np.linalg.norm(values, axis=-1, keepdims=True) / 2
    # sin(x) / x by NumPy's sinc, which is defined at zero
    return np.concatenate([values / 2 * np.sinc(half / np.pi), np.cos(half)], axis=-1)
