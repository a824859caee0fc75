"""The restricted unpickler: published files are read without their libraries, and nothing else is let in."""

import contextlib
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_flame
import numpy as np
import pytest
import torch
from scipy import sparse

from unveil.assets.unpickle import read_pickle, read_pickled_npy
from unveil.errors import UnveilError


class Call:
    """Pickles as a call of ``function`` with ``arguments``, which unpickling makes."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def written(path: Path, value: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps({"value": value}, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    for array in (
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(3, dtype=">f4"),
        np.array([True, False]),
        np.zeros((0, 3), np.uint32),
    ):
        got = read_pickle(written(tmp_path / "a", array, protocol))["value"]
        assert type(got) is np.ndarray
        assert got.dtype == array.dtype.newbyteorder("=")
        assert got.shape == array.shape
        assert (got == array).all()
    assert read_pickle(written(tmp_path / "a", np.float32(2.5), protocol))["value"] == np.float32(2.5)


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csr_matrix, sparse.csc_array])
def test_sparse_matrices(tmp_path: Path, kind: type) -> None:
    dense = np.random.default_rng(0).normal(size=(4, 7)) * (np.random.default_rng(1).random((4, 7)) < 0.4)
    assert (read_pickle(written(tmp_path / "a", kind(dense)))["value"] == dense).all()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6).reshape(2, 3),
        torch.arange(12.0).reshape(3, 4).T[1:, ::2],
        torch.arange(5, dtype=torch.int32)[2:],
        torch.tensor(2.5, dtype=torch.float64),
        torch.tensor([True, False]),
    ],
)
def test_torch_tensors(tmp_path: Path, tensor: torch.Tensor) -> None:
    got = read_pickle(written(tmp_path / "a", tensor))["value"]
    assert np.shape(got) == tuple(tensor.shape)
    assert (got == tensor.numpy()).all()


def test_published_files_need_no_library_of_theirs(tmp_path: Path) -> None:
    made_up_flame.write_flame_pickle(tmp_path / "model.pkl", chumpy=True)
    made_up_flame.write_landmark_embedding(tmp_path / "landmarks.npy")
    code = (
        "import sys; from pathlib import Path; from unveil.assets.unpickle import *;"
        f"d = read_pickle(Path({str(tmp_path / 'model.pkl')!r}));"
        f"e = read_pickled_npy(Path({str(tmp_path / 'landmarks.npy')!r}));"
        "print(d['shapedirs'].shape[2], d['J_regressor'].shape[0], e['dynamic_lmk_faces_idx'].shape,"
        "sorted({'torch', 'scipy', 'chumpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "400 5 (79, 17) []"


def test_landmark_embedding_values(tmp_path: Path) -> None:
    made_up_flame.write_landmark_embedding(tmp_path / "landmarks.npy")
    got = read_pickled_npy(tmp_path / "landmarks.npy")
    for name, expected in made_up_flame.landmark_arrays().items():
        assert (got[name] == expected).all()


HARMFUL: dict[str, object] = {
    "posix.system": Call(os.system, "touch harmed"),
    "builtins.eval": Call(eval, "1"),
    "builtins.getattr": Call(getattr, "text", "upper"),
    "numpy.load": Call(np.load, "x.npy"),
    "subprocess.Popen": Call(subprocess.Popen, ["true"]),
    "copyreg._reconstructor": Call(__import__("copyreg")._reconstructor, set, object, None),
    "_codecs.encode to zip": Call(__import__("codecs").encode, "text", "zip"),
    "numpy.dtype object fields": Call(np.dtype, "i4,O"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_nothing_else_is_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnveilError) as caught:
        read_pickle(written(tmp_path / "a.pkl", HARMFUL[name]))
    assert "\n" not in str(caught.value)
    assert "a.pkl" in str(caught.value)
    assert not (tmp_path / "harmed").exists()


def test_the_forbidden_name_is_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"names builtins\.eval, which no model file needs"):
        read_pickle(written(tmp_path / "a.pkl", HARMFUL["builtins.eval"]))
    np.save(tmp_path / "a.npy", np.array({"x": HARMFUL["builtins.eval"]}, dtype=object), allow_pickle=True)
    with pytest.raises(UnveilError, match=r"names builtins\.eval"):
        read_pickled_npy(tmp_path / "a.npy")


def test_arrays_cannot_reach_foreign_memory(tmp_path: Path) -> None:
    """Calling numpy.ndarray with a buffer of addresses, or a tensor beyond its storage, would read any memory."""
    array = Call(np.ndarray, (1,), "O", b"A" * 8)
    with pytest.raises(UnveilError, match="cannot be read"):
        read_pickle(written(tmp_path / "a.pkl", array))
    tensor = torch.arange(3.0)
    _, (typed, offset, *_rest) = tensor.__reduce_ex__(2)
    for size, stride in (((4,), (1,)), ((3,), (2,)), ((3,), (-1,)), ((10**9,), (0,))):
        call = Call(torch._utils._rebuild_tensor_v2, typed, offset, size, stride, False, {})
        with pytest.raises(UnveilError, match="beyond its storage"):
            read_pickle(written(tmp_path / "a.pkl", call))


def test_damaged_files_get_one_line(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.pkl", np.arange(1000.0)).read_bytes()
    rng = np.random.default_rng(0)
    for data in (b"", b"<!DOCTYPE html><html>", whole[:100], whole[:-50], pickle.dumps([1, 2])):
        (tmp_path / "b.pkl").write_bytes(data)
        with pytest.raises(UnveilError) as caught:
            read_pickle(tmp_path / "b.pkl")
        assert "\n" not in str(caught.value)
    for _ in range(300):  # whatever the bytes come to ask for: an error of ours or a dictionary
        noisy = bytearray(whole)
        noisy[int(rng.integers(200))] = int(rng.integers(256))
        (tmp_path / "b.pkl").write_bytes(noisy)
        with contextlib.suppress(UnveilError):
            assert isinstance(read_pickle(tmp_path / "b.pkl"), dict)
    with pytest.raises(UnveilError, match="No such file"):
        read_pickle(tmp_path / "missing.pkl")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    (tmp_path / "c.npy").write_bytes(buffer.getvalue())
    with pytest.raises(UnveilError, match="instead of a dictionary"):
        read_pickled_npy(tmp_path / "c.npy")
