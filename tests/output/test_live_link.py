"""Takes of Live Link Face: read, written, and moving a head."""

import csv
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from glb_reader import Glb

from unveil import load_openhead
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.output.live_link import UNITS, Take, driven, read_take, take_of, write_take
from unveil.reconstruct.pipeline import Reconstructor

HEADER = [
    "Timecode",
    "BlendShapeCount",
    *(unit[0].upper() + unit[1:] for unit in UNITS),
    "HeadYaw",
    "HeadPitch",
    "HeadRoll",
]


@pytest.fixture(scope="module")
def face() -> Reconstruction:
    (found,) = Reconstructor().reconstruct(packaged("demo.jpg"))
    return found


def write(path: Path, timecodes: list[str], header: list[str] = HEADER, value: str = "0.25") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([code, "61", *[value] * (len(header) - 2)] for code in timecodes)
    return path


def made_up(frames: int, rate: float) -> Take:
    rng = np.random.default_rng(0)
    return Take(np.arange(frames) / rate, rng.uniform(0, 1, (frames, 52)), rng.uniform(-0.5, 0.5, (frames, 3)))


@pytest.mark.parametrize("rate", [2, 12.5, 24, 25, 30, 60])
def test_what_is_written_is_read(tmp_path: Path, rate: float) -> None:
    take = made_up(200, rate)
    write_take(tmp_path / "take.csv", take)
    again = read_take(tmp_path / "take.csv")
    np.testing.assert_allclose(again.seconds, take.seconds, atol=1e-4)
    np.testing.assert_allclose(again.units, take.units, atol=1e-7)
    np.testing.assert_allclose(again.head, take.head, atol=1e-7)
    rows = list(csv.reader((tmp_path / "take.csv").open()))
    assert len(rows[0]) == 63
    assert all(row[1] == "61" for row in rows[1:])


def test_the_units_are_arkits() -> None:
    whole = load_openhead().whole
    assert whole is not None
    assert set(UNITS) == set(whole.unit_names)
    assert len(UNITS) == 52


@pytest.mark.parametrize("rate", [24, 25, 30, 60])
def test_the_rate_is_the_one_that_makes_even_steps(tmp_path: Path, rate: int) -> None:
    codes = [f"23:59:{59 + k // rate if k < rate else 0:02}:{k % rate:02}.000" for k in range(rate)]
    codes += [f"00:00:{k // rate - 1:02}:{k % rate:02}.000" for k in range(rate, 3 * rate)]  # past midnight
    take = read_take(write(tmp_path / "take.csv", codes))
    np.testing.assert_allclose(np.diff(take.seconds), 1 / rate, atol=1e-6)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    header = ["BlendShapeCount", "Other", "jawopen", "HEADYAW"]
    take = read_take(write(tmp_path / "take.csv", ["0", "0"], header, "0.5"))
    assert take.units[:, UNITS.index("jawOpen")].tolist() == [0.5, 0.5]
    assert np.count_nonzero(take.units) == 2
    assert take.head.tolist() == [[0.5, 0, 0]] * 2
    np.testing.assert_allclose(take.seconds, [0, 1 / 60])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it has no frames"),
        ("Timecode,JawOpen\n", "it has no frames"),
        ("a,b\n1,2\n", "its first line names none of ARKit's units"),
        ("Timecode,JawOpen\n00:00:00:01.000,0.1,3\n", "line 2 has 3 columns, the first has 2"),
        ("Timecode,JawOpen\nnow,0.1\n", "'now' is no timecode"),
        ("Timecode,JawOpen\n00:00:00:01.000,nan\n", "numbers that are not finite"),
        ("Timecode,JawOpen\n00:00:00:01.000,much\n", "much"),
        ("Timecode,JawOpen\n00:00:00:01.000,0\n00:00:00:01.000,0\n", "its timecodes do not rise"),
        ("Timecode,JawOpen\n00:00:00:99.000,0\n", "count 99 frames in a second"),
    ],
)
def test_what_is_no_take_is_refused_in_one_line(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "odd.csv").write_text(content)
    with pytest.raises(UnveilError) as caught:
        read_take(tmp_path / "odd.csv")
    assert reason in str(caught.value)
    assert "odd.csv is no take of Live Link Face" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_take_moves_a_head_and_comes_back(face: Reconstruction) -> None:
    take = made_up(9, 30)
    motion = driven(face.morphable, face.coefficients, take, 30, head_pose=True)
    assert len(motion) == 9
    back = take_of(face.morphable, motion)
    assert back is not None
    np.testing.assert_allclose(back.units, take.units, atol=1e-6)
    np.testing.assert_allclose(back.head, take.head, atol=1e-5)
    still = driven(face.morphable, face.coefficients, take, 30, head_pose=False)
    assert not np.asarray(still.coefficients["pose"])[:, :3].any()
    np.testing.assert_array_equal(still.coefficients["shape"][0], face.coefficients["shape"])


@pytest.mark.parametrize(("turn", "axis"), [(0, 0), (1, 1)])
def test_a_head_turns_where_it_should(face: Reconstruction, turn: int, axis: int) -> None:
    """Yaw turns the nose to +x, the left of the person, and pitch turns it up."""
    head = np.zeros((2, 3))
    head[1, turn] = 0.3
    motion = driven(
        face.morphable, face.coefficients, Take(np.arange(2) / 30, np.zeros((2, 52)), head), 30, head_pose=True
    )
    model, coefficients = face.morphable.complete(motion.coefficients)
    noses = [np.asarray(model.landmarks68(model.vertices(coefficients.row(k))))[30] for k in range(2)]
    assert (noses[1] - noses[0])[axis] > 0.01


def test_between_frames_it_is_linear() -> None:
    take = Take(np.array([0, 0.5]), np.array([np.zeros(52), np.ones(52)]), np.zeros((2, 3)))
    np.testing.assert_allclose(take.at(10).units[:, 0], [0, 0.2, 0.4, 0.6, 0.8, 1])


def test_the_command_moves_the_head_and_writes_a_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take = made_up(4, 10)
    write_take(tmp_path / "take.csv", take)
    common = ("animate", packaged("demo.jpg"), "-o", tmp_path / "out")
    answer = Answer(capsys, *common, "--arkit", tmp_path / "take.csv", "--rate", "10")
    assert answer.status == 0
    assert "demo_as_take.csv: 4 frames" in answer.out
    np.testing.assert_allclose(read_take(tmp_path / "out" / "demo_as_take.csv").units, take.units, atol=1e-6)
    assert Glb(tmp_path / "out" / "demo_as_take.glb").document["animations"]
    for wrong in (("--follow", packaged("demo.jpg")), ("--face", "1")):
        assert Answer(capsys, *common, "--arkit", tmp_path / "take.csv", *wrong).status == 2
