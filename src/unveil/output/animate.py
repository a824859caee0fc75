"""Faces of photographs that do what others do: expression transfer, and heads that move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from unveil.drawing.animation import write_animation
from unveil.drawing.render import Skin, over, render_mesh
from unveil.errors import UnveilError
from unveil.faces.files import face_glb
from unveil.faces.hair import without_light
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion, gestures, look_around, transfer_expression
from unveil.output.follow import Follower
from unveil.output.live_link import take_of, write_take
from unveil.photos.io import find_images
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable, resolved, write_bytes
from unveil.storage.names import distinct_names, path_of
from unveil.storage.outputs import Outputs
from unveil.typing import Image, UInt8s

SIZE = 360  # pixels per side of an animated picture
RATE = 12.5  # frames per second
SUFFIXES = (".gif", ".glb", ".csv")
MARGIN = 0.06  # of the picture around the head at its widest
TURN_SECONDS, GESTURE_SECONDS = 3.0, 1.2  # how long a turn of the head takes, and a single face


def see(reconstructor: Reconstructor, photo: Path) -> Reconstruction:
    """The largest face of a photograph, to be moved.

    Raises:
        UnveilError: there is no face, or the photograph cannot be read.
    """
    faces = reconstructor.reconstruct(photo, max_faces=1)
    if not faces:
        raise UnveilError(f"no face found in {printable(photo)}: give a photograph of a face that looks to the camera")
    return faces[0]


def with_expression(reconstructor: Reconstructor, face: Reconstruction, expression: Reconstruction) -> Reconstruction:
    """The same face in the same photograph with the expression of another."""
    moved = transfer_expression(face.morphable, face.coefficients, expression.coefficients)
    return reconstructor.changed(face, moved)


def own_motion(face: Reconstruction, rate: float) -> Motion:
    """A head that looks around and then makes some faces, ``rate`` keyframes per second."""
    model, coefficients = face.morphable, face.coefficients
    turns = look_around(model, coefficients, max(2, round(TURN_SECONDS * rate)))
    faces = gestures(model, coefficients, max(2, round(GESTURE_SECONDS * rate)))
    return Motion(Coefficients(coefficients.layout, np.concatenate([turns.values, faces.values])), rate)


def driven_motion(
    follower: Follower, face: Reconstruction, photos: Iterable[Path], rate: float, *, head_pose: bool
) -> Motion:
    """The face of a photograph doing what one person does in others, a keyframe for each; see `Follower.follow`.

    Raises:
        UnveilError: no photograph has a face.
    """
    driving = follower.follow(photos)
    followed = Coefficients(face.coefficients.layout, np.stack([np.asarray(frame.values) for frame in driving]))
    return Motion(transfer_expression(face.morphable, face.coefficients, followed, head_pose=head_pose), rate)


def driving_photos(
    inputs: Iterable[Path], out: Path, *, recursive: bool = False, note: Callable[[str], None] | None = None
) -> list[Path]:
    """The photographs of files and folders in natural order, but for the folder of results.

    ``recursive`` and ``note`` are those of `find_images`.
    """
    results = resolved(out)
    return [photo for path in inputs for photo in find_images(path, recursive=recursive, without=results, note=note)]


def motion_name(photo: Path, outputs: Outputs) -> str:
    """What the moving head of a photograph is called: ``<photo>_motion``, or more where another photograph's is."""

    def is_anothers(photo: Path, name: str) -> bool:
        return any(outputs.is_anothers(f"{name}_motion{suffix}", path_of(photo)) for suffix in SUFFIXES)

    return f"{distinct_names([photo], is_anothers)[photo]}_motion"


def write_motion(stem: Path, face: Reconstruction, motion: Motion) -> list[Path]:
    """Write the moving head and give back the paths.

    ``<stem>.gif`` is a picture, ``<stem>.glb`` a scene, and ``<stem>.csv``, for heads with ARKit's units, a take that
    moves other heads.
    """
    model = face.wearing
    picture, scene, csv = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    write_animation(picture, render_motion(model, motion, face.texture()), motion.frames_per_second)
    write_bytes(scene, moving_glb(face, motion))
    take = take_of(model, motion)
    if take is None:
        return [picture, scene]
    write_take(csv, take)
    return [picture, scene, csv]


def moving_glb(face: Reconstruction, motion: Motion, *, lit: bool = False) -> bytes:
    """The content of a GLB of the moving head, in the albedo or in the light of the photograph."""
    bright, albedo = face.texture(), face.texture(lit=False)
    if lit:
        return face_glb(face, face.wearing, bright, motion)
    return face_glb(face, without_light(face.wearing, bright, albedo), albedo, motion)


def render_motion(model: MorphableModel, motion: Motion, texture: UInt8s, size: int = SIZE) -> Iterator[Image]:
    """Pictures RGB uint8 [size, size, 3] on white of each keyframe, seen along -z, all with the same framing."""
    model, coefficients = model.complete(motion.coefficients)
    frames = [coefficients.row(k) for k in range(len(motion))]
    boxes = [(v.min(axis=0), v.max(axis=0)) for v in (np.asarray(model.vertices(frame)) for frame in frames)]
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    scale = size * (1 - 2 * MARGIN) / float((high - low)[:2].max())
    skin = Skin.of(texture, model)
    white = np.full((size, size, 3), 255, np.uint8)
    for frame in frames:
        centred = np.asarray(model.vertices(frame)) - (low + high) / 2
        points = centred * [scale, -scale, -scale] + [(size - 1) / 2, (size - 1) / 2, 0]
        yield over(render_mesh(points, model.faces, size, size, skin), white)
