"""Files by their names."""

from pathlib import Path

from unveil.storage.names import beside, files_named


def test_suffixes_in_small_letters_and_capitals(tmp_path: Path) -> None:
    for name in ("b.npz", "A.NPZ", "c.Npz", ".d.npz", "e.npy", "f.npz.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in files_named(tmp_path, ".npz")] == ["A.NPZ", "b.npz", "c.Npz"]
    assert [path.name for path in files_named(tmp_path, ".npz", ".npy")] == ["A.NPZ", "b.npz", "c.Npz", "e.npy"]
    assert files_named(tmp_path / "absent", ".npz") == []


def test_a_file_beside_another(tmp_path: Path) -> None:
    (tmp_path / "a.PTS").touch()
    assert beside(tmp_path / "a.jpg", ".pts") == tmp_path / "a.PTS"
    (tmp_path / "a.pts").touch()
    assert beside(tmp_path / "a.jpg", ".pts") == tmp_path / "a.pts"
    assert beside(tmp_path / "b.jpg", ".pts") is None
