"""The sound of a clip, as its file holds it, for another file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unveil.video.clip import KIND, container_of

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

CODECS = ("aac", "mp3", "opus", "ac3", "eac3", "alac", "flac")  # that players expect in MP4 files
TRIED = 4  # packets that are copied to see whether it can be done


class Sound:
    """The sound of a clip that is open; made by `open_sound`."""

    def __init__(self, stream: AudioStream, packets: Iterator[Packet[AudioStream]], start: float) -> None:
        self._stream, self._packets, self._start = stream, packets, start
        self._next: Packet[AudioStream] | None = next(packets, None)

    def add_stream(self, movie: OutputContainer) -> Any:
        """A stream for this sound in another file."""
        return movie.add_stream_from_template(self._stream)

    def copy(self, movie: OutputContainer, stream: Any, seconds: float) -> None:
        """Copy what is heard until so many seconds after the first frame; what cannot be read ends the sound."""
        from av.error import FFmpegError

        while self._next is not None and self._seconds(self._next) <= seconds:
            packet = self._next
            try:
                if self._seconds(packet) >= 0:
                    _shift(packet, self._start)
                    packet.stream = stream
                    movie.mux(packet)
                self._next = next(self._packets, None)
            except (FFmpegError, ValueError, OverflowError):
                self._next = None

    def _seconds(self, packet: Packet[AudioStream]) -> float:
        return float((packet.pts or 0) * packet.time_base) - self._start


@contextmanager
def open_sound(path: Path, start: float) -> Iterator[Sound | None]:
    """The sound of a clip from that second of its file's own time on; None where it has none that can be copied."""
    import av

    with KIND.opened(path) as file, av.open(file, "r", format=container_of(file), metadata_errors="replace") as source:
        streams = [stream for stream in source.streams.audio if stream.codec_context.name in CODECS]
        sound = None
        with suppress(av.error.FFmpegError):
            if streams and _can_be_copied(source, streams[0]):
                source.seek(0)
                sound = Sound(streams[0], _packets(source, streams[0]), start)
        yield sound


def _packets(source: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    return (packet for packet in source.demux(stream) if packet.size and packet.pts is not None and packet.time_base)


def _can_be_copied(source: InputContainer, stream: AudioStream) -> bool:
    """Whether an MP4 file takes the stream; what the file says about it may be wrong."""
    import av

    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            copy = trial.add_stream_from_template(stream)
            for packet in islice(_packets(source, stream), TRIED):
                packet.stream = copy
                trial.mux(packet)
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _shift(packet: Packet[AudioStream], seconds: float) -> None:
    ticks = round(seconds / packet.time_base)
    packet.pts = (packet.pts or 0) - ticks
    packet.dts = packet.pts  # sound is decoded in the order in which it is heard
