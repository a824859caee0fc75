"""Thousands of damaged and hostile files: of each comes a result or one line, in bounded memory and time."""

import pickle
import subprocess
import sys
from pathlib import Path

import fuzz_pickles
import numpy as np
import pytest
from extras import needs
from scipy import sparse

TRIES = 2000  # of each seed: a few seconds


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's means")
@pytest.mark.parametrize("seed", [0, 1])
def test_damaged_and_hostile_files(tmp_path: Path, seed: int) -> None:
    torch = needs("torch")
    content = {
        "array": np.arange(6.0).reshape(2, 3),
        "turned": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        "sparse": sparse.csc_matrix(np.eye(3)),
        "tensor": torch.arange(6.0).reshape(2, 3).T,
        "text": "ä",
        "number": np.float32(2),
        "set": {1, 2},
    }
    for protocol in range(6):
        (tmp_path / f"whole{protocol}").write_bytes(pickle.dumps(content, protocol))
    np.save(tmp_path / "whole.npy", np.array(content, dtype=object), allow_pickle=True)
    for zipped in (True, False):
        network = {"a": torch.nn.Linear(2, 2).state_dict(), "b": {"step": 1}}
        torch.save(network, tmp_path / f"whole_{zipped}.pt", _use_new_zipfile_serialization=zipped)
    command = [sys.executable, fuzz_pickles.__file__, tmp_path, str(seed), str(TRIES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), (tmp_path / "tried").read_bytes()
    assert int(done.stdout) > TRIES / 10, "a fuzzer whose files are all refused at once finds nothing"
