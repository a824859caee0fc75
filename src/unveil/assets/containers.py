"""Files of other programs, inspected without these programs: whether they are whole, and what they hold."""

from __future__ import annotations

import struct
from pathlib import Path

from unveil.storage.file_kind import FileKind
from unveil.storage.text import parse_json

AGAIN = "get it again"
SAFETENSORS = FileKind("whole safetensors file", AGAIN, 2**34)
HDF5 = FileKind("whole HDF5 file", AGAIN, 2**34)
INDEX = FileKind("index of a whole TensorFlow checkpoint", AGAIN, 2**26)
LARGEST_HEADER = 100 * 2**20  # bytes; the limit of safetensors itself
HDF5_START = b"\x89HDF\r\n\x1a\n"
HDF5_FIELDS = {  # by the superblock's version: where the size of an address stands, and the first address
    0: (13, 24),
    1: (13, 28),
    2: (9, 12),
    3: (9, 12),
}
# A checkpoint's index is a table of LevelDB, which ends with this number.
TABLE_END = (0xDB4775248B80FB57).to_bytes(8, "little")


def safetensors_shapes(path: Path, kind: FileKind = SAFETENSORS) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file; UnveilError where it is no such file or cut short."""
    with kind.opened(path) as stream:
        size = path.stat().st_size
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > min(size, LARGEST_HEADER):
            raise ValueError(f"it is cut short or has a header of {length} bytes")
        header = parse_json(stream.read(length).decode())
        header.pop("__metadata__", None)
        shapes = {name: tuple(int(side) for side in tensor["shape"]) for name, tensor in header.items()}
        expected = 8 + length + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if size != expected:
            raise ValueError(f"it has {size} bytes and should have {expected}: it is cut short")
        return shapes


def require_whole_hdf5(path: Path) -> None:
    """Raise UnveilError unless a file is HDF5 and as long as its beginning says (HDF5 file format, superblock)."""
    with HDF5.opened(path, "an HDF5 file") as stream:
        start = stream.read(64)
        if not start.startswith(HDF5_START) or len(start) < 64 or start[8] not in HDF5_FIELDS:
            raise ValueError("it does not begin as one")
        width_at, first = HDF5_FIELDS[start[8]]
        width = start[width_at]
        end_at = first + 2 * width  # after the base and the address of one more block
        expected, there = int.from_bytes(start[end_at : end_at + width], "little"), path.stat().st_size
        if there < expected:
            raise ValueError(f"it is cut short: {there} of {expected} bytes")


def require_whole_checkpoint(index: Path) -> None:
    """Raise UnveilError unless a file is the index of a TensorFlow checkpoint and its data files lie beside it."""
    with INDEX.opened(index) as stream:
        if not stream.read(INDEX.largest).endswith(TABLE_END):
            raise ValueError("it is cut short or something else")
        parts = sorted(index.parent.glob(f"{index.stem}.data-?????-of-?????"))
        count = int(parts[0].name[-5:]) if parts and parts[0].name[-5:].isdigit() else 1
        if len(parts) != count:
            raise ValueError(f"it has {len(parts)} of its {count} data files ({index.stem}.data-...) beside it")
