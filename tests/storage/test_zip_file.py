"""Zip files whose headers promise more than anybody needs."""

import struct
import zipfile
from pathlib import Path

import pytest
from child import finished
from extras import needs
from peak_memory import needs_peak_memory, run_command

from unveil.assets.torch_file import LARGEST_STRUCTURE, checkpoint_keys
from unveil.errors import UnveilError
from unveil.storage.zip_file import open_zip, read_member


def test_members_are_read_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(3_000_000))
    with open_zip(path) as archive:
        assert read_member(archive, "a", 3_000_000) == bytes(3_000_000)
        with pytest.raises(zipfile.BadZipFile, match="more than 2999999"):
            read_member(archive, "a", 2_999_999)


def test_a_structure_that_unfolds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/data.pkl", "w") as member:
        for _ in range(LARGEST_STRUCTURE // 2**20 + 1):
            member.write(bytes(2**20))
    with pytest.raises(UnveilError, match=f"more than {LARGEST_STRUCTURE} bytes"):
        checkpoint_keys(path)


@needs_peak_memory
def test_a_directory_is_as_long_as_one_may_be(tmp_path: Path) -> None:
    """Nearly all of the file is a hole; `zipfile` would read two gigabytes of it."""
    size, path = 2**31, tmp_path / "a.tar"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.seek(size)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size - 4, 4, 0))
    code = (
        "from pathlib import Path; from unveil.assets.torch_file import checkpoint_keys;"
        "from unveil.errors import UnveilError\n"
        "try: checkpoint_keys(Path(sys.argv[1]))\n"
        "except UnveilError as error: print(error)\n"
        "assert peak_memory() < 2**29"
    )
    done = finished([*run_command(code), path])
    assert f"asks for {size - 4} bytes" in done.stdout


def test_numbers_that_unfold_are_refused(tmp_path: Path) -> None:
    """A megabyte of a compressed checkpoint would take a gigabyte."""
    torch = needs("torch")
    torch.save({"a": torch.zeros(2**20)}, tmp_path / "whole.tar")
    assert checkpoint_keys(tmp_path / "whole.tar") == ["a"]
    with (
        zipfile.ZipFile(tmp_path / "whole.tar") as whole,
        zipfile.ZipFile(tmp_path / "a.tar", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in whole.namelist():
            archive.writestr(name, whole.read(name))
    with pytest.raises(UnveilError, match="fewer bytes than its numbers"):
        checkpoint_keys(tmp_path / "a.tar")
