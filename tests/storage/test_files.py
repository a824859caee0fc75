"""Files that are whole or not there, and that are nobody else's."""

import json
import secrets
from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.storage.files import atomic_path, json_text, write_text


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "new" / "a.txt") as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("whole")
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"

    def stop_halfway() -> None:
        with atomic_path(tmp_path / "new" / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_halfway()
    assert [(path.name, path.read_text()) for path in (tmp_path / "new").iterdir()] == [("a.txt", "whole")]


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_that_was_laid_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dangling: bool) -> None:
    """Even if somebody guessed the random name."""
    precious = tmp_path / "precious"
    if not dangling:
        precious.write_text("precious")
    monkeypatch.setattr(secrets, "token_hex", lambda count: "guessed")
    (tmp_path / ".unveil-guessed.txt").symlink_to(precious)
    with pytest.raises(UnveilError, match="cannot write"), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("evil")
    assert precious.exists() != dangling
    assert dangling or precious.read_text() == "precious"


def test_a_link_in_the_place_of_the_result_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "a.txt").symlink_to(tmp_path / "precious")
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert not (tmp_path / "a.txt").is_symlink()


def test_new_files_have_the_rights_that_the_user_gives(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    (tmp_path / "b.txt").write_text("plain")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_text_with_a_name_that_is_no_utf_8_is_written_as_it_is_shown(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "é\udcff\r\n\ud800")
    assert (tmp_path / "a.csv").read_bytes() == "é\\xff\r\n\\ud800".encode()


def test_json_holds_what_everybody_reads() -> None:
    value = {"caf\udce9": ["\udcff.jpg", ("\ud83d", 1.5, None, True)], "\U0001f642\n\\": {}}
    text = json_text(value)
    assert text.isascii()
    expected = {"caf\\xe9": ["\\xff.jpg", ["\\ud83d", 1.5, None, True]], "\U0001f642\n\\": {}}
    assert json.loads(text) == expected
    assert json.loads(json_text(expected, indent=None)) == expected
    assert "\n" not in json_text(value, indent=None)
    with pytest.raises(ValueError, match="JSON"):
        json_text([float("nan")])
