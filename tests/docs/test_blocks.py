"""Every block of code on every page: Python and commands run on the packaged photograph, others are at least read.

The blocks of a page run in their order in one folder, which has the photographs that the pages speak of. A block that
begins with ``# needs ...`` is not run, but its commands are still held against the real command line.
"""

import doctest
import os
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer
from cli_answer import Answer
from documents import ROOT, Block, blocks, pages

from unveil.assets import store
from unveil.cli import app

# Programs of others that the pages call; what they do is not ours to test.
OTHERS = {
    "pip",
    "git",
    "cd",
    "ls",
    "tensorboard",
    "blender",
    "torchrun",
    "export",
    "for",
    "done",
    "cat",
    "curl",
    "docker",
    "npm",
}
PYTHON = re.compile(r"^([\w.-]+/bin/)?python3?$")
FASTER = {"animate": ("--rate", "1")}  # what a command is given besides, so that the tests do not take minutes
SEPARATORS = {"&&", "||", ";", "|", "do"}


def with_blocks(*languages: str) -> list[Path]:
    return [page for page in pages() if any(block.language in languages for block in blocks(page))]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def split(line: str) -> list[list[str]]:
    """The simple commands of a line of shell, each as a list of words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    simple: list[list[str]] = [[]]
    for word in lexer:
        if word in SEPARATORS:
            simple.append([])
        else:
            simple[-1].append(word)
    return [words for words in simple if words]


def simple_commands(block: Block) -> list[list[str]]:
    return [words for line in block.commands for words in split(line)]


# Commands as text


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> typer.core.TyperGroup:
    """The real command line, in which the commands take their arguments and do nothing."""
    root = typer.main.get_command(app)
    groups = [root]
    while groups:
        for command in groups.pop().commands.values():
            if hasattr(command, "commands"):
                groups.append(command)
            else:
                monkeypatch.setattr(command, "callback", lambda **_: None)
    return root


@pytest.mark.parametrize("page", with_blocks("sh", "console"), ids=name)
def test_commands_exist(page: Path, idle: typer.core.TyperGroup) -> None:
    for block in blocks(page):
        if block.language in {"sh", "console"}:
            for words in simple_commands(block):
                check(words, block, idle)


def check(words: list[str], block: Block, idle: typer.core.TyperGroup) -> None:
    """That a command of a page is one that there is and takes what it is given."""
    words = [word for k, word in enumerate(words) if k or not re.match(r"^\w+=", word)]
    program = words[0]
    if program == "unveil":
        try:
            idle.main(args=words[1:], prog_name="unveil", standalone_mode=False)
        except Exception as error:  # whatever the parser raises belongs to this line of this page
            pytest.fail(f"{block}: {shlex.join(words)}: {error}")
    elif program == "make":
        targets = [word for word in words[1:] if "=" not in word]
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), f"{block}: {words}"
    elif PYTHON.match(program):
        assert words[1:2] != ["-m"] or words[2] == "venv" or module(words[2]).exists(), f"{block}: {words}"
        assert not words[1].endswith(".py") or (ROOT / words[1]).exists(), f"{block}: {words}"
    else:
        assert Path(program).name in OTHERS, f"{block}: {program} is no program that the pages may call"


def module(dotted: str) -> Path:
    """The file of one of our modules."""
    path = ROOT / ("src" if dotted.startswith("unveil") else "") / Path(*dotted.split("."))
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def scripts() -> list[str]:
    """Every script and module of ours that a page starts with Python, as the words after ``python``."""
    found = set()
    for page in pages():
        for block in blocks(page):
            for words in simple_commands(block) if block.language in {"sh", "console"} else []:
                if PYTHON.match(words[0]) and words[1].endswith(".py"):
                    found.add(words[1])
                elif PYTHON.match(words[0]) and words[1] == "-m" and words[2] != "venv":
                    found.add(f"-m {words[2]}")
    return sorted(found)


@pytest.mark.parametrize("script", scripts())
def test_scripts_answer_a_question_for_help(
    script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = module(script.removeprefix("-m ")) if script.startswith("-m ") else ROOT / script
    if "argparse" not in path.read_text(encoding="utf-8"):
        pytest.skip("it takes no arguments")
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    try:
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(path), run_name="__main__")
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    assert end.value.code == 0
    assert "usage" in capsys.readouterr().out


# Running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the photographs of which the pages speak: all are the packaged one."""
    here = tmp_path / "here"
    for relative in ("photo.jpg", "me.jpg", "friend.jpg", "photos/portrait.jpg", "photos/group.jpg"):
        path = here / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(store.packaged("demo.jpg"), path)
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize("page", with_blocks("python", "sh", "console"), ids=name)
def test_blocks_run(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.needs:
            continue
        if block.language == "python":
            exec(compile(block.text, str(block), "exec"), names)  # noqa: S102
        elif block.language in {"sh", "console"}:
            run(block, capsys)


@pytest.mark.parametrize("block", [b for page in pages() for b in blocks(page) if b.needs], ids=str)
def test_blocks_that_need_more_are_read(block: Block) -> None:
    if block.language == "python":
        compile(block.text, str(block), "exec")
    pytest.skip(f"not run: it needs {block.needs}")


def run(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Run our commands of a block; what they print is what the block shows, up to dots."""
    printed = ""
    for words in simple_commands(block):
        if words[0] == "unveil":
            answer = Answer(capsys, *words[1:], *FASTER.get(words[1], ()))
            printed += (answer.out + answer.err).replace(os.sep, "/")
            complaint = any(line.startswith("unveil: ") for line in block.output)
            assert complaint or answer.status == 0, f"{block}: {answer.err}"
        elif words[0] == "ls":
            printed += "\n".join(sorted(path.name for path in Path(words[1]).iterdir())) + "\n"
    for line in block.output:
        assert any(matches(line, got) for got in printed.splitlines()), f"{block}: no line {line!r} in\n{printed}"


def matches(want: str, got: str) -> bool:
    return doctest.OutputChecker().check_output(want.strip() + "\n", got.strip() + "\n", doctest.ELLIPSIS)
