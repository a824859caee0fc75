"""Data sets of annotated photographs in the layouts they are published in, and every mistake in them."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.annotated import open_annotated, read_mat
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.fitting.landmark_files import read_pts

COUNT = 3


def landmarks(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(0).uniform(5, 40, (count, 68, 2)).round(3)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for k, name in enumerate(("b.jpg", "a.png", "below/c.png")):
        Image.new("RGB", (48, 40), (k, 0, 0)).save(folder / name)
    return folder


def write_pts(path: Path, points: np.ndarray) -> None:
    lines = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points + 1)
    path.write_text(f"version: 1\nn_points:  {len(points)}\n{{\n{lines}\n}}\n")


def test_300w_counts_pixels_from_one(pictures: Path) -> None:
    for name, points in zip(("a", "b", "below/c"), landmarks(), strict=True):
        write_pts(pictures / f"{name}.pts", points)
    opened = open_annotated(pictures)
    assert opened.names == ("a.png", "b.jpg", "below/c.png")
    assert opened.jaw == "outline"
    np.testing.assert_allclose(opened.landmarks68, landmarks(), atol=1e-9)
    assert opened.read("below/c.png")[0, 0, 0] == 2
    assert opened.truth.names == opened.names


def test_capitals_do_no_harm(pictures: Path) -> None:
    for name, points, suffix in zip(("a", "b", "below/c"), landmarks(), ("PTS", "pts", "Pts"), strict=True):
        write_pts(pictures / f"{name}.{suffix}", points)
    np.testing.assert_allclose(open_annotated(pictures).landmarks68, landmarks(), atol=1e-9)


def test_aflw2000_has_points_of_the_surface(pictures: Path) -> None:
    points = np.random.default_rng(1).uniform(0, 40, (3, 68))
    savemat(pictures / "a.mat", {"pt3d_68": points, "Pose_Para": np.zeros(7)})
    opened = open_annotated(pictures)
    assert (opened.names, opened.jaw) == (("a.png",), "surface")
    np.testing.assert_allclose(opened.landmarks68[0], points[:2].T)


@pytest.mark.parametrize("shape", [(COUNT, 68, 2), (COUNT, 68, 3), (COUNT, 2, 68), (COUNT, 3, 68)])
def test_landmarks_in_one_array(pictures: Path, tmp_path: Path, shape: tuple[int, ...]) -> None:
    """As the re-annotation of AFLW2000-3D is, in the order of the pictures' names."""
    points = np.random.default_rng(1).uniform(0, 40, (COUNT, 68, 3))
    array = points if shape[1] == 68 else points.transpose(0, 2, 1)
    np.save(tmp_path / "all.npy", array[tuple(slice(size) for size in shape)])
    np.testing.assert_allclose(open_annotated(pictures, tmp_path / "all.npy").landmarks68, points[..., :2])


def test_an_npz_chooses_pictures_of_a_tar(pictures: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(pictures, arcname="x")
    LandmarkFile(("x/below/c.png", "x/a.png"), landmarks(2)).save(tmp_path / "some.npz")
    opened = open_annotated(tmp_path / "all.tar", tmp_path / "some.npz")
    assert opened.names == ("x/below/c.png", "x/a.png")
    assert [opened.read(name)[0, 0, 0] for name in opened.names] == [2, 1]
    np.testing.assert_allclose(opened.landmarks68, landmarks(2), rtol=1e-6)


def test_a_limit_spreads_over_the_pictures(pictures: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", landmarks())
    opened = open_annotated(pictures, tmp_path / "all.npy")
    assert opened.limited(2).names == ("a.png", "below/c.png")
    assert opened.limited(9) is opened
    np.testing.assert_allclose(opened.limited(2).landmarks68, landmarks()[[0, 2]])


def test_mistakes_are_named_in_one_line(pictures: Path, tmp_path: Path) -> None:
    def refused(pattern: str, *arguments: Path) -> None:
        with pytest.raises(UnveilError, match=pattern) as error:
            open_annotated(*arguments)
        assert "\n" not in str(error.value)

    refused("does not exist", tmp_path / "nowhere")
    refused(r"no \.mat or \.pts", pictures)
    (tmp_path / "empty").mkdir()
    refused("no pictures", tmp_path / "empty")
    np.save(tmp_path / "few.npy", landmarks(2))
    refused(r"few\.npy is \(2, 68, 2\), but for 3 pictures", pictures, tmp_path / "few.npy")
    np.save(tmp_path / "other.npy", np.zeros((3, 49, 2)))
    refused("must be", pictures, tmp_path / "other.npy")
    broken = landmarks()
    broken[1, 5] = np.nan
    np.save(tmp_path / "nan.npy", broken)
    refused(r"nan\.npy are not all finite", pictures, tmp_path / "nan.npy")
    np.save(tmp_path / "flat.npy", landmarks() * [1, 0])
    refused("in one line or place", pictures, tmp_path / "flat.npy")
    np.save(tmp_path / "pickled.npy", np.array([{}]), allow_pickle=True)
    refused(r"pickled\.npy is no npy", pictures, tmp_path / "pickled.npy")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "nan.npy").read_bytes()[:300])
    refused(r"cut\.npy is no npy", pictures, tmp_path / "cut.npy")
    LandmarkFile(("a.png", "z.png"), landmarks(2)).save(tmp_path / "lost.npz")
    refused("names z.png", pictures, tmp_path / "lost.npz")
    (tmp_path / "no.tar").write_bytes(b"nothing")
    refused("no folder or tar", tmp_path / "no.tar", tmp_path / "few.npy")


def test_annotations_of_other_sizes_are_refused(tmp_path: Path) -> None:
    write_pts(tmp_path / "a.pts", landmarks()[0][:51])
    with pytest.raises(UnveilError, match="has 51 points"):
        read_pts(tmp_path / "a.pts")
    (tmp_path / "b.pts").write_text("{ 1 2 x }")
    with pytest.raises(UnveilError, match=r"b\.pts is no"):
        read_pts(tmp_path / "b.pts")
    savemat(tmp_path / "a.mat", {"pt2d": np.zeros((2, 21))})
    with pytest.raises(UnveilError, match="with a readable pt3d_68"):
        read_mat(tmp_path / "a.mat")
    savemat(tmp_path / "b.mat", {"pt3d_68": np.zeros((3, 21))})
    with pytest.raises(UnveilError, match=r"\(3, 21\) and not \(3, 68\)"):
        read_mat(tmp_path / "b.mat")
    (tmp_path / "c.mat").write_bytes(b"nothing")
    with pytest.raises(UnveilError, match=r"c\.mat"):
        read_mat(tmp_path / "c.mat")


def test_without_scipy_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(UnveilError, match=r"install 'unveil\[mat\]'"):
        read_mat(tmp_path / "a.mat")


def test_a_picture_without_landmarks_is_mentioned(pictures: Path) -> None:
    for name, points in zip(("a", "below/c"), landmarks(2), strict=True):
        write_pts(pictures / f"{name}.pts", points)
    said: list[str] = []
    assert open_annotated(pictures, note=said.append).names == ("a.png", "below/c.png")
    assert said == [f"left out of {pictures}: 1 without landmarks, the first is b.jpg"]
