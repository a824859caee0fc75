"""A file that is something else is called by its own name."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from unveil.storage.forms import other_form


def zipped() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", bytes(range(256)) * 20)
    return stream.getvalue()


def tarred() -> bytes:
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return stream.getvalue()


def picture(form: str) -> bytes:
    stream = BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, form)
    return stream.getvalue()


def saved(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


WEIGHTS = np.arange(40_000, dtype=np.float32)  # has line feeds among its bytes, as all weights have
FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "an empty file"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 9\n", "`git lfs pull`"),
    "page": (lambda: b"\xef\xbb\xbf\r\n<!doctype html>\n<html>", "a saved web page"),
    "page without a declaration": (lambda: b"<HTML><HEAD>", "a saved web page"),
    "XML": (lambda: b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "it is XML"),
    "XML without a declaration": (lambda: b"<Error>", "it is XML"),
    "SVG": (lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "it is an SVG drawing"),
    "JSON": (lambda: b'{"error": "Invalid username or password."}', "it is JSON"),
    "JSON list": (lambda: b"[\n  1,", "it is JSON"),
    "clip": (lambda: bytes(3) + b" ftypisom" + bytes(20), "it is a clip"),
    "zip": (zipped, "a zip file"),
    "gzip": (lambda: gzip.compress(b"a"), "a gzip file"),
    "bzip2": (lambda: bz2.compress(b"a"), "a bzip2 file"),
    "xz": (lambda: lzma.compress(b"a"), "an xz file"),
    "tar": (tarred, "a tar"),
    "npy": (lambda: saved(WEIGHTS), "an npy file"),
    "pickle": (lambda: pickle.dumps({"a": 1}), "a pickle"),
    "JPEG": (lambda: picture("JPEG"), "a picture"),
    "PNG": (lambda: picture("PNG"), "a picture"),
    "UTF-16": (lambda: "hello".encode("utf-16"), "UTF-16 text"),
    "line ends made Windows'": (lambda: saved(WEIGHTS).replace(b"\n", b"\r\n"), "copied as text"),
    "rewritten": (lambda: WEIGHTS.tobytes().decode("utf-8", "replace").encode(), "rewritten it as text"),
}


@pytest.mark.parametrize("file", FILES)
def test_what_a_file_is(file: str, tmp_path: Path) -> None:
    make, name = FILES[file]
    (tmp_path / "a").write_bytes(make())
    assert name in other_form(tmp_path / "a")


def test_neither_its_own_form_nor_an_unknown_one_is_named(tmp_path: Path) -> None:
    own = {"a zip file": zipped(), "a tar": tarred(), "an npy file": saved(WEIGHTS), "JSON": b"{}"}
    for form, data in own.items():
        (tmp_path / "a").write_bytes(data)
        assert not other_form(tmp_path / "a", form)
    for data in (WEIGHTS.tobytes(), b"v 1 2 3\n", b"a\r\n" * 100, b"00001.jpg 3\n"):
        (tmp_path / "a").write_bytes(data)
        assert not other_form(tmp_path / "a")
    assert not other_form(tmp_path)
    assert not other_form(tmp_path / "absent")
