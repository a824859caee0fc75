"""Where model files are looked for, and what is said when they are not there."""

from pathlib import Path

import platformdirs
import pytest
from platformdirs import windows
from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from unveil.assets import store
from unveil.errors import UnveilError
from unveil.models.deca.files import MODEL
from unveil.models.registry import FAMILIES, research_family

NAME = MODEL.name


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and an environment of their own."""
    monkeypatch.delenv(store.ASSETS_VARIABLE, raising=False)
    monkeypatch.setattr(store, "user_folder", lambda: tmp_path / "user")
    return tmp_path


def put(path: Path, name: str = NAME) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(b"x")
    return path / name


def test_the_given_folder_comes_before_the_environment_and_that_before_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.ASSETS_VARIABLE, str(tmp_path / "variable"))
    (tmp_path / "given").mkdir()
    user = put(tmp_path / "user" / "deca")
    assert store.find(MODEL, tmp_path / "given") == user
    variable = put(tmp_path / "variable")
    assert store.find(MODEL, tmp_path / "given") == variable
    given = put(tmp_path / "given")
    assert store.find(MODEL, tmp_path / "given") == given
    assert store.find(MODEL) == variable


@pytest.mark.parametrize("place", ["", "FLAME2020", "data", "data/FLAME2020", "deca", "deca/FLAME2020"])
def test_a_deca_folder_is_taken_as_it_lies_on_disks(tmp_path: Path, place: str) -> None:
    expected = put(tmp_path / "assets" / place)
    assert store.locate(MODEL, tmp_path / "assets") == expected


def test_a_missing_file_is_one_line_with_its_folders_and_its_page(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    with pytest.raises(UnveilError) as raised:
        store.locate(MODEL, tmp_path / "assets")
    text = str(raised.value)
    assert "\n" not in text
    for part in (NAME, "FLAME 2020", str(tmp_path / "assets"), "flame.is.tue.mpg.de", "registration", "--assets"):
        assert part in text


@pytest.mark.parametrize("name", ["flame2023.pkl", "FLAME2023/flame2023_no_jaw.pkl"])
def test_flame_2023_in_place_of_2020_is_named(tmp_path: Path, name: str) -> None:
    other = put((tmp_path / name).parent, Path(name).name)
    with pytest.raises(UnveilError, match=r"is FLAME 2023, but deca needs the FLAME 2020") as raised:
        store.locate(MODEL, tmp_path)
    assert str(other) in str(raised.value)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="is no folder"):
        store.find(MODEL, tmp_path / "none")
    with pytest.raises(UnveilError, match="choose from deca, 3ddfa"):
        research_family("ringnet")


def test_downloads_go_to_the_given_folder_or_one_of_their_own(tmp_path: Path) -> None:
    assert store.download_folder("3ddfa", tmp_path / "given") == tmp_path / "given"
    assert store.download_folder("3ddfa") == tmp_path / "user" / "3ddfa"
    assert (tmp_path / "given").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnveilError, match="cannot make the folder"):
        store.download_folder("3ddfa", tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("system", "variable", "expected"),
    [
        (Unix, {}, "home/.local/share/unveil"),
        (Unix, {"XDG_DATA_HOME": "xdg"}, "xdg/unveil"),
        (MacOS, {}, "home/Library/Application Support/unveil"),
        (Windows, {"LOCALAPPDATA": "local"}, "local/unveil"),
    ],
)
def test_the_users_folder(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    system: type[PlatformDirsABC],
    variable: dict[str, str],
    expected: str,
) -> None:
    monkeypatch.undo()  # of user_folder
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in ({"HOME": "home"} | variable).items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)  # not from Windows itself
    assert store.user_folder() == tmp_path / expected


def test_what_is_downloaded_has_a_hash_and_everything_else_a_page() -> None:
    for model, files in ((name, family.files) for name, family in FAMILIES.items()):
        assert len({file.name for file in files}) == len(files)
        for file in files:
            assert file.sha256 or not file.url, f"{model}: {file.name}"
            assert all((file.page, file.licence, file.publisher, file.what))
            assert not (file.registration and file.url)
            assert file.url.startswith("https://") or not file.url
