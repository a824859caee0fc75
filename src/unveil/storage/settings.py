"""A folder of predictions belongs to one model and one set of settings, which lie beside the predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.storage.files import atomic_path, printable

RECORD = "predictions.json"


def claim(folder: Path, settings: dict[str, Any]) -> None:
    """Note the settings in the folder; UnveilError where it has predictions made with others."""
    path = folder / RECORD
    try:
        earlier = json.loads(path.read_text("utf-8")) if path.exists() else settings
    except (OSError, ValueError):
        earlier = None
    if earlier != settings:
        raise UnveilError(
            f"{printable(folder)} has predictions of another model or of other settings; choose another folder with -o"
        )
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(settings, indent=1), "utf-8")
