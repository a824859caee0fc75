"""One person through photographs, frames of a video, or clips: what they do, for another head to do it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from unveil.errors import UnveilError, about
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.photos.crop import Crop
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.video.cast import Cast
from unveil.video.clip import MOST_SECONDS, SUFFIXES, open_clip
from unveil.video.follow import in_frame
from unveil.video.parts import FrameFaces
from unveil.video.people import SeenFace
from unveil.video.returns import rejoin
from unveil.video.track import Track
from unveil.video.tracker import Tracker

NPZ = FileKind("npz of a person of a clip", "give one of `unveil reconstruct clip.mp4`", 2**30)
STEP = 0.08  # seconds that count as between two photographs
Watch: TypeAlias = Callable[[Iterator[Any], int | None], Iterator[Any]]  # shows how far one is, of so many


class Follower:
    """Finds the same person in frame after frame.

    Args:
        reconstructor: has the networks.
        number: of the face to follow in the first frame that has one, the largest first, from 0.
        watch: is given the frames of each source, and passes them on.

    Attributes:
        filled: photographs in which the person was not found, so far.
        failed: what was wrong with photographs that could not be used, so far.
    """

    def __init__(
        self, reconstructor: Reconstructor, number: int = 0, watch: Watch = lambda items, total: items
    ) -> None:
        self._reconstructor, self._number, self._watch = reconstructor, number, watch
        self.filled: list[Path] = []
        self.failed: dict[Path, Exception] = {}

    def follow(self, sources: Sequence[Path], rate: float) -> Coefficients:
        """The person's coefficients [T, M], with the pose in the picture.

        Args:
            sources: photographs, each of which is a frame; clips and npz files of `unveil reconstruct clip.mp4`, which
                last as long as they last. In frames without the person, or that cannot be used, the head stays as it
                was, in those before the first with the person as it is there.
            rate: frames per second.

        Raises:
            UnveilError: no frame has a face, or the first with a face has fewer than asked for.
        """
        parts = []
        for kind, group in groupby(sources, key=_kind):
            if kind == "photograph":
                parts.append(self._photographs(list(group)))
            else:
                tracks = (self._clip(path) if kind == "clip" else read_track(path) for path in group)
                parts += [track.motion(rate, float(track.seconds[-1])).coefficients for track in tracks]
        for part in parts:
            parts[0].layout.require(part.layout)
        return Coefficients(parts[0].layout, np.concatenate([part.values for part in parts]))

    def _clip(self, path: Path) -> Track:
        tracker, cast = Tracker(self._reconstructor), Cast(self._reconstructor.morphable)
        with open_clip(path) as clip:
            for frame in self._watch(clip.frames(), clip.expected):
                cast.add(in_frame(frame, tracker))
        rejoin(cast, tracker.people, self._reconstructor.morphable)
        numbers = sorted(cast.roles)
        if self._number >= len(numbers):
            raise self._no_face(path, len(numbers))
        number = numbers[self._number]
        return cast.tracks(tracker.people, [number])[number]

    def _photographs(self, photos: Sequence[Path]) -> Coefficients:
        """The coefficients [T, M] in each photograph, which are not made smooth: they need not be of a video."""
        tracker, cast = Tracker(self._reconstructor), Cast(self._reconstructor.morphable)
        for k, photo in enumerate(self._watch(iter(photos), len(photos))):
            cast.add(FrameFaces(k * STEP, self._in(tracker, photo, k)))
        if not cast.roles:
            raise self._nobody()
        rejoin(cast, tracker.people, self._reconstructor.morphable)
        recorder = cast.roles[self._number].recorder  # in the first frame with faces, so it was not joined to another
        seen = recorder.frames
        there = set(seen.tolist())
        self.filled += [photo for k, photo in enumerate(photos) if k not in there and photo not in self.failed]
        latest = np.searchsorted(seen, np.arange(len(photos)), "right") - 1
        return Coefficients(recorder.raw.layout, recorder.raw.values[np.maximum(latest, 0)])

    def _in(self, tracker: Tracker, photo: Path, k: int) -> Mapping[int, SeenFace]:
        try:
            faces = tracker.track(read_image(photo), k * STEP)
        except Exception as error:  # one frame is not to end the work on the others
            tracker.remember({}, k * STEP)
            self.failed[photo] = error
            return {}
        if faces and len(tracker.people) <= self._number:
            raise self._no_face(photo, len(tracker.people))
        return faces

    def _no_face(self, path: Path, count: int) -> UnveilError:
        if not count:
            return UnveilError(f"no face found in {printable(path)}: give a clip that shows somebody's face")
        return UnveilError(
            f"there is no face {self._number} in {printable(path)}, only {count}: count from 0, the largest first"
        )

    def _nobody(self) -> UnveilError:
        for photo, error in self.failed.items():
            return UnveilError(f"no photograph can be followed: {about(printable(photo), error)}")
        return UnveilError("no face found in any photograph to follow: give photographs of a face")


def read_track(path: Path) -> Track:
    """The content of the npz of a person of a clip; UnveilError where it is none."""
    arrays = read_arrays(path, NPZ, ("frame", "seconds", "coefficients", "layout", "crop_matrix", "crop_size"))
    with NPZ.checking(path):
        layout = CoefficientLayout.from_json(str(arrays["layout"]))
        seconds = np.asarray(arrays["seconds"], np.float64)
        values = np.asarray(arrays["coefficients"], np.float32)
        if not len(seconds) or values.shape != (len(seconds), layout.size) or not np.isfinite(values).all():
            raise ValueError("its coefficients are not those of a person over time")
        if not (np.diff(seconds, prepend=-1e-9) > 0).all() or not seconds[-1] < MOST_SECONDS:
            raise ValueError("its times do not rise from 0 as those of a clip do")
        crop = Crop(arrays["crop_matrix"], int(arrays["crop_size"]))
        return Track(arrays["frame"], seconds, Coefficients(layout, values), crop)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".csv":  # as `reconstruct` writes one beside the npz
        raise UnveilError(f"{printable(path)} is not followed as pictures are; give a take with --arkit")
    return "clip" if suffix in SUFFIXES else "track" if suffix == ".npz" else "photograph"
