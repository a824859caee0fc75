"""The picture of models side by side."""

import json
import re
import shutil
from pathlib import Path

import made_up_tddfa
import numpy as np
import pytest
from cli_answer import Answer
from PIL import Image

from unveil.assets.store import packaged
from unveil.output.compare import CELL, FOOT, GAP, HATCH, HEAD, ByMethod, Method, compare

DEMO = packaged("demo.jpg")


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No files of research models but those of the test."""
    monkeypatch.delenv("UNVEIL_ASSETS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))


def cell(picture: np.ndarray, row: int, column: int, width: int = 1) -> np.ndarray:
    top, left = HEAD + row * (CELL + GAP), column * (CELL + GAP)
    return picture[top : top + CELL, left : left + width * (CELL + GAP) - GAP].astype(int)


def test_models_without_files_are_hatched(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    grey = tmp_path / "nobody.png"
    Image.new("RGB", (200, 160), (90, 120, 90)).save(grey)
    out = tmp_path / "out.png"
    answer = Answer(capsys, "compare", DEMO, grey, "--models", "openhead,mgcnet", "-o", out)
    assert (answer.status, answer.out) == (0, f"{out}: 2 photographs, 2 models\n")
    assert "mgcnet: no mgcnet.safetensors" in answer.err
    assert f"openhead: no face found in {grey}" in answer.err
    picture = np.asarray(Image.open(out))
    assert picture.shape == (HEAD + 2 * CELL + GAP + FOOT, 5 * CELL + 4 * GAP, 3)
    photo, overlay, shape = (cell(picture, 0, column) for column in range(3))
    middle = np.s_[CELL // 3 : 2 * CELL // 3, CELL // 3 : 2 * CELL // 3]
    corner = np.s_[:20, :20]
    assert np.abs(photo - overlay)[middle].mean() > 10, "the mesh lies over the face"
    np.testing.assert_array_equal(photo[corner], overlay[corner])
    assert (shape[corner] == 255).all()
    assert np.ptp(shape[middle], axis=2).max() < 12, "of clay"
    for row, column in ((0, 3), (1, 1), (1, 3)):
        hatched = cell(picture, row, column, 2)
        assert 0.05 < (hatched == HATCH).all(axis=2).mean() < 0.2
        assert (hatched.max(axis=2) < 60).any(), "and says why"


def test_all_that_can_run_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assets = made_up_tddfa.write_folder(tmp_path / "3ddfa", "mb05")
    answer = Answer(capsys, "compare", DEMO, "--models", "3ddfa,openhead", "--assets", assets, "-o", tmp_path / "o.jpg")
    assert (answer.status, answer.err) == (0, "")
    picture = np.asarray(Image.open(tmp_path / "o.jpg"))
    assert not (np.abs(picture.astype(int) - HATCH) < 3).all(axis=2)[HEAD:-FOOT, CELL:].mean() > 0.02


def test_of_all_models_those_are_shown_whose_files_are_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "o.png"
    alone = Answer(capsys, "compare", DEMO, "-o", out)
    assert (alone.status, alone.out) == (0, f"{out}: 1 photograph, 1 model\n")
    assert alone.err == (
        "unveil: left out deca, 3ddfa, mgcnet, whose files are not there; `--models deca` says what is missing\n"
    )
    with Image.open(out) as picture:
        assert picture.width == 3 * CELL + 2 * GAP
    assets = made_up_tddfa.write_folder(tmp_path / "3ddfa", "mb05")
    both = Answer(capsys, "compare", DEMO, "--assets", assets, "-o", out)
    assert (both.status, both.out) == (0, f"{out}: 1 photograph, 2 models\n")
    assert "left out deca, mgcnet, whose" in both.err


def test_on_a_page_the_heads_of_the_models_turn_together(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assets = made_up_tddfa.write_folder(tmp_path / "3ddfa", "mb05")
    out = tmp_path / "o.html"
    given = ("--models", "openhead,3ddfa,mgcnet", "--assets", assets, "-o", out)
    answer = Answer(capsys, "compare", DEMO, *given)
    assert (answer.status, answer.out) == (0, f"{out}: 1 photograph, 3 models\n")
    assert "mgcnet: no mgcnet.safetensors" in answer.err
    shown = json.loads(re.findall(r'id="content">(.*?)</script>', out.read_text("utf-8"))[0])
    assert [head["name"] for head in shown["heads"]] == ["openhead", "3ddfa"]
    assert shown["beside"]
    again = shutil.copy(DEMO, tmp_path / "again.jpg")
    assert Answer(capsys, "compare", DEMO, again, "--models", "openhead", "-o", out).status == 0
    shown = json.loads(re.findall(r'id="content">(.*?)</script>', out.read_text("utf-8"))[0])
    assert [head["name"] for head in shown["heads"]] == ["demo, openhead", "again, openhead"]


def test_a_page_without_a_head_is_not_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Image.new("RGB", (200, 160), (90, 120, 90)).save(tmp_path / "nobody.png")
    answer = Answer(capsys, "compare", tmp_path / "nobody.png", "--models", "openhead", "-o", tmp_path / "o.html")
    assert (answer.status, answer.out) == (2, "")
    assert "there is no head to show" in answer.err
    assert not (tmp_path / "o.html").exists()


def test_a_photograph_that_cannot_be_drawn_does_not_end_the_work_on_others(tmp_path: Path) -> None:
    again = Path(shutil.copy(DEMO, tmp_path / "again.jpg"))

    def show(photo: Path, image: np.ndarray, faces: ByMethod) -> int:
        if photo == again:
            raise ZeroDivisionError
        return len(image) + len(faces)

    found = compare([again, DEMO], [Method("nobody", None, "gone")], show)
    assert found.shown == (513,)
    assert isinstance(found.failed[again], ZeroDivisionError)


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for expected, *options in (
        ("end the name in one of", DEMO, "-o", tmp_path / "o.txt"),
        ("unknown model 'nobody'", DEMO, "--models", "openhead,nobody", "-o", tmp_path / "o.png"),
        ("no model can be shown", DEMO, "--models", "mgcnet,deca", "-o", tmp_path / "o.png"),
        ("does not exist", tmp_path / "nowhere.jpg", "--models", "openhead", "-o", tmp_path / "o.png"),
    ):
        answer = Answer(capsys, "compare", *options)
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
        assert expected in answer.err
    assert not list(tmp_path.glob("o.*"))
