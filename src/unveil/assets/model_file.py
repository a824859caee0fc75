"""A file of a research model, which users bring themselves: what it is, whose, and where it is found."""

from __future__ import annotations

from dataclasses import dataclass

BFM_LICENCE = "the Basel Face Model's licence, academic use"  # of more than one family's files


@dataclass(frozen=True)
class ModelFile:
    """One file of a research model."""

    family: str  # name of the model family
    name: str
    what: str
    publisher: str
    licence: str
    page: str  # where the user finds it
    registration: bool = False
    required: bool = True
    or_else: tuple[str, ...] = ()  # files of which any one serves instead
    url: str = ""  # where `assets get` downloads it; empty where only the user may or can
    sha256: str = ""  # of the published file, where there is but one and it is known; always with a ``url``
    pattern: str = ""  # of other names; the file is taken that alone has one in its folder
    folders: tuple[str, ...] = ()  # where else its publisher leaves it, relative to the model's folder
    made_by: str = ""  # the command that makes it from the others
    mistaken: tuple[str, ...] = ()  # names of files that users have instead of it
    instead: str = ""  # what those are

    @property
    def how_to_get(self) -> str:
        """One clause that tells the user what to do."""
        if self.made_by:
            return f"run `{self.made_by}`"
        if self.url:
            return "run `unveil assets get`"
        return f"get it from {self.page}" + (" (registration needed)" if self.registration else "")
