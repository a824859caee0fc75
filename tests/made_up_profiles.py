"""ICC profiles put together from numbers, by the layout of the ICC's specification, version 2."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import ArrayLike

# Columns are the red, green and blue of the device in XYZ under D50, and rows add up to the white.
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
WHITE = (0.9642, 1.0, 0.8249)  # D50


def rgb_profile(colourants: ArrayLike, gamma: float = 2.2) -> bytes:
    """Of a display with these primaries [3, 3] and a power law for all three."""
    columns = np.asarray(colourants).T
    curves = {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    primaries = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    return _profile(b"RGB ", b"XYZ ", primaries | curves)


def grey_profile(gamma: float) -> bytes:
    """Of grey levels by a power law."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _curve(gamma)})


def inks_profile() -> bytes:
    """Of inks that print darker than Pillow's formula has it: paper is white, any full ink gives a dark grey."""
    ramp = bytes(range(256))
    lab = [255 if not any(inks) else 60 for inks in np.ndindex(2, 2, 2, 2)]  # lightness; a and b are 128, neutral
    grid = b"".join(bytes([lightness, 128, 128]) for lightness in lab)
    identity = b"".join(struct.pack(">i", int(value * 65536)) for value in np.eye(3).ravel())
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + grid + ramp * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table}, device=b"prtr")


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], device: bytes = b"mntr") -> bytes:
    tags = {b"wtpt": _xyz(WHITE)} | tags
    place, directory, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        directory += name + struct.pack(">II", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = place + len(body)
    header = struct.pack(">I4sI", size, bytes(4), 0x02100000) + device + space + connection
    header += bytes(12) + b"acsp" + bytes(28) + _xyz(WHITE)[8:]
    return header.ljust(128, b"\0") + directory + body


def _xyz(values: ArrayLike) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in np.asarray(values).tolist()))


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma))
