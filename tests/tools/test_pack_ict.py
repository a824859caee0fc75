from pathlib import Path

import numpy as np
import pytest

from tools.openhead import ict, pack_ict
from unveil.errors import UnveilError

# Vertices 0 to 3 are kept as the skin, 4 and 5 left out as the teeth, 6 to 9 kept as an eyeball.
PUBLISHED = pack_ict.Published(vertices=10, modes=2, kept=(range(4), range(6, 10)), landmarks68=(3, 9, 0))
KEPT = [0, 1, 2, 3, 6, 7, 8, 9]
HEADER = "# Permission is hereby granted\n\nmtllib material.mtl\n"
POLYGONS = """usemtl M_Face
f 2/1 1/2 3/3 4/4
usemtl M_Teeth
f 4/5 5/6 6/7
usemtl M_Eye
f 7/8 8/9 9/10
f 7/8 9/10 10/11 8/9
"""


def write_obj(path: Path, vertices: np.ndarray) -> None:
    lines = "".join(f"v {x:.6g} {y:.6g} {z:.6g}\n" for x, y, z in vertices)
    path.write_text(f"{HEADER}{lines}vt 0.5 0.25\nvt 0 1\n{POLYGONS}")


@pytest.fixture
def meshes() -> np.ndarray:
    """The neutral mesh and two identities [3, 10, 3]."""
    return np.round(np.random.default_rng(1).normal(0, 5, (3, 10, 3)), 4)


@pytest.fixture
def folder(tmp_path: Path, meshes: np.ndarray) -> Path:
    for name, mesh in zip(("generic_neutral_mesh", "identity000", "identity001"), meshes, strict=True):
        write_obj(tmp_path / f"{name}.obj", mesh)
    return tmp_path


def test_positions_are_the_kept_ones_and_modes_are_differences(folder: Path, meshes: np.ndarray) -> None:
    arrays = pack_ict.pack(folder, PUBLISHED)
    np.testing.assert_array_equal(arrays["neutral"], meshes[0, KEPT].astype(np.float32))
    np.testing.assert_allclose(arrays["identity"], (meshes[1:] - meshes[0])[:, KEPT], rtol=2**-11)


def test_polygons_are_fanned_renumbered_and_left_out_with_their_vertices(folder: Path) -> None:
    arrays = pack_ict.pack(folder, PUBLISHED)
    assert arrays["faces"].tolist() == [[1, 0, 2], [1, 2, 3], [4, 5, 6], [4, 6, 7], [4, 7, 5]]
    assert arrays["landmarks68"].tolist() == [3, 7, 0]


def test_a_missing_file_and_another_mesh_are_refused(folder: Path, meshes: np.ndarray) -> None:
    write_obj(folder / "identity001.obj", meshes[2, :9])
    with pytest.raises(SystemExit, match=r"identity001\.obj has 9 vertices, not the 10"):
        pack_ict.pack(folder, PUBLISHED)
    (folder / "identity001.obj").unlink()
    with pytest.raises(SystemExit, match=r"identity001\.obj is missing"):
        pack_ict.pack(folder, PUBLISHED)


def test_the_published_tables_are_whole() -> None:
    published = pack_ict.Published()
    kept = np.concatenate(published.kept)
    assert len(kept) == 17202
    assert kept.max() < published.vertices
    assert len(set(published.landmarks68)) == 68
    assert max(published.landmarks68) < ict.FACE_END


def test_a_pack_of_another_mesh_is_not_built_from(folder: Path, tmp_path: Path) -> None:
    arrays = pack_ict.pack(folder, PUBLISHED)
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(SystemExit, match="not ICT-FaceKit Light in the version"):
        ict.read(tmp_path / "other.npz")
    del arrays["identity"]
    np.savez(tmp_path / "part.npz", **arrays)
    with pytest.raises(UnveilError, match="no array 'identity'"):
        ict.read(tmp_path / "part.npz")


def test_positions_that_differ_are_read_with_a_note(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = pack_ict.pack(folder, PUBLISHED)
    np.savez(tmp_path / "pack.npz", **arrays)
    indices, positions = (
        ict._digest(kind, *(arrays[name] for name in names))
        for kind, names in (("<i4", ("faces", "landmarks68")), ("<f4", ("neutral", "identity")))
    )
    monkeypatch.setattr(ict, "MODES", PUBLISHED.modes)
    monkeypatch.setattr(ict, "INDICES_SHA256", indices)
    monkeypatch.setattr(ict, "POSITIONS_SHA256", positions)
    heads = ict.read(tmp_path / "pack.npz")
    assert capsys.readouterr().out == ""
    np.testing.assert_allclose(heads.mean, arrays["neutral"] * 0.01)

    arrays["neutral"][0, 0] += 1e-4
    np.savez(tmp_path / "pack.npz", **arrays)
    assert ict.read(tmp_path / "pack.npz").mean.shape == heads.mean.shape
    assert "positions differ" in capsys.readouterr().out
