"""What is tried: bad files in the place of good ones, bad values of options, bad places for results.

`cases` makes the calls of a command out of the one in `whole_inputs.CALLS` that works: each thing that it reads is
replaced by every kind of bad file, each option gets every bad value. A case is told by its name and the seed.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
import shlex
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from robustness.whole_inputs import CALLS

from unveil import cli

Rng = np.random.Generator
WORD = "\udcff\u202ex\n\x1b[31m"  # not UTF-8, a letter that turns lines about, a line break, a colour

# --- Bad files: name -> function of path, good bytes, and random numbers that leaves something bad at the path.


def _link(target: str) -> Callable[[Path, bytes, Rng], None]:
    return lambda path, data, rng: path.symlink_to(target)


def _content(make: Callable[[bytes, Rng], bytes]) -> Callable[[Path, bytes, Rng], None]:
    def write(path: Path, data: bytes, rng: Rng) -> None:
        path.write_bytes(make(data, rng))

    return write


def _flipped(data: bytes, rng: Rng) -> bytes:
    found = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(min(len(found), 4096), size=8)  # heads of files are where it hurts
    found[places] ^= (1 << rng.integers(8, size=8)).astype(np.uint8)
    return found.tobytes()


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def _tiff(width: int, height: int) -> bytes:
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 10)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def _npy(shape: str, descr: str = "<f8") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _bomb(data: bytes, rng: Rng) -> bytes:
    """Zeros by the gigabyte under the names that an npz has, or a picture of them."""
    names = zipfile.ZipFile(io.BytesIO(data)).namelist() if data[:2] == b"PK" else ["names.npy"]
    return _zip({name: _npy("(2000, 1000, 1000)", "|u1") + bytes(10**7) for name in names})


def _arrays(change: Callable[[Any, Rng], Any]) -> Callable[[bytes, Rng], bytes]:
    """An npy or npz of which one array with numbers is changed; any other file as text of such numbers."""

    def make(data: bytes, rng: Rng) -> bytes:
        stream = io.BytesIO()
        if data[:6] == b"\x93NUMPY" and b"|O" not in data[:128]:
            np.save(stream, change(np.load(io.BytesIO(data)), rng))
        elif data[:2] == b"PK":
            arrays = dict(np.load(io.BytesIO(data)).items())
            numeric = [name for name, array in arrays.items() if array.dtype.kind in "fiub"]
            name = numeric[rng.integers(len(numeric))]
            np.savez(stream, **arrays | {name: change(arrays[name], rng)})
        else:
            return data.replace(b"1", b"nan").replace(b"2", b"-1e30").replace(b"0.", b"inf ")
        return stream.getvalue()

    return make


def _numbers(value: float) -> Callable[[Any, Rng], Any]:
    return lambda array, rng: np.full(array.shape, value, np.result_type(array, np.float32))


BAD_FILES: dict[str, Callable[[Path, bytes, Rng], None]] = {
    "missing": lambda path, data, rng: None,
    "folder": lambda path, data, rng: path.mkdir(),
    "fifo": lambda path, data, rng: os.mkfifo(path),
    "endless": _link("/dev/zero"),
    "nothing": _link("/dev/null"),
    "unreadable": _link("/proc/self/mem"),
    "loop": lambda path, data, rng: path.symlink_to(path.name),
    "empty": _content(lambda data, rng: b""),
    "cut": _content(lambda data, rng: data[: rng.integers(1, max(2, len(data)))]),
    "flipped": _content(_flipped),
    "noise": _content(lambda data, rng: rng.bytes(500)),
    "text": _content(lambda data, rng: b"This is not what you are looking for.\n"),
    "html": _content(lambda data, rng: b"<!DOCTYPE html><html><title>Sign in</title></html>"),
    "pointer": _content(lambda data, rng: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
    "pickle": _content(lambda data, rng: pickle.dumps({"a": np.zeros(3)})),
    "code": _content(lambda data, rng: b"cos\nsystem\n(S'touch pwned'\ntR."),
    "objects": _content(lambda data, rng: _npy("(2,)", "|O")),
    "huge npy": _content(lambda data, rng: _npy("(1000000, 1000000)")),
    "huge shape": _content(lambda data, rng: _npy("(99999999999999999999, 9)")),
    "negative shape": _content(lambda data, rng: _npy("(-1, 68, 2)")),
    "huge png": _content(lambda data, rng: _png(60_000, 60_000)),
    "tall png": _content(lambda data, rng: _png(3, 2_000_000)),
    "huge tiff": _content(lambda data, rng: _tiff(100_000, 100_000)),
    "bomb": _content(_bomb),
    "deep json": _content(lambda data, rng: b"[" * 100_000),
    "odd json": _content(lambda data, rng: b'{"a": NaN, "faces": [{"landmarks2d": [[1]]}], "layout": 3}'),
    "obj": _content(lambda data, rng: b"v 0 0 0\nf 1 2 999999999999999\nf -9 0 1\n"),
    "ply": _content(lambda data, rng: b"ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\n"
                    b"property float x\nproperty float y\nproperty float z\nend_header\n"),
    "nan": _content(_arrays(_numbers(np.nan))),
    "infinite": _content(_arrays(_numbers(np.inf))),
    "large": _content(_arrays(_numbers(1e30))),
    "short": _content(_arrays(lambda array, rng: array[:-1] if array.ndim else array)),
    "one more axis": _content(_arrays(lambda array, rng: array[None])),
    "words": _content(_arrays(lambda array, rng: np.full(array.shape, "x"))),
}  # fmt: skip
PERHAPS_FINE = {"cut", "flipped", "nan", "infinite", "large", "short", "one more axis", "words"}

# Names that a file system allows, and one that it does not.
BAD_NAMES = {"long name": "n" * 250, "name in bytes": "\udcff\udcfe", "impossible name": "n" * 300}

LISTS = {"now.txt", "people.txt"}  # of many things, of which each is a try

# --- Bad values of options.

NUMBERS = ("", "-1", "0", "1e400", "nan", "x", "1\n2", "9" * 30)
TEXTS = ("", ",", "x" * 5000, WORD, "openhaed", "nan")
OUTPUTS = ("", "in the way/out", "loop", "/dev/null/out", "/proc/out", "x" * 300, "in the way", WORD + "/out")


@dataclass(frozen=True)
class Case:
    """A call, and what is to be spoilt before it."""

    name: str
    arguments: tuple[str, ...]
    spoilt: str = ""  # what of the input
    how: str = ""  # one of BAD_FILES or BAD_NAMES
    seed: int = 0
    wrong_for_sure: bool = False
    of_many: bool = False  # whether the rest is done

    @property
    def command(self) -> str:
        """Its words."""
        return self.name.partition(":")[0]

    def prepare(self, whole: Path, folder: Path) -> None:
        """Copy what the call reads to a new folder, and spoil it."""
        folder.mkdir(parents=True)
        (folder / "in the way").touch()
        (folder / "loop").symlink_to("loop")
        words = {word for word in self.arguments if word and "/" not in word and len(word) < 100}
        for name in sorted(words | {self.spoilt} - {""}):
            if (whole / name).is_dir():
                shutil.copytree(whole / name, folder / name)
            elif (whole / name).exists():
                shutil.copy(whole / name, folder / name)
        if self.how in BAD_NAMES:
            if self.how != "impossible name":
                (folder / self.spoilt).rename(folder / _renamed(self.spoilt, self.how))
        elif self.spoilt:
            rng = np.random.default_rng([self.seed, zlib.crc32(self.name.encode())])
            self._spoil(folder / self.spoilt, rng)

    def _spoil(self, path: Path, rng: Rng) -> None:
        if path.is_dir() and self.how not in {"missing", "loop"}:
            files = sorted(file for file in path.rglob("*") if file.is_file())
            path = files[rng.integers(len(files))]
        if path.is_dir():
            data = b""
            shutil.rmtree(path)
        else:
            data = path.read_bytes()
            path.unlink()
        BAD_FILES[self.how](path, data, rng)


def _renamed(thing: str, how: str) -> str:
    """The name instead of a thing's, with the suffix, by which many files are known."""
    return BAD_NAMES[how] + Path(thing).suffix


