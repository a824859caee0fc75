"""A prepared folder: wide crops of faces, cut out once, and what is known about each.

    manifest.json    format, widening, crop_size, count, shards, splits, dropped, settings; written last
    crops-00000.npy  uint8 [n, W, W, 3] RGB, and so on; mapped into memory
    samples.npz      names [N], person [N] ("" where unknown), split [N], shard [N], row [N], matrix [N, 2, 3]

The middle of a wide crop is the canonical crop, which networks see (`photos.crop.Crop`); around it is room to move the
crop in. A row of a shard that no sample names was dropped when the folder was finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.photos.crop import Crop
from unveil.storage.arrays import map_array, read_arrays, whole_numbers
from unveil.storage.file_kind import FileKind
from unveil.storage.files import atomic_path, json_text, printable, write_text
from unveil.storage.npz import write_npz
from unveil.storage.text import read_json
from unveil.typing import Float64s, Image, Images, Int32s, UInt8s

FORMAT = 1  # of the folder; readers refuse any other
WIDENING = 1.25  # side of a wide crop in sides of the canonical crop
SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
BLACK = 12  # grey level up to which a pixel counts as outside the photograph; JPEG's ringing is darker

MANIFEST, SAMPLES = "manifest.json", "samples.npz"
MANIFEST_FILE = FileKind("usable manifest", "prepare the folder again", 2**26)
SAMPLES_FILE = FileKind("usable list of samples", "prepare the folder again", 2**34)
SHARD_FILE = FileKind("whole shard of crops", "copy it again, or prepare the folder again", 2**40)


@dataclass(frozen=True, eq=False)
class Samples:
    """The record of each wide crop."""

    names: NDArray[np.str_]  # [N] unique
    person: NDArray[np.str_]  # [N] "" where unknown
    split: NDArray[np.int8]  # [N] TRAIN, VALIDATION or TEST; no person is in two
    shard: Int32s  # [N]
    row: Int32s  # [N] in the shard
    matrix: Float64s  # [N, 2, 3] pixels of the photograph to pixels of the wide crop

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class PreparedFolder(Samples):
    """The samples of a finished folder and their crops; get one from `open`."""

    path: Path
    widening: float
    crop_size: int  # W
    shards: tuple[Images, ...]  # each [n, W, W, 3], on disk

    @classmethod
    def open(cls, path: str | Path) -> PreparedFolder:
        """Open a prepared folder.

        Raises:
            UnveilError: the folder is not finished, of another format, or a file is missing, damaged or cut short.
        """
        path = Path(path)
        manifest = read_manifest(path)
        samples = _read_samples(path / SAMPLES)
        shards = tuple(_open_shard(path / s["file"], s["count"], manifest["crop_size"]) for s in manifest["shards"])
        about = {"path": path, "widening": manifest["widening"], "crop_size": manifest["crop_size"], "shards": shards}
        folder = cls(**vars(samples), **about)
        folder._check(manifest["count"])
        return folder

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the folder for itself instead of being sent the crops."""
        return PreparedFolder.open, (self.path,)

    def crop(self, index: int) -> Image:
        """The wide crop [W, W, 3] of a sample."""
        return np.array(self.shards[self.shard[index]][self.row[index]])

    def canonical(self, index: int, size: int) -> Image:
        """The canonical crop [size, size, 3] of a sample, what a network sees."""
        return canonical_crop(self.crop_size, size, self.widening).warp(self.crop(index))

    @property
    def fingerprint(self) -> str:
        """A short hash of what the folder holds: the same names and framings give the same one."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        digest.update(self.matrix.astype("<f8").tobytes())
        return digest.hexdigest()[:16]

    def _check(self, count: int) -> None:
        where = printable(self.path / SAMPLES)
        again = "prepare the folder again"
        if len(self) != count:
            raise UnveilError(f"{where} has {len(self)} samples, but the manifest {count}; {again}")
        if len(np.unique(self.names)) != count:
            raise UnveilError(f"{where} has names that occur twice; {again}")
        rows = np.array([len(shard) for shard in self.shards], np.int64)
        known = (self.shard >= 0) & (self.shard < len(rows))
        if not known.all() or (self.row < 0).any() or (self.row >= rows[self.shard]).any():
            raise UnveilError(f"{where} names crops that no shard has; {again}")
        if not np.isin(self.split, (TRAIN, VALIDATION, TEST)).all() or not np.isfinite(self.matrix).all():
            raise UnveilError(f"{where} holds values that cannot be; {again}")
        pairs = {(person, split) for person, split in zip(self.person, self.split, strict=True) if person}
        if len(pairs) != len({person for person, _ in pairs}):
            raise UnveilError(f"{where} has a person in two splits; {again}")


def canonical_crop(crop_size: int, size: int, widening: float = WIDENING) -> Crop:
    """The crop that takes pixels of a wide crop to those of the canonical crop, its middle."""
    return Crop.from_square((crop_size / 2, crop_size / 2), crop_size / widening, size)


def wide_crop(canonical: Crop, crop_size: int) -> Crop:
    """The wide crop around a canonical one: the same centre, ``WIDENING`` times the side, turned alike."""
    (centre,) = canonical.to_image([[canonical.size / 2, canonical.size / 2]])
    square = Crop.from_square(centre, WIDENING * canonical.size / canonical.scale, crop_size)
    return square.turned(canonical.roll, centre)


def photograph_in(crop: Image) -> tuple[slice, slice]:
    """The rows and columns of a crop [W, W, 3] inside the photograph, possibly none; beyond it all is black."""
    lit = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) > BLACK
    rows, columns = (np.flatnonzero(lit.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def shard_name(number: int) -> str:
    """The file of a shard."""
    return f"crops-{number:05d}.npy"


def write_shard(folder: Path, number: int, crops: Images) -> None:
    """Write crops [n, W, W, 3] as a shard; UnveilError, with nothing half-written, where that is impossible."""
    write_npy(folder / shard_name(number), crops)


def write_npy(path: Path, array: UInt8s) -> None:
    """Write an array as an npy file; UnveilError, with nothing half-written, where that is impossible."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        # Not np.save, which does not say why it could not write.
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(np.ascontiguousarray(array).data)


