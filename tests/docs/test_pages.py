"""How the pages are written: short lines, blocks that say their language, links that lead somewhere."""

import re
from pathlib import Path

import pytest
from documents import ROOT, blocks, pages, text_outside_blocks
from test_architecture import LEAVES, ROOMS

import unveil

LONGEST_LINE = 120
LANGUAGES = {"python", "sh", "console", "text", "json", "yaml"}
SRC = ROOT / "src" / "unveil"
CODE = re.compile(r"`(?:unveil\.)?([A-Za-z_]\w*(?:\.\w+)+)(?:\(.*?\))?`")  # dotted names between backquotes
LINK = re.compile(r"\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"\]\[([^\]]+)\]")  # a link whose target stands elsewhere on the page
NAMED = [*pages(), ROOT / "CHANGELOG.md", ROOT / "THIRD_PARTY.md"]

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


@every_page
def test_every_reference_has_its_target_on_a_line_of_its_own(page: Path) -> None:
    targets = set(re.findall(r"^\[([^\]]+)\]: \S+$", page.read_text(encoding="utf-8"), re.MULTILINE))
    used = {name for _, line in text_outside_blocks(page) for name in REFERENCE.findall(line)}
    assert used <= targets, used - targets


def test_the_readme_adds_extras_to_what_is_installed() -> None:
    """After `make demo`, `pip install '.[web]'` would put a copy in the place of the editable install."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install 'unveil[" in readme
    assert "pip install '.[" not in readme


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_that_is_named_is_there(page: Path) -> None:
    """Such as `photos.crop.Crop`, `heads.model`, or `MorphableModel.moved` of a public class."""
    missing = [
        f"{page.name}:{number}: {name}"
        for number, line in text_outside_blocks(page)
        for name in CODE.findall(line)
        if not exists(name.split("."))
    ]
    assert not missing


def exists(parts: list[str]) -> bool:
    """Whether a dotted name leads to something of ours; names that begin otherwise are not ours to judge."""
    if parts[0] in unveil.__all__:
        return hasattr(getattr(unveil, parts[0]), parts[1]) or parts[1] in fields(getattr(unveil, parts[0]))
    if parts[0] not in {*ROOMS, *LEAVES} or "npz" in parts:
        return True
    path = SRC
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return True
    file = path / f"{parts[0]}.py"
    if not file.is_file():
        return False
    source = file.read_text(encoding="utf-8")
    return all(re.search(rf"^\s*(?:class |def )?{part}\b", source, re.MULTILINE) for part in parts[1:])


def fields(cls: type) -> set[str]:
    return {name for base in cls.__mro__ for name in getattr(base, "__annotations__", {})}


def test_the_rooms_of_the_design_are_those_of_the_architecture() -> None:
    (plan,) = (block for block in blocks(ROOT / "docs" / "design.md") if block.text.startswith("src/unveil/"))
    assert re.findall(r"^  (\w+)/", plan.text, re.MULTILINE) == [room for room in ROOMS if room]
