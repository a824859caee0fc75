"""Messages of protocol buffers, field by field (protobuf.dev, "Encoding"), from files that may be damaged or hostile.

Nothing is copied, and a length is compared with what is left before it is followed.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}

Value = int | slice  # a whole number, or where in the data the bytes are


def read_fields(data: bytes, message: slice) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message in ``data``; numbers of a fixed size, such as floats, come as 0.

    Raises:
        ValueError: it is damaged, or no such message.
    """
    position, stop = message.start, message.stop
    while position < stop:
        key, position = read_varint(data, position, stop)
        kind = key & 7
        value: Value = 0
        if kind == VARINT:
            value, position = read_varint(data, position, stop)
        else:
            if kind == BYTES:
                size, position = read_varint(data, position, stop)
            elif kind in FIXED_SIZES:
                size = FIXED_SIZES[kind]
            else:
                raise ValueError(f"a field of kind {kind}")
            if size > stop - position:
                raise ValueError("a field that runs past its end")
            if kind == BYTES:
                value = slice(position, position + size)
            position += size
        yield key >> 3, value


def read_varint(data: bytes, position: int, stop: int) -> tuple[int, int]:
    """A number of 64 bits, seven to a byte, that begins at a position and ends before ``stop``, and what comes after.

    Raises:
        ValueError: it does not end there, or has more than ten bytes.
    """
    value = 0
    for shift in range(0, 70, 7):
        if position >= stop:
            raise ValueError("it ends within a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), position
    raise ValueError("a number of more than ten bytes")
