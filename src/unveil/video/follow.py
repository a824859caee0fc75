"""All frames of a clip through the tracker, from where an earlier run was stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unveil.errors import line_of
from unveil.video.clip import Frame
from unveil.video.parts import ClipParts, FrameFaces
from unveil.video.tracker import Tracker


def follow(frames: Iterable[Frame], tracker: Tracker, parts: ClipParts) -> Iterator[FrameFaces]:
    """The faces of each frame; those that the parts have are not looked for again.

    A frame that cannot be used, for whatever reason, has none.
    """
    done = 0
    for frame in parts.read():
        tracker.remember(frame.faces, frame.seconds)
        done += 1
        yield frame
    yield from parts.keep((in_frame(frame, tracker) for frame in frames if frame.number >= done), done)


def in_frame(frame: Frame, tracker: Tracker) -> FrameFaces:
    """The faces of a frame; none, and why, where it cannot be used."""
    try:
        return FrameFaces(frame.seconds, tracker.track(frame.image, frame.seconds))
    except Exception as error:  # also a fault of ours, which one frame in a million may find
        tracker.remember({}, frame.seconds)
        return FrameFaces(frame.seconds, {}, line_of(error))
