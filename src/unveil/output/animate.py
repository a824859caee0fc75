"""Faces of photographs that do what others do: expression transfer, and heads that move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from unveil.drawing.animation import write_animation
from unveil.drawing.render import Skin, over, render_mesh
from unveil.errors import UnveilError
from unveil.faces.formats import MOTION_FORMATS
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import (
    Motion,
    expressing,
    expression_units,
    gestures,
    look_around,
    transfer_expression,
    turntable,
)
from unveil.output.live_link import Take, driven, take_of, write_take
from unveil.output.moving_head import MovingHead
from unveil.photos.io import find_images
from unveil.reconstruct.pipeline import Reconstructor
from unveil.reprs import short_repr
from unveil.storage.files import printable, resolved, write_bytes
from unveil.storage.names import distinct_names, path_of, printable_stem, shortened
from unveil.storage.outputs import Outputs
from unveil.typing import Image, UInt8s
from unveil.video.movie import write_movie

SIZES = {"gif": 360, "mp4": 720}  # pixels per side of what is drawn: a GIF grows with each, a film hardly
RATE = 12.5  # frames per second, where a GIF is among what is written
FINE_RATE = 30.0  # and where none is, for a film that flows
MARGIN = 0.06  # of the picture around the head at its widest
TURN_SECONDS, GESTURE_SECONDS = 3.0, 1.2  # how long it takes to look around, and a single face
EXPRESSION_SECONDS, ROUND_SECONDS = 2.0, 5.0  # how long an expression takes, and a turn all around
Watched: TypeAlias = Callable[[Iterator[Image], int], Iterator[Image]]


def see(reconstructor: Reconstructor, photo: Path) -> Reconstruction:
    """The largest face of a photograph, to be moved.

    Raises:
        UnveilError: there is no face, or the photograph cannot be read.
    """
    faces = reconstructor.reconstruct(photo, max_faces=1)
    if not faces:
        raise UnveilError(
            f"no face found in {printable(photo)}: give a photograph of a face that looks towards the camera"
        )
    return faces[0]


def with_expression(reconstructor: Reconstructor, face: Reconstruction, expression: Reconstruction) -> Reconstruction:
    """The same face in the same photograph with the expression of another."""
    moved = transfer_expression(face.morphable, face.coefficients, expression.coefficients)
    return reconstructor.changed(face, moved)


@dataclass(frozen=True, eq=False)
class Script:
    """The motion a head is given: the first of these that is given, or else what `own_motion` does."""

    rate: float  # keyframes per second
    take: Take | None = None
    expressions: Sequence[str] = ()  # names
    turntable: bool = False
    head_pose: bool = False  # turn the head as who drives it does
    driving: Coefficients | None = None  # [T, M] of somebody else
    copied: Sequence[Path] = ()  # the files that the take, or what somebody else does, comes from
    __repr__ = short_repr

    def __post_init__(self) -> None:
        for name in self.expressions:
            expression_units(name)  # which says at once that there is none of this name

    @property
    def name(self) -> str:
        """What the motion is called in the names of its files, such as "smile_open_mouth" or "as_friend"."""
        if self.copied:
            return "_".join(["as", *(printable_stem(path.absolute()) for path in self.copied)])
        if self.expressions:
            return "_".join(self.expressions).casefold().replace(" ", "_")
        return "turntable" if self.turntable else "motion"

    def motion(self, head: MovingHead) -> Motion:
        """The head doing it.

        Raises:
            UnveilError: the head model cannot, or there is no such expression.
        """
        if self.driving is not None:
            return driven_motion(head, self.driving, self.rate, head_pose=self.head_pose)
        if self.take is not None:
            return driven(head.model, head.coefficients, self.take, self.rate, head_pose=self.head_pose)
        if self.expressions:
            return expressed_motion(head, self.expressions, self.rate)
        return turning_motion(head, self.rate) if self.turntable else own_motion(head, self.rate)


def own_motion(head: MovingHead, rate: float) -> Motion:
    """A head that looks around and then makes some faces, ``rate`` keyframes per second."""
    model, coefficients = head.model.complete(head.coefficients)
    turns = look_around(model, coefficients, frames_of(TURN_SECONDS, rate))
    faces = gestures(model, coefficients, frames_of(GESTURE_SECONDS, rate))
    return Motion(Coefficients(coefficients.layout, np.concatenate([turns.values, faces.values])), rate)


def expressed_motion(head: MovingHead, names: Sequence[str], rate: float) -> Motion:
    """A head that goes from rest to expressions and back, one after the other.

    Raises:
        UnveilError: there is no expression of such a name, or the head model does not have ARKit's units.
    """
    if not head.model.expression_names:
        raise UnveilError(f"{head.model.name} does not have ARKit's units, which expressions are made of: use openhead")
    count = frames_of(EXPRESSION_SECONDS, rate)
    parts = [expressing(head.model, head.coefficients, expression_units(name), count) for name in names]
    return Motion(Coefficients(parts[0].layout, np.concatenate([part.values for part in parts])), rate)


def turning_motion(head: MovingHead, rate: float) -> Motion:
    """A head that turns once around, in the expression that it has."""
    return Motion(turntable(head.model, head.coefficients, frames_of(ROUND_SECONDS, rate)), rate)


def driven_motion(head: MovingHead, driving: Coefficients, rate: float, *, head_pose: bool) -> Motion:
    """A head doing what somebody does, of coefficients [T, M], a keyframe for each; see `Follower.follow`."""
    if driving.layout != head.coefficients.layout:
        driving = head.model.complete(driving)[1]
    return Motion(transfer_expression(head.model, head.coefficients, driving, head_pose=head_pose), rate)


def frames_of(seconds: float, rate: float) -> int:
    """How many keyframes so many seconds have."""
    return max(2, round(seconds * rate))


def driving_photos(
    inputs: Iterable[Path], out: Path, *, recursive: bool = False, note: Callable[[str], None] | None = None
) -> list[Path]:
    """The photographs of files and folders in natural order, but for the folder of results.

    ``recursive`` and ``note`` are those of `find_images`.
    """
    results = resolved(out)
    return [photo for path in inputs for photo in find_images(path, recursive=recursive, without=results, note=note)]


def motion_name(photo: Path, outputs: Outputs, motion: str) -> str:
    """The file name of a photograph's moving head: ``<photo>_<motion>``, or more where another photograph's is."""

    def full(name: str) -> str:
        return shortened(f"{name}_{motion}")

    def is_anothers(photo: Path, name: str) -> bool:
        return any(outputs.is_anothers(f"{full(name)}.{kind}", path_of(photo)) for kind in MOTION_FORMATS)

    return full(distinct_names([photo], is_anothers)[photo])


def write_motion(
    stem: Path,
    head: MovingHead,
    motion: Motion,
    formats: Sequence[str],
    size: int | None = None,
    progress: Watched = lambda pictures, count: pictures,
) -> list[Path]:
    """Write the moving head in formats of `MOTION_FORMATS` and give back the paths.

    ``<stem>.gif`` and ``<stem>.mp4`` are pictures, ``<stem>.glb`` a scene, and ``<stem>.csv``, for heads with ARKit's
    units, a take that moves other heads. ``size`` is that of pictures, in pixels per side, in place of `SIZES`.
    ``progress`` passes pictures on as they are drawn, and is told how many there are.
    """
    take = take_of(head.model, motion)
    rate = motion.frames_per_second

    def pictures(kind: str) -> Iterator[Image]:
        return progress(render_motion(head.model, motion, head.texture, size or SIZES[kind]), len(motion))

    writers: dict[str, Callable[[Path], None]] = {
        "gif": lambda path: write_animation(path, pictures("gif"), rate),
        "mp4": lambda path: write_movie(path, pictures("mp4"), rate),
        "glb": lambda path: write_bytes(path, head.scene(motion)),
    }
    if take is not None:
        writers["csv"] = lambda path: write_take(path, take)
    paths = {kind: stem.with_name(f"{stem.name}.{kind}") for kind in formats if kind in writers}
    for kind, path in paths.items():
        writers[kind](path)
    return list(paths.values())


def render_motion(model: MorphableModel, motion: Motion, texture: UInt8s, size: int) -> Iterator[Image]:
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
