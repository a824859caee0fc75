"""Small copies of CelebA of made-up photographs, in the layouts in which it is published and in TFDS's."""

import struct
from pathlib import Path

import numpy as np
from made_up_photos import jpeg, photo_and_points

ATTRIBUTES = ("Eyeglasses", "Smiling", "Wearing_Hat")
PARTITION = (0, 0, 0, 1, 1, 2)  # of the photographs in turn
POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")


def names(count: int) -> list[str]:
    return [f"{number + 1:06d}.jpg" for number in range(count)]


def has(number: int) -> list[bool]:
    """Which of ATTRIBUTES the photograph has."""
    return [number == 1, number % 2 == 0, False]


def person(number: int) -> int:
    return 100 + PARTITION[number % 6] * 10 + number // 6


def points(number: int) -> list[int]:
    return [round(float(value)) for value in photo_and_points(number)[1].ravel()]


def write_published(folder: Path, count: int = 6) -> Path:
    """The layout of the official archive: Img, Anno, Eval."""
    for place in ("Img/img_align_celeba", "Anno", "Eval"):
        (folder / place).mkdir(parents=True)
    for number, name in enumerate(names(count)):
        (folder / "Img/img_align_celeba" / name).write_bytes(jpeg(photo_and_points(number)[0]))
    rows = dict(enumerate(names(count)))
    titles = " ".join(f"{point}_{axis}" for point in POINTS for axis in "xy")
    lists = {
        "Eval/list_eval_partition.txt": [f"{name} {PARTITION[k % 6]}" for k, name in rows.items()],
        "Anno/identity_CelebA.txt": [f"{name} {person(k)}" for k, name in rows.items()],
        "Anno/list_attr_celeba.txt": [
            str(count),
            " ".join(ATTRIBUTES) + " ",
            *(f"{name} " + " ".join(f"{1 if yes else -1:2d}" for yes in has(k)) for k, name in rows.items()),
        ],
        "Anno/list_landmarks_align_celeba.txt": [
            str(count),
            titles + " ",
            *(f"{name} " + " ".join(f"{value:4d}" for value in points(k)) for k, name in rows.items()),
        ],
    }
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def message(*fields: tuple[int, bytes]) -> bytes:
    """A protocol buffer of fields that are byte strings or messages."""
    return b"".join(varint(number << 3 | 2) + varint(len(data)) + data for number, data in fields)


def numbers(*values: int, packed: bool = True) -> bytes:
    """A Feature with an Int64List."""
    plain = [varint(value) for value in values]
    items = message((1, b"".join(plain))) if packed else b"".join(b"\x08" + value for value in plain)
    return message((3, items))


def example(features: dict[str, bytes]) -> bytes:
    entries = [(1, message((1, key.encode()), (2, value))) for key, value in features.items()]
    return message((1, message(*entries)))


def celeba_example(number: int) -> bytes:
    """As TFDS writes a photograph of celeb_a 2.1.0."""
    features = {"image": message((1, message((1, jpeg(photo_and_points(number)[0])))))}
    features |= {f"attributes/{name}": numbers(yes) for name, yes in zip(ATTRIBUTES, has(number), strict=True)}
    keys = [f"landmarks/{point}_{axis}" for point in POINTS for axis in "xy"]
    features |= {key: numbers(value, packed=False) for key, value in zip(keys, points(number), strict=True)}
    features["identity/Identity_No"] = numbers(person(number))
    return example(features)


def crc32c(data: bytes) -> int:
    """By a table, unlike the product's."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = int(table[(crc ^ byte) & 0xFF]) ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    def masked(part: bytes) -> bytes:
        crc = crc32c(part)
        return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def write_recorded(folder: Path, count: int = 6) -> Path:
    """The layout of TFDS: two files of training photographs, one of each of the others."""
    folder.mkdir(parents=True)
    shards: dict[str, list[int]] = {"train.tfrecord-00000-of-00002": [], "train.tfrecord-00001-of-00002": []}
    shards |= {"validation.tfrecord-00000-of-00001": [], "test.tfrecord-00000-of-00001": []}
    files = list(shards)
    for number in range(count):
        split = PARTITION[number % 6]
        shards[files[number % 2 if split == 0 else split + 1]].append(number)
    for name, content in shards.items():
        (folder / f"celeb_a-{name}").write_bytes(b"".join(record(celeba_example(number)) for number in content))
    (folder / "dataset_info.json").write_text("{}")
    return folder
