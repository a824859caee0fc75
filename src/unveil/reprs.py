"""Dataclasses on one short line, whatever arrays they hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

LONGEST = 40  # letters of a field's text; longer ones are shown by their kind
MOST_ENTRIES = 4  # of a tuple, list or mapping that is shown


def short_repr(thing: Any) -> str:
    """``Name(field=..., ...)`` of a dataclass: arrays by type and shape, long texts and tuples by their kind.

    A class takes it as its ``__repr__``.
    """
    shown = ", ".join(f"{entry.name}={_short(getattr(thing, entry.name))}" for entry in fields(thing) if entry.repr)
    return f"{type(thing).__name__}({shown})"


def _short(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple | list | dict) and len(value) > MOST_ENTRIES:
        return f"<{len(value)} entries>"
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= LONGEST else f"<{type(value).__name__}>"
