"""TFRecord files of `tf.train.Example`, read without TensorFlow.

A record is its length (8 bytes), a checksum of these (4), the data, and a checksum of the data (4), little-endian. The
checksums are CRC-32C, "masked". The one of the length is checked, so that a damaged file is noticed before a wrong
length is followed; the one of the data is not: pictures are checked by who decodes them.

An Example is a protocol buffer, Example { Features features = 1 }, Features { map<string, Feature> feature = 1 },
Feature { oneof: BytesList = 1, FloatList = 2, Int64List = 3 }, each list { repeated value = 1 }.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from unveil.assets.protobuf import Value, read_fields, read_varint
from unveil.photos.io import MAX_BYTES
from unveil.storage.file_kind import FileKind

RECORDS = FileKind("whole TFRecord file", "copy it again", 2**44)
MASK_DELTA = 0xA282EAD8


def read_records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each record of a file: where its data begin in the file, and the data.

    Raises:
        UnveilError: the file cannot be read, is cut short or is no TFRecord file.
    """
    with RECORDS.opened(path) as file:
        while head := file.read(12):
            if len(head) < 12:
                raise ValueError("it ends within a record")
            length, checksum = struct.unpack("<QI", head)
            if checksum != _masked_crc(head[:8]) or length > MAX_BYTES:
                raise ValueError("the length of a record is wrong")
            position = file.tell()
            data = file.read(length + 4)
            if len(data) < length + 4:
                raise ValueError("it ends within a record")
            yield position, data[:length]


def read_example(data: bytes) -> dict[str, list[Value]]:
    """The features of an Example: numbers of Int64Lists, and where in ``data`` the values of BytesLists are.

    Floating-point features come as empty lists.

    Raises:
        ValueError: the data are no Example.
    """
    features: dict[str, list[Value]] = {}
    for place in _parts(data, slice(0, len(data)), 1):
        for entry in _parts(data, place, 1):
            pair = dict(read_fields(data, entry))
            key, feature = pair.get(1), pair.get(2)
            if isinstance(key, slice) and isinstance(feature, slice):
                features[data[key].decode()] = list(_values(data, feature))
    return features


def _values(data: bytes, feature: slice) -> Iterator[Value]:
    for number, items in read_fields(data, feature):
        if number == 2 or not isinstance(items, slice):
            continue
        for _, value in read_fields(data, items):
            if number == 1 or not isinstance(value, slice):
                yield _signed(value)
                continue
            position = value.start  # Int64List: numbers one after the other
            while position < value.stop:
                plain, position = read_varint(data, position, value.stop)
                yield _signed(plain)


def _parts(data: bytes, place: slice, wanted: int) -> Iterator[slice]:
    """The parts of a message that are messages themselves, under one field number."""
    for number, value in read_fields(data, place):
        if number == wanted and isinstance(value, slice):
            yield value


def _signed(value: Value) -> Value:
    """A 64-bit number as signed."""
    return value - (1 << 64) if isinstance(value, int) and value >= 1 << 63 else value


def _masked_crc(data: bytes) -> int:
    crc = _crc32c(data)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & 0xFFFFFFFF


def _crc32c(data: bytes) -> int:
    """CRC with Castagnoli's polynomial, bit by bit; meant for a few bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
