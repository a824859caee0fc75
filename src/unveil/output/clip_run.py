"""A clip to moving heads: everybody followed from frame to frame, then drawn over the clip, and a head for each.

A clip is gone through twice. The first time people are followed, and what is seen of them is kept in parts, from which
a run that was killed goes on. Then everybody gets one shape and a smooth motion; the second time they are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.output.clip_files import write_person
from unveil.output.clip_target import ClipTarget
from unveil.output.photo_files import Options, source_of
from unveil.photos.detection import Detection
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import json_text, printable, write_text
from unveil.storage.names import path_of
from unveil.storage.outputs import output_errors
from unveil.typing import Image
from unveil.video.cast import Cast, Role
from unveil.video.clip import Clip, open_clip
from unveil.video.draw import draw_track
from unveil.video.follow import follow
from unveil.video.movie import MovieWriter
from unveil.video.parts import ClipParts
from unveil.video.people import People, Person
from unveil.video.returns import rejoin
from unveil.video.sound import open_sound
from unveil.video.track import Track
from unveil.video.tracker import Tracker

RECORD_FORMAT = 1  # raised when the JSON or the files change their meaning
CLIP_FORMATS = ("glb", "npz")  # those that a clip gives


@dataclass(frozen=True)
class ClipOutcome:
    """The outcome for one clip."""

    clip: Path
    status: Literal["done", "skipped", "failed"]
    record: Mapping[str, Any] | None = None  # its JSON, None where it failed
    error: str = ""
    cause: Exception | None = None  # of the failure

    def to_json(self) -> dict[str, Any]:
        """As it stands in the answer of ``unveil reconstruct --json``."""
        record = self.record or {"people": [], "problems": [], "frames": 0}
        shown = {key: record[key] for key in ("frames", "people", "problems")}
        return {"clip": printable(self.clip), "status": self.status, "error": self.error or None, **shown}


class ClipRun:
    """The work on one clip.

    Args:
        target: where to.
        reconstructor: makes the heads.
        options: what they are made with.
        again: begin anew, whatever an earlier run has left or finished.

    Attributes:
        record: what the JSON says, once the work is done.
        skipped: whether an earlier run has done it.
        expected: how many steps `steps` has, as far as the file says.
    """

    def __init__(
        self, target: ClipTarget, reconstructor: Reconstructor, options: Options, *, again: bool = False
    ) -> None:
        self._target, self._reconstructor, self._again = target, reconstructor, again
        formats = tuple(kind for kind in options.formats if kind in CLIP_FORMATS)
        if not formats:
            raise UnveilError(f"{printable(target.clip)} is a clip, which gives no more than {', '.join(CLIP_FORMATS)}")
        self._options = replace(options, formats=formats)
        source = source_of(target.clip)
        self._made_with = {"record_format": RECORD_FORMAT, "source": source, "options": self._options.to_json()}
        self.record = None if again else target.done(self._made_with)
        self.skipped = self.record is not None
        with open_clip(target.clip) as clip:
            self.expected = 0 if self.skipped else clip.expected and 2 * clip.expected

    def steps(self) -> Iterator[None]:
        """Do the work; a step is a frame of one of the two passes.

        Raises:
            UnveilError: the clip cannot be read, or shows nobody.
            OutputError: the output folder cannot be written.
        """
        if self.skipped:
            return
        target = self._target
        with target.parts(self._made_with, again=self._again) as parts:
            cast, people = Cast(self._reconstructor.morphable), Tracker(self._reconstructor)
            with open_clip(target.clip) as clip:
                for frame in follow(clip.frames(), people, ClipParts(parts, self._reconstructor.encoder.layout)):
                    cast.add(frame)
                    yield
            rejoin(cast, people.people, self._reconstructor.morphable)
            if numbers := cast.leading(self._options.max_faces):
                together = target.outputs.part(path_of(target.clip), last=target.record_path.name)
                with together as part, output_errors(target.outputs.folder):
                    yield from self._write(part, clip, cast, people.people, numbers)
        if not numbers:
            raise UnveilError(f"no face found in {printable(target.clip)}: give a clip that shows somebody's face")

    def _write(self, part: Path, clip: Clip, cast: Cast, people: People, numbers: list[int]) -> Iterator[None]:
        tracks = cast.tracks(people, numbers)
        overlay = part / f"{self._target.name}_overlay.mp4"
        stills: dict[int, Image] = {}
        with (
            open_clip(self._target.clip) as again,
            open_sound(self._target.clip, clip.start) as sound,
            MovieWriter(overlay, clip.rate, sound) as movie,
        ):
            for frame in again.frames():
                stills |= {n: frame.image for n in numbers if cast.roles[n].frame == frame.number}
                movie.write(self._drawn(frame.image, frame.seconds, tracks), frame.seconds)
                yield
        files = {}
        for k, number in enumerate(numbers):
            face = self._photographed(stills[number], cast.roles[number], people[number])
            stem = part / f"{self._target.name}_person{k}"
            motion = tracks[number].motion(clip.rate, cast.seconds)
            files[number] = write_person(stem, face, tracks[number], motion, self._options)
        people_json = [
            {"index": k, **_times(tracks[number], cast.roles[number]), "files": files[number]}
            for k, number in enumerate(numbers)
        ]
        self.record = {
            "clip": printable(self._target.clip.absolute()),
            **self._made_with,
            "frames": cast.frames,
            "frames_per_second": round(clip.rate, 3),
            "seconds": round(cast.seconds, 3),
            "problems": [*filter(None, [clip.problem]), *cast.errors],
            "overlay": overlay.name,
            "people": people_json,
        }
        write_text(part / self._target.record_path.name, json_text(self.record))

    def _drawn(self, image: Image, seconds: float, tracks: Mapping[int, Track]) -> Image:
        for track in tracks.values():
            image = draw_track(image, self._reconstructor.morphable, track, seconds)
        return image

    def _photographed(self, image: Image, role: Role, person: Person) -> Reconstruction:
        """The head of a person as their best frame shows it, with the shape that all frames give."""
        where = Detection.of_landmarks(role.best.landmarks, role.best.score)
        (face,) = self._reconstructor.reconstruct(image, faces=[where])
        return self._reconstructor.with_shape(face, *person.shape())


def _times(track: Track, role: Role) -> dict[str, Any]:
    return {
        "frames": len(track.frames),
        "first_seconds": round(float(track.seconds[0]), 3),
        "last_seconds": round(float(track.seconds[-1]), 3),
        "still_frame": role.frame,
    }
