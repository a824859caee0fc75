"""The files of one person of a clip: the moving head, its coefficients over time, and a take for other heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.faces.formats import LIT
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.motion import Motion
from unveil.output.live_link import take_of, write_take
from unveil.output.moving_head import of_face
from unveil.output.photo_files import Options
from unveil.storage.files import write_bytes
from unveil.storage.npz import write_npz
from unveil.video.track import Track


def write_person(stem: Path, face: Reconstruction, track: Track, motion: Motion, options: Options) -> dict[str, str]:
    """Write the files of the formats of a person, and a take where the head has ARKit's units: names by kind.

    Args:
        stem: path of the files without their endings.
        face: as one frame shows it.
        track: what was seen in all frames.
        motion: the same as keyframes.
        options: with the formats.
    """
    names = {kind: f"{stem.name}.{kind}" for kind in options.formats}
    if "glb" in names:
        write_bytes(stem.with_name(names["glb"]), of_face(face, lit=options.texture == LIT).scene(motion))
    if "npz" in names:
        write_npz(stem.with_name(names["npz"]), track_arrays(face, track))
    take = take_of(face.wearing, motion)
    if take is not None:
        names["csv"] = f"{stem.name}.csv"
        write_take(stem.with_name(names["csv"]), take)
    return names


def track_arrays(face: Reconstruction, track: Track) -> dict[str, NDArray[Any]]:
    """The arrays in the npz of a person; frames, units and names are those of the npz of a face.

    ``frame`` [T] numbers of the frames in which they were seen, ``seconds`` [T], ``coefficients`` [T, M] with
    ``layout`` and each group as ``coefficients_<group>``, ``crop_matrix`` [2, 3] and ``crop_size`` of the crop that
    they are in, the same for all frames; ``expression_names``, ``model``, ``shape`` [S] and, where the learner says it,
    ``shape_deviations`` [S].
    """
    layout = track.coefficients.layout
    group = face.morphable.shape_group
    arrays: dict[str, Any] = {
        "frame": track.frames,
        "seconds": track.seconds,
        "coefficients": track.coefficients.values,
        "layout": layout.to_json(),
        **{f"coefficients_{name}": values for name, values in layout.split(track.coefficients.values).items()},
        "expression_names": face.expression_names,
        "model": face.model,
        "crop_matrix": track.crop.matrix,
        "crop_size": track.crop.size,
        "shape": face.coefficients[group],
        "shape_deviations": None if face.deviations is None else face.deviations[group],
    }
    return {name: np.asarray(value) for name, value in arrays.items() if value is not None}
