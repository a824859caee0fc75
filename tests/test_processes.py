"""Work that is shared out to processes."""

import os
import signal

import pytest

from unveil.errors import UnveilError
from unveil.processes import each_in_processes


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
