"""Codes that are kept in parts: what a run that ends early leaves, and what the next one makes of it."""

import errno
from pathlib import Path

import numpy as np
import pytest
from constant_learner import write_learner

from unveil.codes import partial
from unveil.codes.crops import Crops
from unveil.codes.encode import encode
from unveil.codes.file import read_codes
from unveil.codes.partial import PartialCodes
from unveil.errors import UnveilError
from unveil.models.encoder import identity
from unveil.models.onnx import CoefficientModel
from unveil.models.openhead import head as openhead
from unveil.typing import Image

COUNT = 150
BAD = {*range(70, 135), 3}  # a whole part of them and one more
SIZE = 8


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "PART", 32)


@pytest.fixture
def learner(tmp_path: Path) -> CoefficientModel:
    return make_learner(tmp_path / "learner.onnx", 1)


def make_learner(path: Path, gain: float) -> CoefficientModel:
    layout = openhead.GEOMETRY_LAYOUT
    values, gains = (np.full(layout.size, number, np.float32) for number in (0.5, gain))
    return CoefficientModel(write_learner(path, layout, values, gain=gains, size=SIZE))


def read(index: int, size: int) -> Image:
    if index in BAD:
        raise UnveilError(f"{index} is bad")
    return np.full((size, size, 3), index, np.uint8)


CROPS = Crops(tuple(f"{k}.png" for k in range(COUNT)), "abc", read)


def run(
    out: Path, learner: CoefficientModel, stop: int = COUNT, crops: Crops = CROPS, *, anew: bool = False
) -> PartialCodes:
    """A run that ends, or is ended once the crop number ``stop`` has been passed on."""
    run = PartialCodes(out, crops, learner, anew=anew)
    assert run.finished is None
    for batch in run.keep(encode(crops, learner, run.done)):
        if batch.stop >= stop < COUNT:
            return run
    run.merge(out)
    run.remove()
    return run


@pytest.mark.parametrize("stop", [1, 31, 32, 80, 100, 140])
def test_a_run_that_goes_on_gives_what_one_run_gives(tmp_path: Path, learner: CoefficientModel, stop: int) -> None:
    whole, out = tmp_path / "whole.npz", tmp_path / "codes.npz"
    run(whole, learner)
    run(out, learner, stop)
    assert not out.exists()
    done = PartialCodes(out, CROPS, learner).done
    assert done <= stop + 16
    assert done >= min(stop - 32, 64)  # the crops from 70 on are kept with the first good one after them
    run(out, learner)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes.npz", "learner.onnx", "whole.npz"]
    assert out.read_bytes() == whole.read_bytes()
    codes = read_codes(out)
    assert codes.names == tuple(f"{k}.png" for k in range(COUNT) if k not in BAD)
    expected = [0.5 + k / 255 for k in range(COUNT) if k not in BAD]
    np.testing.assert_allclose(codes.coefficients.values[:, 7], expected, rtol=1e-5)
    assert (codes.model, codes.teacher, codes.crops) == ("openhead", identity(learner), "abc")


def test_a_finished_run_is_found_though_it_was_killed_before_it_could_clean_up(
    tmp_path: Path, learner: CoefficientModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "codes.npz"
    monkeypatch.setattr(PartialCodes, "remove", lambda self: None)
    folder = run(out, learner).folder
    monkeypatch.undo()
    assert folder.exists()
    found = PartialCodes(out, CROPS, learner).finished
    assert found is not None
    assert len(found.names) == COUNT - len(BAD)
    assert not folder.exists()


@pytest.mark.parametrize("left", ["output", "parts"])
def test_codes_of_another_teacher_or_of_other_crops_are_not_mixed(
    tmp_path: Path, learner: CoefficientModel, left: str
) -> None:
    out = tmp_path / "codes.npz"
    run(out, learner, COUNT if left == "output" else 50)
    where = out if left == "output" else out.with_name("codes.npz.parts")
    other = make_learner(tmp_path / "other.onnx", 2)
    others = Crops(CROPS.names, "abd", read)
    with pytest.raises(UnveilError) as raised:
        PartialCodes(out, CROPS, other)
    assert str(raised.value) == (
        f"{where} holds other codes (teacher {identity(learner)}, not {identity(other)}); "
        "choose another output, or begin anew with --force"
    )
    with pytest.raises(UnveilError, match=r"holds other codes \(crops abc, not abd\); choose another output, or begin"):
        PartialCodes(out, others, learner)
    run(out, other, crops=others, anew=True)
    assert read_codes(out).teacher == identity(other)
    assert not out.with_name("codes.npz.parts").exists()


def test_an_output_that_is_something_else_is_not_overwritten(tmp_path: Path, learner: CoefficientModel) -> None:
    out = tmp_path / "codes.npz"
    out.write_bytes(b"mine")
    with pytest.raises(UnveilError, match="is there and is no codes file; choose another output"):
        PartialCodes(out, CROPS, learner)
    assert out.read_bytes() == b"mine"


def test_a_part_without_its_content_is_made_again(tmp_path: Path, learner: CoefficientModel) -> None:
    whole, out = tmp_path / "whole.npz", tmp_path / "codes.npz"
    run(whole, learner)
    folder = run(out, learner, 64).folder
    first, second = sorted(folder.iterdir())
    second.write_bytes(b"")
    (folder / "000000032-notes.npz").write_bytes(b"somebody's")
    assert PartialCodes(out, CROPS, learner).done == 32
    assert first.exists()
    run(out, learner)
    assert out.read_bytes() == whole.read_bytes()


def test_a_full_disk_keeps_what_there_is(
    tmp_path: Path, learner: CoefficientModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, savez = tmp_path / "codes.npz", np.savez
    room = [True, False]

    def save(stream: object, **arrays: object) -> None:
        if not room.pop(0):
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(stream, **arrays)

    monkeypatch.setattr(np, "savez", save)
    with pytest.raises(UnveilError, match="No space left on device; free some space or choose another disk"):
        run(out, learner)
    monkeypatch.undo()
    assert PartialCodes(out, CROPS, learner).done == 32
    assert len(list(out.with_name("codes.npz.parts").iterdir())) == 1
    run(out, learner)
    assert len(read_codes(out).names) == COUNT - len(BAD)


def test_without_a_usable_crop_there_are_no_codes(tmp_path: Path, learner: CoefficientModel) -> None:
    bad = Crops(("3.png", "4.png"), "abc", lambda index, size: read(3, size))
    with pytest.raises(UnveilError, match="no usable crop"):
        run(tmp_path / "codes.npz", learner, crops=bad)
    assert [path.name for path in tmp_path.iterdir()] == ["learner.onnx"]