def commands() -> dict[str, Any]:
    """Every command that has none itself, by its words; renamed ones are the same commands."""
    found = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            if not inner.hidden:
                walk(inner, (*words, name))
        if not hasattr(command, "commands"):
            found[" ".join(words)] = command

    walk(typer.main.get_command(cli.app), ())
    return found


def cases(name: str, whole: Path, seed: int = 0) -> Iterator[Case]:
    """All bad calls of a command."""
    words = tuple(shlex.split(CALLS[name]))
    call = (*name.split(), *words)
    things = list(dict.fromkeys(word for word in words if (whole / word).exists()))
    many = any(parameter.nargs == -1 for parameter in commands()[name].params)
    one_of_many = set(itertools.takewhile(lambda word: not word.startswith("-"), words)) if many else set()
    for thing in things:
        folder = (whole / thing).is_dir() or thing in LISTS
        among_others = folder or (thing in one_of_many and len(one_of_many) > 1)
        for how in BAD_FILES:
            sure = how not in PERHAPS_FINE and not (folder and how != "missing") and name != "assets get"  # it makes it
            yield Case(f"{name}: {how} {thing}", call, thing, how, seed, sure, of_many=among_others)
        for how in BAD_NAMES:
            changed = tuple(_renamed(thing, how) if word == thing else word for word in call)
            sure = how == "impossible name"
            yield Case(
                f"{name}: {how} for {thing}",
                changed,
                thing,
                how,
                seed,
                sure,
                of_many=among_others and not (folder and sure),
            )
    for parameter in commands()[name].params:
        if parameter.opts == ["--assets"] and "--assets" not in call:
            continue  # what is not read is not wrong
        for value in (*_bad_values(parameter), *(things if "-o" in parameter.opts else ())):
            shown = value if len(value) < 20 else f"{value[:5]}..."
            if parameter.param_type_name == "option":
                option = parameter.opts[0]
                yield Case(f"{name}: {option} {shown!r}", (*_without(call, parameter.opts), option, value))
    yield Case(f"{name}: nothing", tuple(name.split()), wrong_for_sure=name not in {"assets list", "demo", "doctor"})
    yield Case(f"{name}: more", (*call, "more"), wrong_for_sure=True, of_many=many)
    yield Case(f"{name}: unknown option", (*call, "--modle", "x"), wrong_for_sure=True)


def _without(call: tuple[str, ...], options: list[str]) -> tuple[str, ...]:
    """The call without these options and their values."""
    gone = {k + more for k, word in enumerate(call) if word in options for more in (0, 1)}
    return tuple(word for k, word in enumerate(call) if k not in gone)


def _bad_values(parameter: Any) -> tuple[str, ...]:
    kind = parameter.type_descriptor.annotation
    if getattr(parameter, "is_flag", False):
        return ()
    if "-o" in parameter.opts:
        return OUTPUTS
    if kind in (int, float):
        return NUMBERS
    return TEXTS
