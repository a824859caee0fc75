"""The pages that people read, and the blocks of code in them.

A block that cannot run on the packaged files alone says so where readers see it, in its first line: ``# needs torch``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
NEEDS = re.compile(r"^(?:#|<!--) needs (?P<what>.+?)(?: -->)?$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int  # of its first line of code, counted from one
    language: str  # what stands after the backquotes
    text: str

    @property
    def needs(self) -> str | None:
        """What a reader must have to run it; None where the packaged files are enough."""
        found = NEEDS.match(self.text.split("\n", 1)[0])
        return found["what"] if found else None

    @property
    def commands(self) -> list[str]:
        """The command lines of a ``sh`` block, or those after ``$`` in a ``console`` block, each on one line."""
        joined = self.text.replace("\\\n", " ")
        lines = [line.strip() for line in joined.splitlines()]
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if line and not line.startswith("#")]

    @property
    def output(self) -> list[str]:
        """What a ``console`` block says that its commands print."""
        if self.language != "console":
            return []
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and not line.startswith(("$ ", "#"))]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page whose code is run; CHANGELOG.md names what is gone, THIRD_PARTY.md quotes the licences of others."""
    others = {"THIRD_PARTY.md", "CHANGELOG.md"}
    return sorted([*(ROOT / "docs").rglob("*.md"), *(page for page in ROOT.glob("*.md") if page.name not in others)])


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, indent, language = None, "", ""
    for number, line in enumerate(lines, 1):
        if start is None and (found := FENCE.match(line)):
            start, indent, language = number, found["indent"], found["language"]
        elif start is not None and line.strip() == "```":
            text = "\n".join(row.removeprefix(indent) for row in lines[start : number - 1])
            yield Block(page, start + 1, language, text)
            start = None


def text_outside_blocks(page: Path) -> list[tuple[int, str]]:
    """Number and text of every line that is in no block."""
    inside: set[int] = set()
    for block in blocks(page):
        inside |= set(range(block.line - 1, block.line + len(block.text.split("\n")) + 1))
    lines = page.read_text(encoding="utf-8").splitlines()
    return [(number, line) for number, line in enumerate(lines, 1) if number not in inside]
