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
from child import finished
from extras import needs
from peak_memory import needs_peak_memory, run_command
from scipy import sparse

from unveil.assets.pickle_opcodes import STEP, load_pickle
from unveil.assets.pickle_source import Budget, PickleError, PickleSource
from unveil.assets.stand_ins import StandIns
from unveil.assets.unpickle import PICKLE, read_pickle, read_pickled_npy
from unveil.errors import UnveilError


class Call:
    """Pickles as a call of a function, which unpickling makes, and the state of what the call gives."""

    def __init__(self, function: Callable[..., Any], *arguments: object, state: object = None) -> None:
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def written(path: Path, value: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps({"value": value}, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
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
    "make",
    [
        lambda torch: torch.arange(6).reshape(2, 3),
        lambda torch: torch.arange(12.0).reshape(3, 4).T[1:, ::2],
        lambda torch: torch.arange(5, dtype=torch.int32)[2:],
        lambda torch: torch.tensor(2.5, dtype=torch.float64),
        lambda torch: torch.tensor([True, False]),
    ],
)
def test_torch_tensors(tmp_path: Path, make: Callable[[Any], Any]) -> None:
    tensor = make(needs("torch"))
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
    result = finished([sys.executable, "-c", code])
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
    with pytest.raises(UnveilError, match="no usable pickle"):
        read_pickle(written(tmp_path / "a.pkl", array))
    torch = needs("torch")
    _, (typed, offset, *_rest) = torch.arange(3.0).__reduce_ex__(2)
    for size, stride in (((4,), (1,)), ((3,), (2,)), ((3,), (-1,)), ((10**9,), (0,))):
        call = Call(torch._utils._rebuild_tensor_v2, typed, offset, size, stride, False, {})
        with pytest.raises(UnveilError, match="beyond its storage"):
            read_pickle(written(tmp_path / "a.pkl", call))


def torch_storage(count: int) -> bytes:
    """The bytes in which torch pickles the storage of a tensor of doubles."""
    torch = needs("torch")
    _, (typed, *_rest) = torch.zeros(count, dtype=torch.float64).__reduce_ex__(2)
    _, (raw,) = typed.__reduce__()
    return bytes(raw)


@pytest.mark.parametrize("values", [np.broadcast_to(0.0, 4), [0.0] * 4, {"values": 3}, (None, {"values": 3})])
def test_what_takes_no_state_is_given_none(tmp_path: Path, values: object) -> None:
    """A storage whose numbers were replaced by an array of another making let a tensor read beyond them."""
    torch = needs("torch")
    typed = Call(torch.storage._load_from_bytes, torch_storage(4), state={"values": values})
    tensor = Call(torch._utils._rebuild_tensor_v2, typed, 0, (2_000_000,), (1,), False, {})
    with pytest.raises(UnveilError, match="gives a state to a Storage"):
        read_pickle(written(tmp_path / "a.pkl", tensor))


ATTRIBUTE = b"(X\x01\0\0\0xX\x01\0\0\0yu"
GLOBALS = [
    b"cchumpy.ch\nCh\n",
    b"cnumpy\nndarray\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ccollections\nOrderedDict\n",
]


@pytest.mark.parametrize("name", GLOBALS)
@pytest.mark.parametrize("state", [b"}" + ATTRIBUTE, b"N}" + ATTRIBUTE + b"\x86"])
def test_classes_and_functions_cannot_be_changed(tmp_path: Path, name: bytes, state: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02" + name + state + b"b.")
    with pytest.raises(UnveilError, match="gives a state to a Name"):
        read_pickle(tmp_path / "a.pkl")


def array_of(shape: tuple[int, ...], raw: object, code: str = "f8") -> Call:
    state = (1, shape, Call(np.dtype, code, False, True, state=(3, "<", None, None, None, -1, -1, 0)), False, raw)
    return Call(np._core.multiarray._reconstruct, np.ndarray, (0,), b"b", state=state)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "array",
    [
        array_of((2**40,), b""),
        array_of((2,), b"\0" * 8),
        array_of((-1, -8), b"\0" * 64),
        array_of((2**62, 4), b""),
        array_of((2,), [1, 2]),
        array_of((2,), [1], "O8"),
        array_of((1,), b"\0" * 8, "O8"),
        array_of((1,), b"\xff" * 4, "U1"),
        array_of((3,), b"", "S0"),
        Call(bytes, 2**40),
    ],
)
def test_arrays_are_as_long_as_their_bytes(tmp_path: Path, array: Call) -> None:
    with pytest.raises(UnveilError):
        read_pickle(written(tmp_path / "a.pkl", array))


@pytest.mark.parametrize(
    "change",
    [
        {"_shape": (2**20, 2**20)},
        {"_shape": (-4, 7)},
        {"indptr": np.array([0, 2**62, 2**62 + 2**62, 0])},
        {"indptr": np.array([0, 0, 0, 9])},
        {"indptr": np.array([0, 2, 1, 3])},
        {"indices": np.array([0, 1, -1])},
        {"indices": np.array([0, 1, 4])},
        {"indices": np.array([[0, 1, 2]])},
        {"data": np.zeros(2**10)},
        {"data": np.array(["a", "b", "c"])},
    ],
)
def test_sparse_matrices_stay_within_their_shape(tmp_path: Path, change: dict[str, object]) -> None:
    state = {"_shape": (4, 3), "indptr": np.array([0, 1, 2, 3]), "indices": np.array([0, 1, 3]), "data": np.ones(3)}
    whole = Call(sparse.csc_matrix, (4, 3), state=state)
    assert read_pickle(written(tmp_path / "a.pkl", whole))["value"].sum() == 3
    with pytest.raises(UnveilError):
        read_pickle(written(tmp_path / "a.pkl", Call(sparse.csc_matrix, (4, 3), state=state | change)))


MEGABYTE = b"B" + (2**20).to_bytes(4, "little") + bytes(2**20)
BOMBS = {
    "a place in the memo": b"\x80\x02}r\0\0\0\x08.",
    "bytes that are not there": b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b".",
    "a frame that is not there": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"}.",
    "a number that is not there": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a number of many digits": b"\x80\x02}(X\x01\0\0\0aL" + b"9" * 100_000 + b"L\nu.",
    "a number that is a key": b"\x80\x02}\x8a\xff" + b"\x77" * 255 + b"Ns.",
    "tuples of tuples as a key": b"\x80\x02}))\x86" + b"2\x86" * 60 + b"Ns.",
    "the same text encoded again and again": b"\x80\x03}(X\x01\0\0\0ac_codecs\nencode\nq\0"
    + (MEGABYTE.replace(b"B", b"X", 1) + b"X\x06\0\0\0latin1\x86q\1R0" + b"h\0h\1R0" * 2000 + b"Nu."),
    "an array copied again and again": b"\x80\x03}(X\x01\0\0\0acnumpy.core.numeric\n_frombuffer\nq\0("
    + (MEGABYTE + b"cnumpy\ndtype\n(U\x02f8\x89\x88tR(K\3U\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb")
    + b"J\0\0\2\0\x85U\1Ctq\1R0"
    + b"h\0h\1R0" * 2000
    + b"Nu.",
    "a set made again and again": b"\x80\x02}(X\x01\0\0\0ac__builtin__\nset\nq\0]("
    + b"".join(b"J" + n.to_bytes(4, "little") for n in range(50_000))
    + b"e\x85q\1R0"
    + b"h\0h\1R0" * 2000
    + b"Nu.",
    "a mark that is not there": b"\x80\x02}u.",
    "a value that is not there": b"\x80\x02s.",
    "an opcode of extensions": b"\x80\x02\x82\1.",
}


@needs_peak_memory
@pytest.mark.parametrize("name", BOMBS)
def test_memory_and_time_are_bounded(tmp_path: Path, name: str) -> None:
    """Each in a process of its own, whose largest size is measured; 10 bytes used to take 2 GB."""
    (tmp_path / "a.pkl").write_bytes(BOMBS[name])
    code = (
        "from pathlib import Path; from unveil.assets.unpickle import read_pickle;"
        "from unveil.errors import UnveilError\n"
        "try: read_pickle(Path(sys.argv[1]))\n"
        "except UnveilError as error: assert 'a.pkl' in str(error)\n"
        "print(peak_memory())"
    )
    command = [*run_command(code), tmp_path / "a.pkl"]
    done = finished(command, timeout=60)
    assert not done.stderr
    assert int(done.stdout) < 2**30, "bytes"


def test_every_opcode_costs() -> None:
    assert sys.getsizeof(set()) + 16 < STEP
    assert load_pickle(PickleSource(b"\x8f" * 4000 + b"."), Budget(2**20), StandIns(Budget())) == set()
    with pytest.raises(PickleError, match="more memory"):
        load_pickle(PickleSource(b"\x8f" * 5000 + b"."), Budget(2**20), StandIns(Budget()))


def test_nested_values_are_left_out(tmp_path: Path) -> None:
    """Looking through lists that hold each other twice, sixty deep, would take forever."""
    nested: list[object] = []
    for _ in range(60):
        nested = [nested, nested]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"nested": nested, "text": "a", 3: 4, "array": np.arange(3)}))
    assert read_pickle(tmp_path / "a.pkl").keys() == {"text", "array"}


def test_only_files_of_a_moderate_size(tmp_path: Path) -> None:
    with (tmp_path / "a.pkl").open("wb") as file:
        file.truncate(PICKLE.largest + 1)
    with pytest.raises(UnveilError, match="more than 256 MB"):
        read_pickle(tmp_path / "a.pkl")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pkl")
    with pytest.raises(UnveilError, match="no regular file"):
        read_pickle(tmp_path / "a.pkl")


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
    with pytest.raises(UnveilError, match=r"missing\.pkl does not exist"):
        read_pickle(tmp_path / "missing.pkl")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    (tmp_path / "c.npy").write_bytes(buffer.getvalue())
    with pytest.raises(UnveilError, match="instead of a dictionary"):
        read_pickled_npy(tmp_path / "c.npy")
