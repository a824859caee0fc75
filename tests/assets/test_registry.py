"""The table of packaged files agrees with the files."""

import hashlib
import re
from pathlib import Path

import pytest

from unveil.assets import store
from unveil.assets.registry import PACKAGED, PackagedFile
from unveil.errors import UnveilError

ROOT = Path(__file__).parents[2]


def test_every_file_is_in_the_table() -> None:
    present = {path.name for path in store.data_folder().iterdir() if not path.name.startswith(".")}
    assert present == {file.name for file in PACKAGED.values()}


@pytest.mark.parametrize("file", PACKAGED.values(), ids=lambda file: file.name)
def test_hash(file: PackagedFile) -> None:
    assert hashlib.sha256(store.packaged(file.name).read_bytes()).hexdigest() == file.sha256


@pytest.mark.parametrize("file", PACKAGED.values(), ids=lambda file: file.name)
def test_its_licence_is_told_to_users(file: PackagedFile) -> None:
    rows = [line for line in (ROOT / "THIRD_PARTY.md").read_text("utf-8").splitlines() if f"`{file.name}`" in line]
    assert file.licence in rows[0]  # of the table of what is in the package


WEIGHTS = [file for file in PACKAGED.values() if file.name.endswith((".npz", ".onnx"))]


@pytest.mark.parametrize("file", WEIGHTS, ids=lambda file: file.name)
def test_weights_have_a_card(file: PackagedFile) -> None:
    """A card that names the file and its licence, and whose size, where it gives one in bytes, is the file's."""
    stem = file.name.partition(".")[0].removesuffix("_int8")
    card = ROOT / "docs" / ("openhead.md" if stem == "openhead" else f"model-cards/{stem}.md")
    text = card.read_text("utf-8")
    assert f"`{file.name}`" in text or f"# Model card: {file.name}" in text
    assert card.relative_to(ROOT / "docs").as_posix() in (ROOT / "mkdocs.yml").read_text("utf-8")
    assert file.licence.removesuffix("-1.0") in text
    sizes = [int(number) for number in re.findall(r"^\| .*?(\d+) bytes", text, re.MULTILINE)]
    assert not sizes or store.packaged(file.name).stat().st_size in sizes


def test_a_missing_file_is_one_clear_line(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "data_folder", lambda: tmp_path)
    with pytest.raises(UnveilError, match=r"demo\.jpg .*missing.*install") as raised:
        store.packaged("demo.jpg")
    assert "\n" not in str(raised.value)
    with pytest.raises(KeyError):
        store.packaged("no-such-file")
