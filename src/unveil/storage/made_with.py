"""The settings that a folder was made with, noted in it, so that to go on with others is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.files import json_text, printable, write_text
from unveil.storage.text import read_json

LARGEST_NOTE = 2**24  # bytes
LONGEST = 80  # letters of a value in a message


def note_settings(note: Path, settings: Mapping[str, Any], *, what: str, advice: str) -> None:
    """Write the settings, as JSON, to the file ``note`` in the folder that is made with them.

    Args:
        note: the file; where an earlier run has written it, it must say the same.
        settings: names and values that JSON can hold.
        what: the message's verb and object for a folder that is made with others, such as "holds predictions".
        advice: what to do then.

    Raises:
        UnveilError: the folder was made with other settings, or cannot be written.
    """
    text = json_text(settings) + "\n"
    if not note.exists():
        write_text(note, text)
        return
    kind = FileKind("usable note of an earlier run's settings", advice, LARGEST_NOTE)
    earlier = read_json(note, kind)
    with kind.checking(note):
        earlier = dict(earlier)
    require_same(note.parent, earlier, json.loads(text), what=what, advice=advice)


def require_same(where: Path, earlier: Mapping[str, Any], now: Mapping[str, Any], *, what: str, advice: str) -> None:
    """Raise an UnveilError that lists what differs between the settings of what is at ``where`` and those of now."""
    different = [
        f"{name} {_shown(earlier.get(name))}, not {_shown(now.get(name))}"
        for name in {**now, **earlier}
        if earlier.get(name) != now.get(name)
    ]
    if different:
        raise UnveilError(f"{printable(where)} {what} ({'; '.join(different)}); {advice}")


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return printable(text) or "nothing"
