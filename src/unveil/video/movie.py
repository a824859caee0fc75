"""Pictures in sequence to an MP4 file that every player shows: H.264 with 4:2:0 colours."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unveil.errors import UnveilError
from unveil.storage.files import atomic_path
from unveil.typing import Image

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from unveil.video.sound import Sound

ENCODERS = ("libx264", "libopenh264", "h264")  # the first that there is
QUALITY = "20"  # x264's constant rate factor: 18 is said to be without visible loss, 23 is its default
CLOCK = 90_000  # ticks per second, as MP4 files of cameras have


class MovieWriter:
    """Writes pictures to a file as they come; made to be used in a ``with`` block, which closes the file.

    Args:
        path: where to; its folder must exist.
        rate: pictures per second, for those that come without a time.
        sound: is copied along with them.
    """

    def __init__(self, path: Path, rate: float, sound: Sound | None = None) -> None:
        import av

        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        name = next((name for name in ENCODERS if name in av.codec.codecs_available), None)
        if name is None:
            raise UnveilError("the installed av has no H.264 encoder; install PyAV from its wheels: pip install av")
        stream = self._container.add_stream(name, rate=Fraction(rate).limit_denominator(1001))
        self._stream: VideoStream = stream  # type: ignore[assignment]  # as the encoder is one for pictures
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, CLOCK)
        if name == "libx264":
            self._stream.options = {"crf": QUALITY, "preset": "veryfast"}
        self._sound, self._heard = sound, sound and sound.add_stream(self._container)
        self._rate, self._written, self._last = rate, 0, -1

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._written:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def write(self, image: Image, seconds: float | None = None) -> None:
        """Add a picture RGB uint8 [H, W, 3]; all have the size of the first, odd sides lose a row or column."""
        import av

        height, width = (side // 2 * 2 for side in image.shape[:2])
        if not self._written:
            self._stream.width, self._stream.height = width, height
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        ticks = round((self._written / self._rate if seconds is None else seconds) * CLOCK)
        self._last = max(ticks, self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))
        self._written += 1
        if self._sound is not None:
            self._sound.copy(self._container, self._heard, self._last / CLOCK)


def require_writer() -> None:
    """Raise ModuleNotFoundError where PyAV is not installed: at once, and not after the work."""
    import av  # noqa: F401


def write_movie(path: Path, frames: Iterable[Image], rate: float) -> None:
    """Write pictures of one size as an MP4 file, whole or not at all."""
    with atomic_path(path) as temporary, MovieWriter(temporary, rate) as movie:
        for frame in frames:
            movie.write(frame)
