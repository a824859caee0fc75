"""What options mean that several commands have."""

from pathlib import Path

import pytest

from unveil.cli.options import file_in, parse_formats, words
from unveil.errors import UnveilError


def test_out_is_a_folder_or_the_file_itself(tmp_path: Path) -> None:
    assert file_in(tmp_path / "new", "page.md") == tmp_path / "new" / "page.md"
    assert file_in(tmp_path / "my.md", "page.md") == tmp_path / "my.md"
    (tmp_path / "v1.2").mkdir()
    assert file_in(tmp_path / "v1.2", "page.md") == tmp_path / "v1.2" / "page.md"


def test_formats_come_in_our_order() -> None:
    assert parse_formats(None) is None
    assert parse_formats("PLY, glb,") == ("glb", "ply")
    with pytest.raises(UnveilError, match="unknown format 'fbx'"):
        parse_formats("glb,fbx")


def test_words_stand_between_commas() -> None:
    assert words(" a,b ,,c") == ["a", "b", "c"]
