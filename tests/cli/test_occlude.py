"""`unveil occlude`, as a user meets it."""

from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from PIL import Image

from unveil.assets.store import packaged

DEMO = packaged("demo.jpg")


def test_a_sheet_and_single_crops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("occlude", DEMO, "--kinds", "mask,hair", "--severities", "20,40")
    answer = Answer(capsys, *call, "-o", tmp_path / "sheet.png", "--out-dir", tmp_path / "single")
    assert answer.status == 0
    assert answer.out.strip().endswith("sheet.png: 1 face, 2 kinds of occluder")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] * 2 == sheet.size[1] * 3  # three columns, two rows
    names = {f"demo_0_{kind}_{share}" for kind in ("mask", "hair") for share in (20, 40)}
    assert {path.stem for path in (tmp_path / "single").glob("[!.]*")} == names | {f"{name}_mask" for name in names}
    less, more = (np.asarray(Image.open(tmp_path / "single" / f"demo_0_mask_{share}_mask.png")) for share in (20, 40))
    assert set(np.unique(less)) == {0, 255}
    assert (more > 0).sum() > 1.5 * (less > 0).sum()
    again = Answer(capsys, *call, "-o", tmp_path / "again.png")
    assert again.status == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "sheet.png").read_bytes()
    other = Answer(capsys, *call, "-o", tmp_path / "other.png", "--seed", "1")
    assert other.status == 0
    assert (tmp_path / "other.png").read_bytes() != (tmp_path / "sheet.png").read_bytes()


def test_inner_folders_are_looked_into_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos" / "in").mkdir(parents=True)
    (tmp_path / "photos" / "in" / "a.jpg").write_bytes(DEMO.read_bytes())
    call = ("occlude", tmp_path / "photos", "--kinds", "mask", "--severities", "20", "-o", tmp_path / "sheet.png")
    refused = Answer(capsys, *call)
    assert refused.status == 2
    assert "1 folder (--recursive looks inside)" in refused.err
    assert Answer(capsys, *call, "--recursive").status == 0


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wall = tmp_path / "wall.png"
    Image.fromarray(np.full((80, 80, 3), 200, np.uint8)).save(wall)
    sheet = ("-o", tmp_path / "sheet.png")
    for arguments, words in (
        (("occlude", wall, *sheet), "no face found"),
        (("occlude", tmp_path / "absent.jpg", *sheet), "does not exist"),
        (("occlude", "https://example.org/a.jpg", *sheet), "is an address, and nothing is fetched"),
        (("occlude", DEMO, *sheet, "--kinds", "veil"), "choose from pixels"),
        (("occlude", DEMO, *sheet, "--severities", "10,much"), "percentages"),
        (("occlude", DEMO, *sheet, "--occluders", tmp_path / "nothing"), "no folder"),
        (("occlude", DEMO, "-o", tmp_path / "sheet.gif"), f"cannot write {tmp_path / 'sheet.gif'} as a picture"),
    ):
        answer = Answer(capsys, *arguments)
        assert answer.status == 2
        assert words in answer.err
        assert answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["wall.png"]
