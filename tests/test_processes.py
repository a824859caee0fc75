"""Work that is shared out to processes."""

import ctypes
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from unveil.errors import UnveilError
from unveil.processes import begun, each_in_processes, in_process, no_longer_wanted, numpy_on_one_thread, share_one_heap


def end_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    assert list(each_in_processes(hex, range(20), processes)) == [hex(number) for number in range(20)]
    assert not list(each_in_processes(hex, [], processes))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed by other means elsewhere")
def test_a_process_that_is_killed_is_a_line_that_says_so() -> None:
    with pytest.raises(UnveilError, match=r"the system ended a process.*fewer processes"):
        list(each_in_processes(end_at_three, range(6), 2))


def wait_until_unwanted(folder: Path, number: int) -> None:
    for _ in range(6000 if number else 0):
        if no_longer_wanted():
            (folder / str(number)).touch()
            return
        time.sleep(0.01)


def test_work_that_takes_long_learns_that_nobody_waits_for_it(tmp_path: Path) -> None:
    assert not no_longer_wanted()
    results = each_in_processes(partial(wait_until_unwanted, tmp_path), range(3), 2)
    next(results)
    assert not list(tmp_path.iterdir())
    results.close()
    assert (tmp_path / "1").exists()


def numpys_threads() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {library.num_threads for library in ThreadpoolController().select(user_api="blas").lib_controllers}


def threads_before_within_and_after() -> list[set[int]]:
    with threadpool_limits(2, user_api="blas"):
        seen = [numpys_threads()]
        with numpy_on_one_thread:
            with numpy_on_one_thread:
                seen.append(numpys_threads())
            seen.append(numpys_threads())
        return [*seen, numpys_threads()]


def test_numpy_computes_on_one_thread_as_long_as_anybody_asks_for_it_and_then_on_as_many_as_before() -> None:
    # In a process of its own: threads of other tests may ask for it, too.
    before, inner, outer, after = in_process(threads_before_within_and_after)
    assert after == before
    assert before in ({2}, {1}, set())  # 1 where the library was built for one thread; empty where none can be told
    assert inner == outer == ({1} if before else set())


@pytest.mark.parametrize("cores", [1, 2])
def test_work_is_done_once_on_another_core_or_else_when_it_is_asked_for(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("unveil.processes.core_count", lambda: cores)
    done: list[int] = []
    asked, fails, where = begun(done.append, 1), begun(divide_by, 0), begun(threading.get_ident)
    assert cores > 1 or not done
    assert asked() is asked() is None
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        fails()
    assert (where() == threading.get_ident()) == (cores == 1)


@pytest.mark.parametrize("wrong", [OSError, AttributeError, TypeError])
def test_systems_without_the_gnu_c_library_go_on_without_one_heap(
    wrong: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load(name: str | None) -> ctypes.CDLL:
        asked.append(name)
        raise wrong

    monkeypatch.setattr(ctypes, "CDLL", load)
    share_one_heap()
    assert asked == [None]


def divide_by(number: int) -> float:
    return 1 / number
