"""What options mean that several commands have."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_answer import Answer

from unveil.cli.commands import PANELS, Command, Commands
from unveil.cli.options import file_in, parse_formats, parse_texture, words
from unveil.errors import UnveilError


def test_out_is_a_folder_or_the_file_itself(tmp_path: Path) -> None:
    assert file_in(tmp_path / "new", "page.md") == tmp_path / "new" / "page.md"
    assert file_in(tmp_path / "my.md", "page.md") == tmp_path / "my.md"
    (tmp_path / "v1.2").mkdir()
    assert file_in(tmp_path / "v1.2", "page.md") == tmp_path / "v1.2" / "page.md"


def test_a_texture_is_one_of_two() -> None:
    assert parse_texture("LIT") == "lit"
    with pytest.raises(UnveilError, match="unknown texture 'blue': choose albedo or lit"):
        parse_texture("blue")


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_arrays_are_written_under_a_name_that_says_so(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer(capsys, command, tmp_path, "-o", tmp_path / "codes")
    assert answer.status == 2
    assert "as arrays; end the name in .npz" in answer.err


def test_formats_come_in_our_order() -> None:
    assert parse_formats(None) is None
    assert parse_formats("PLY, glb,") == ("glb", "ply")
    with pytest.raises(UnveilError, match="unknown format 'fbx'"):
        parse_formats("glb,fbx")


def test_words_stand_between_commas() -> None:
    assert words(" a,b ,,c") == ["a", "b", "c"]


# These go on only in folders that they began themselves.
WITHOUT_FORCE = {"prepare", "rerender", "segment", "train", "predict now", "predict landmarks"}


def all_commands(commands: Commands, before: str = "") -> Iterator[tuple[str, Command]]:
    for name, command in commands.items():
        if callable(command):
            yield before + name, command
        else:
            yield from all_commands(command, f"{name} ")


def test_every_command_with_results_can_be_forced() -> None:
    """A new one without --force, and one that forgets the rule of `storage.outputs`, is noticed here."""
    found = {name: command for panel in PANELS.values() for name, command in all_commands(panel)}
    writing = {name: command for name, command in found.items() if {"out", "file", "plot"} & {*parameters(command)}}
    assert {name for name, command in writing.items() if "force" not in parameters(command)} == WITHOUT_FORCE
    for name in writing.keys() - WITHOUT_FORCE - {"demo"}:
        assert {"result_file", "results_in"} & {*inspect.unwrap(writing[name]).__code__.co_names}, name


def test_commands_that_make_heads_of_photographs_share_their_options() -> None:
    """One that forgets an option of its siblings, or words it otherwise, is noticed here."""
    found = {name: inspect.signature(command) for panel in PANELS.values() for name, command in all_commands(panel)}
    for option in ("model", "assets", "texture", "hair", "wrinkles"):
        of_option = {str(found[name].parameters[option]) for name in ("reconstruct", "transfer", "animate")}
        assert len(of_option) == 1, option


def parameters(command: Command) -> list[str]:
    return list(inspect.signature(command).parameters)