def finish(
    folder: Path, samples: Samples, counts: Sequence[int], crop_size: int, about: Mapping[str, Any] | None = None
) -> None:
    """Write what makes a folder of shards a prepared folder, the manifest last.

    Args:
        folder: where the shards are.
        samples: what is known of each crop.
        counts: crops in each shard.
        crop_size: W.
        about: more for the manifest, such as ``dropped`` and ``settings``.
    """
    write_npz(folder / SAMPLES, vars(samples))
    manifest = {
        "format": FORMAT,
        "widening": WIDENING,
        "crop_size": crop_size,
        "count": len(samples),
        "shards": [{"file": shard_name(number), "count": count} for number, count in enumerate(counts)],
        "splits": split_counts(samples.split),
        "dropped": {},
        "settings": {},
    }
    write_text(folder / MANIFEST, json_text(manifest | dict(about or {})) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished folder; UnveilError where it is not finished, damaged or of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise UnveilError(f"{printable(folder)} is no finished prepared folder; run `unveil prepare` to the end")
    manifest = read_json(path, MANIFEST_FILE)
    with MANIFEST_FILE.checking(path):
        form = manifest["format"]
        if form == FORMAT:
            if not all(Path(s["file"]).name == s["file"] and int(s["count"]) >= 0 for s in manifest["shards"]):
                raise ValueError("a shard cannot be")
            numbers = {"widening": float, "crop_size": int, "count": int}
            numbered: dict[str, Any] = manifest | {name: kind(manifest[name]) for name, kind in numbers.items()}
            return numbered
    raise UnveilError(f"{printable(path)} has format {form}, not {FORMAT}; prepare the folder with this unveil")


def split_counts(split: NDArray[np.int8]) -> dict[str, int]:
    """How many samples [N] each split has, by name; numbers are places in `SPLITS`."""
    return {name: int((split == number).sum()) for number, name in enumerate(SPLITS)}


def _read_samples(path: Path) -> Samples:
    arrays = read_arrays(path, SAMPLES_FILE)
    with SAMPLES_FILE.checking(path):
        samples = Samples(
            arrays["names"].astype(np.str_),
            arrays["person"].astype(np.str_),
            whole_numbers(arrays["split"], np.int8),
            whole_numbers(arrays["shard"], np.int32),
            whole_numbers(arrays["row"], np.int32),
            arrays["matrix"].astype(np.float64),
        )
    for name, array in vars(samples).items():
        wanted = (len(samples.names), 2, 3) if name == "matrix" else (len(samples.names),)
        if array.shape != wanted:
            raise UnveilError(f"{name} in {printable(path)} is {array.shape}, not {wanted}; prepare the folder again")
    return samples


def _open_shard(path: Path, count: int, crop_size: int) -> Images:
    """The crops [count, W, W, 3] of a shard, mapped into memory."""
    wanted = (count, crop_size, crop_size, 3)
    crops = map_array(path, SHARD_FILE)
    if crops.dtype != np.uint8 or crops.shape != wanted:
        raise UnveilError(f"{printable(path)} does not hold crops uint8 {wanted} as the manifest says; copy it again")
    return crops
