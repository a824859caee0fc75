"""Hundreds of bad inputs over all commands: each is answered in one line, at once, and leaves everything as it was.

`bad_inputs` says what is tried, `whole_inputs` from which calls that work, `trying` what is looked at. To make one of
them again, or more of them:

    UNVEIL_ROBUSTNESS_SEED=7 UNVEIL_ROBUSTNESS_TRIES=1000 python -m pytest tests/robustness -k "encode and bad"
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")

if sys.platform != "linux":
    pytest.skip("memory is measured and processes are forked by Linux's means", allow_module_level=True)

from robustness import trying, whole_inputs
from robustness.bad_inputs import BAD_NAMES, Case, cases, commands

SEED = int(os.environ.get("UNVEIL_ROBUSTNESS_SEED", "0"))
PLAIN = 10  # of all commands together, in processes that share nothing
TRIES = int(os.environ.get("UNVEIL_ROBUSTNESS_TRIES", "13"))  # of each command, drawn from all


@pytest.fixture(autouse=True)
def one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for each other beside other work multiply the time of what is small, and all here is."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    whole_inputs.write(folder)
    return folder


def test_every_command_has_a_call(whole: Path) -> None:
    assert whole_inputs.CALLS.keys() == commands().keys()
    counts = [len(list(cases(name, whole, SEED))) for name in whole_inputs.CALLS]
    assert sum(min(TRIES, count) for count in counts) >= 300
    assert sum(counts) > 2000


@pytest.mark.parametrize("name", whole_inputs.CALLS)
def test_bad_inputs(name: str, whole: Path, tmp_path: Path) -> None:
    everything = list(cases(name, whole, SEED))
    drawn = np.random.default_rng([SEED, len(everything)]).permutation(len(everything))[:TRIES]
    tried = try_all([everything[k] for k in sorted(drawn)], whole, tmp_path)
    require_no_fault(tried)


def test_bad_inputs_of_plain_commands(whole: Path, tmp_path: Path) -> None:
    """What a user types: a new interpreter, its own streams, arguments as bytes."""
    everything = [case for name in whole_inputs.CALLS for case in cases(name, whole, SEED)]
    drawn = np.random.default_rng([SEED, len(everything)]).permutation(len(everything))[:PLAIN]
    tried = [trying.run_plainly(everything[k], whole, tmp_path / str(k)) for k in sorted(drawn)]
    require_no_fault(tried)


@pytest.mark.parametrize("name", whole_inputs.CALLS)
def test_bad_names(name: str, whole: Path, tmp_path: Path) -> None:
    tried = try_all([case for case in cases(name, whole, SEED) if case.how in BAD_NAMES], whole, tmp_path)
    require_no_fault(tried)


def require_no_fault(tried: Sequence[trying.Tried]) -> None:
    wrong = [f"{', '.join(faults)}: {one}" for one in tried if (faults := list(one.faults()))]
    assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong)


def try_all(wanted: Sequence[Case], whole: Path, folder: Path) -> list[trying.Tried]:
    """What became of each call, made in one process after the other's end; an assertion where one ended the process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(trying.PRELOADED)
    answers = context.Queue()
    process = context.Process(target=trying.run_all, args=(wanted, whole, folder, answers))
    process.start()
    tried: list[trying.Tried] = []
    for _ in wanted:
        while True:
            try:
                tried.append(answers.get(timeout=1))
                break
            except queue.Empty:
                assert process.is_alive(), f"{wanted[len(tried)].name} (seed {SEED}): exit code {process.exitcode}"
    process.join()
    return tried
