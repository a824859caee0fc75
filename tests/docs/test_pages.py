"""How the pages are written: short lines, blocks that say their language, links that lead somewhere."""

import re
from pathlib import Path

import pytest
from documents import ROOT, blocks, pages, text_outside_blocks

LONGEST_LINE = 120
LANGUAGES = {"python", "sh", "console", "text", "json", "yaml"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = [*pages(), ROOT / "CHANGELOG.md"]

every_page = pytest.mark.parametrize("page", NAMED, ids=lambda page: page.relative_to(ROOT).as_posix())


@every_page
def test_lines_are_short(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert not [f"{page.name}:{n}: {len(line)}" for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]


@every_page
def test_every_block_says_its_language(page: Path) -> None:
    assert not [str(block) for block in blocks(page) if block.language not in LANGUAGES]


@every_page
def test_no_block_is_made_by_indenting(page: Path) -> None:
    """Such a block has no language, so nothing would run it."""
    before = ""
    for number, line in text_outside_blocks(page):
        assert not (line.startswith("    ") and not before.strip()), f"{page.name}:{number}: {line}"
        before = line


@every_page
def test_links_between_files_lead_somewhere(page: Path) -> None:
    for number, line in text_outside_blocks(page):
        for link in LINK.findall(line):
            if not re.match(r"\w+:|#", link):
                assert (page.parent / link.partition("#")[0]).exists(), f"{page.name}:{number}: {link}"
