"""From raw images to a learner that reconstructs, with the commands as the documentation gives them."""

import tarfile
from pathlib import Path

import cli_answer
import made_up_celeba
import pytest
import shared_data
from extras import needs

from unveil.assets.store import packaged
from unveil.models.onnx import CoefficientModel

PEOPLE = 24  # photographs


def raw_images(source: str, folder: Path) -> Path:
    """A made-up copy of CelebA, or a tar of a few real photographs where the developers' data are."""
    if source == "made up":
        return made_up_celeba.write_published(folder / "celeba", PEOPLE)
    tar = shared_data.folder("faces") / "utkface-adult-00.tar"
    with tarfile.open(tar) as whole, tarfile.open(folder / "faces.tar", "w") as few:
        for _ in range(PEOPLE):
            member = whole.next()
            assert member is not None
            few.addfile(member, whole.extractfile(member))
    return folder / "faces.tar"


@pytest.mark.parametrize("source", ["made up", "real"])
def test_raw_images_become_a_learner(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("torch")

    def unveil(*arguments: str | Path) -> cli_answer.Answer:
        answer = cli_answer.Answer(capsys, *arguments)
        assert answer.status == 0, answer.err
        return answer

    images = raw_images(source, tmp_path)
    prepared, codes, run, onnx = (tmp_path / name for name in ("prepared", "codes.npz", "run", "learner.onnx"))
    unveil("prepare", images, "-o", prepared, "--crop-size", "80", "--shares", "70,30,0", "--processes", "1")
    unveil("encode", prepared, "-o", codes)
    settings = ("--depth", "18", "--input-size", "32", "--batch-size", "8", "--epochs", "1", "--precision", "32-true")
    unveil("train", prepared, codes, "-o", run, *settings)
    exported = unveil(
        *("export", run, onnx, "--licence", "none", "--data-statement", "a test", "--int8"),
        *("--prepared", prepared, "--codes", codes),
    )
    assert "NME" in exported.out
    for file in (onnx, onnx.with_name("learner_int8.onnx")):
        learner = CoefficientModel(file)
        assert (learner.licence, learner.data) == ("none", "a test")
        out = tmp_path / file.stem
        unveil("reconstruct", packaged("demo.jpg"), "-o", out, "--model", file, "--formats", "npz")
        assert (out / "demo.json").is_file()
