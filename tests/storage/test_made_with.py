"""A folder goes on with the settings that it was made with, and with no others."""

from pathlib import Path
from typing import Any

import pytest

from unveil.errors import UnveilError
from unveil.storage.made_with import LONGEST, note_settings, require_same

SETTINGS = {"size": 96, "shares": (90.0, 5.0, 5.0), "limit": None, "name": "anna"}


def note(folder: Path, **changes: Any) -> None:
    note_settings(folder / "note.json", SETTINGS | changes, what="was made with others", advice="name another")


def test_the_same_settings_go_on_and_leave_the_note_alone(tmp_path: Path) -> None:
    note(tmp_path / "new")
    before = (tmp_path / "new" / "note.json").stat().st_mtime_ns
    note(tmp_path / "new")  # JSON knows no tuples; they count as the lists that they become
    assert (tmp_path / "new" / "note.json").stat().st_mtime_ns == before
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["note.json"]


def test_others_are_refused_by_name(tmp_path: Path) -> None:
    note(tmp_path)
    with pytest.raises(UnveilError) as raised:
        note(tmp_path, size=64, name="", limit=3, more=True)
    assert str(raised.value) == (
        f"{tmp_path} was made with others "
        "(size 96, not 64; limit nothing, not 3; name anna, not nothing; more nothing, not True); name another"
    )
    note(tmp_path)


def test_a_setting_that_is_gone_counts_too(tmp_path: Path) -> None:
    note(tmp_path, more=1)
    with pytest.raises(UnveilError, match=r"\(more 1, not nothing\)"):
        note(tmp_path)


@pytest.mark.parametrize("damage", ["3", '{"size": 9', "\xff"])
def test_a_damaged_note_is_one_line(tmp_path: Path, damage: str) -> None:
    (tmp_path / "note.json").write_text(damage, encoding="latin-1")
    with pytest.raises(
        UnveilError, match=r"note\.json is no usable note of an earlier run's settings \(.*\); name another$"
    ):
        note(tmp_path)


def test_long_and_odd_values_stay_on_one_line() -> None:
    with pytest.raises(UnveilError) as raised:
        require_same(Path("here"), {"a": "x" * 500, "b": "two\nlines"}, {}, what="is other", advice="go")
    assert (
        str(raised.value) == f"here is other (a {'x' * (LONGEST - 3)}..., not nothing; b two\\nlines, not nothing); go"
    )
