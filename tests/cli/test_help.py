"""What every ``--help`` says, read as a user reads it; and the names of commands that were."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_answer import Answer

from unveil.cli import app
from unveil.cli.commands import PANELS, RENAMED

WIDTH = 80
BOX = re.compile(r"[╭╮╰╯│─]")


def commands(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that the help shows, groups among them."""
    yield names, group
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield from commands(command, *names, name)


ALL = dict(commands(typer.main.get_command(app)))


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich asks the one variable, Typer the other."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERMINAL_WIDTH", str(WIDTH))


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_all_that_is_said_of_a_command_is_shown(capsys: pytest.CaptureFixture[str], names: tuple[str, ...]) -> None:
    """Nothing is swallowed as markup, nothing is cut off, no line is too long, and no default is empty."""
    shown = Answer(capsys, *names, "--help")
    assert (shown.status, shown.err) == (0, "")
    text = " ".join(BOX.sub(" ", shown.out).split())
    said = [ALL[names].help, *(parameter.help for parameter in ALL[names].params)]
    assert all(said), "an option without a help"
    for one in said:
        assert " ".join(inspect.cleandoc(one).split()) in text
    assert "…" not in text
    assert max(map(len, shown.out.splitlines())) <= WIDTH
    assert not re.search(r"\[default:\s*\]|: \.|None", text)
    assert not re.search(r"<\w", text)  # types of Python, such as <bool> behind a flag


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_the_first_line_is_one_sentence(names: tuple[str, ...]) -> None:
    first = ALL[names].help.partition("\n\n")[0]
    assert first.endswith(".")
    assert ". " not in first


def test_every_command_is_in_its_panel(capsys: pytest.CaptureFixture[str]) -> None:
    out = Answer(capsys, "--help").out
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        if title := re.match(r"╭─ (\w+) ─", line):
            found[title[1]] = []
        elif name := re.match(r"│ ([a-z]\S*)  ", line):
            found[[*found][-1]].append(name[1])
    assert found == {"Options": [], **{panel: list(names) for panel, names in PANELS.items()}}
    assert list(PANELS) == ["Heads", "Training", "Measuring", "Installation"]


@pytest.mark.parametrize("panel", ["Heads", "Measuring"])
def test_results_may_go_to_a_folder_in_every_command_of_a_panel(panel: str) -> None:
    outs = [(names, out_of(command)) for names, command in ALL.items() if names and names[0] in PANELS[panel]]
    assert outs
    for names, out in outs:
        assert out is None or out.metavar.startswith("FOLDER"), names


def test_every_out_says_what_it_is() -> None:
    for names, command in ALL.items():
        out = out_of(command)
        assert out is None or re.search(r"FOLDER|FILE|PICTURE", out.metavar), names


def out_of(command: Any) -> Any:
    return next((parameter for parameter in command.params if "-o" in parameter.opts), None)


def test_environment_variables_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "UNVEIL_DEBUG" in Answer(capsys, "--help").out
    assert "UNVEIL_ASSETS" in Answer(capsys, "reconstruct", "--help").out
    assert "RAY_ADDRESS" in Answer(capsys, "encode", "--help").out


@pytest.mark.parametrize("old", RENAMED)
def test_old_names_work_and_say_the_new_one(capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str) -> None:
    new = RENAMED[old][0]
    calls = {
        "export": [tmp_path / "run", tmp_path / "learner.zip", "--licence", "none", "--data-statement", "none"],
        "predict now": ["--dataset", tmp_path / "now", "-o", tmp_path / "out"],
        "predict landmarks": [tmp_path / "pictures", "-o", tmp_path / "out"],
    }
    before, now = Answer(capsys, old, *calls[new]), Answer(capsys, *new.split(), *calls[new])
    note, complaint = before.err.splitlines()
    assert note == f"unveil: `unveil {old}` is now `unveil {new}`; the old name goes with the next release"
    assert (before.status, f"{complaint}\n") == (now.status, now.err) == (2, now.err)
    assert old not in Answer(capsys, "--help").out
    assert " ".join(Answer(capsys, old, "--help").out.split()[3:]) == " ".join(
        Answer(capsys, *new.split(), "--help").out.split()[3 + new.count(" ") :]
    )
