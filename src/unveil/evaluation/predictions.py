"""Folders of predictions: what is in them, and that each belongs to one model and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unveil.storage.made_with import note_settings

NOTE = "predictions.json"
CLEAR = "clear"  # stem of the predictions for photographs without an occluder of ours
TRUTH = "truth"  # stem of what predictions are scored against


def note_predictions(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note what a folder's predictions are made with; UnveilError where it has predictions made with something else."""
    note_settings(
        folder / NOTE,
        settings,
        what="has predictions of another model or of other settings",
        advice="choose another folder with -o",
    )
