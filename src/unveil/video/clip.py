"""The frames of a video file, read one after the other, whatever state the file is in.

The file may be a stranger's. Only kinds of files are opened that hold their pictures themselves, recognised by their
first bytes and not by their name: FFmpeg also knows lists that name other files and addresses. Only common codecs are
decoded. What is damaged ends nothing that can be read before or after it, and `Clip.problem` says what there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unveil.errors import UnveilError
from unveil.reprs import short_repr
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.typing import Image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")  # by which a file counts as a clip
KIND = FileKind("clip that can be read", "give an MP4, MOV, MKV, WebM or AVI file with common codecs", 16 * 2**30)
# FFmpeg's names of the kinds of files, by bytes at a place near the beginning.
CONTAINERS = ((4, b"ftyp", "mov"), (0, b"\x1a\x45\xdf\xa3", "matroska"), (8, b"AVI ", "avi"))
CODECS = (
    *("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9", "mpeg4", "msmpeg4v3"),
    *("mpeg1video", "mpeg2video", "mjpeg", "prores", "h263", "ffv1", "dvvideo", "rawvideo", "png"),
)
MOST_PIXELS = 4096 * 2304  # of a frame
MOST_FRAMES = 216_000  # two hours at 30 frames per second
MOST_SECONDS = 4 * 3600.0
USUAL_RATE = 30.0  # frames per second where a file does not say
RATES = (1.0, 240.0)  # frames per second that are believed


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip."""

    number: int  # from 0
    seconds: float  # since the first, rising
    image: Image  # [H, W, 3] RGB, upright
    __repr__ = short_repr


class Clip:
    """A clip that is open; made by `open_clip`.

    Attributes:
        path: the file.
        rate: frames per second, the mean where they vary.
        expected: how many frames the file seems to have.
        start: seconds of the file's own time at which its first frame is shown, once that was read.
        problem: what was wrong with it, as far as it was read; empty where nothing was.
    """

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self.path, self._container, self._stream = path, container, stream
        self.rate = _rate(stream.average_rate)
        self.start = 0.0
        self.expected = _expected(container, stream, self.rate)
        self.problem = ""

    def frames(self) -> Iterator[Frame]:
        """The frames in the order in which they are shown; a second call goes on after the first.

        Raises:
            UnveilError: there is not a single frame.
        """
        first, last, number = None, -1.0, 0
        for picture in self._pictures():
            at = picture.time if picture.time is not None else number / self.rate
            if first is None:
                first = self.start = float(at)
            seconds = float(at - first)
            if not last < seconds:  # a file may say anything of times
                seconds = last + 1 / self.rate if number else 0.0
            if number >= MOST_FRAMES or seconds > MOST_SECONDS:
                self.problem = f"it is too long: what comes after {number} frames is left out"
                return
            yield Frame(number, seconds, _upright(picture))
            last, number = seconds, number + 1
        if not number:
            raise KIND.refused(self.path, self.problem or "it has no frames")
        if not self.problem and self._stream.frames > number:
            self.problem = f"it ends after {number} of its {self._stream.frames} frames"

    def _pictures(self) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self.problem = f"it cannot be read to its end ({error.strerror})"
                return
            if packet is None:
                return
            try:
                yield from (self._checked(picture) for picture in packet.decode())
            except FFmpegError as error:  # one damaged picture; those after it may be whole
                self.problem = f"some of its frames are damaged ({error.strerror})"

    def _checked(self, picture: VideoFrame) -> VideoFrame:
        """The picture in the size of the first ones; a stream may change it in the middle."""
        _require_size(self.path, picture.width, picture.height)
        if picture.is_corrupt:
            self.problem = "some of its frames are damaged"
        if (picture.width, picture.height) != (self._stream.width, self._stream.height):
            return picture.reformat(width=self._stream.width, height=self._stream.height)
        return picture


@contextmanager
def open_clip(path: Path) -> Iterator[Clip]:
    """A clip to read from in a block.

    Raises:
        UnveilError: the file is missing or too large, is no clip of a known kind, or has too large frames.
        ModuleNotFoundError: PyAV is not installed.
    """
    import av

    av.logging.set_level(av.logging.PANIC)  # what is wrong with a file is said once, by us
    with KIND.opened(path, "a clip") as file:
        kind = container_of(file)
        limits = {"max_pixels": str(MOST_PIXELS)}
        try:
            opened = av.open(file, "r", format=kind, metadata_errors="replace")
        except av.error.InvalidDataError as error:  # of an MP4 that was cut, its index at the end is gone
            raise ValueError("it is damaged or cut short") from error
        except av.error.FFmpegError as error:  # its own text has numbers and logs
            raise ValueError(error.strerror) from error
        with opened as container:
            if not container.streams.video:
                raise ValueError("it has no pictures")
            stream = container.streams.video[0]
            if stream.codec_context is None or stream.codec_context.codec.name not in CODECS:
                raise ValueError("its pictures are coded in a way that is not read")
            _require_size(path, stream.width, stream.height)
            stream.codec_context.options = limits
            yield Clip(path, container, stream)


def clips_among(paths: Iterable[Path]) -> list[Path]:
    """The clips among paths, by their names, each once.

    Raises:
        ModuleNotFoundError: there are some, and PyAV is not installed.
    """
    clips = [path for path in dict.fromkeys(paths) if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    if clips:
        import av  # noqa: F401  # so that nothing is begun that cannot be ended
    return clips


def container_of(file: BufferedReader) -> str:
    """FFmpeg's name of the kind of a file by its first bytes; ValueError for others."""
    head = file.read(16)
    file.seek(0)
    for at, mark, name in CONTAINERS:
        if head[at : at + len(mark)] == mark:
            return name
    raise ValueError("it begins as none of these files does")


def _require_size(path: Path, width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        most = f"{MOST_PIXELS / 1e6:.1f} million"
        raise UnveilError(f"{printable(path)} has frames of {width} x {height} pixels; give one of at most {most}")


def _rate(stated: Fraction | None) -> float:
    rate = float(stated) if stated else USUAL_RATE
    return rate if RATES[0] <= rate <= RATES[1] else USUAL_RATE


def _expected(container: InputContainer, stream: VideoStream, rate: float) -> int | None:
    if stream.frames > 0:
        return min(stream.frames, MOST_FRAMES)
    return min(round(container.duration / 1e6 * rate), MOST_FRAMES) if container.duration else None


def _upright(picture: VideoFrame) -> Image:
    """Its pixels as people see it: phones write frames that lie on their side, with a note."""
    image = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    quarters = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
