"""Names of methods in the legends of plots."""

from unveil.storage.files import printable

LONGEST = 40  # letters; longer ones leave no room for the curves


def label(name: str) -> str:
    """A name as matplotlib shows it whatever is in it: it takes ``$`` for mathematics and hides a leading ``_``."""
    text = printable(name)
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")
